"""The run sheet: work list and columns, and the buttons of its lines."""
