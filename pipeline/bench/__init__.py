"""How fast, how alike, how much memory: measured side by side, each side in a process of its own."""
