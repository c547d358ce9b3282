"""Results and traces for a person's eye. Nothing of the service itself needs it."""
