"""Doing a run, from its claim to its receipt."""
