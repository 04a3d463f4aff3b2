"""Connections to a practice: made, checked, changed, removed, shown."""
