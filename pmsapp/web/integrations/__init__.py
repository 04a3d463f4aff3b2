"""Connections to a practice: the list, the five steps, practitioners and types."""
