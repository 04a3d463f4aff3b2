"""Reading the run sheet, and placing cards on it."""
