"""What does the batching policy do under which arrivals? The worker's own core, driven by a simulated clock."""
