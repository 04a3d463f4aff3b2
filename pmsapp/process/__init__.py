"""What a process does for its supervisor: its sign of life, and its end when the parent dies."""
