"""The made-up clinic: its people, its days and what staff of that clinic may do."""
