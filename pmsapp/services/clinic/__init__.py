"""The clinic itself: its name, zone and opening hours."""
