"""The run sheet and its cards."""
