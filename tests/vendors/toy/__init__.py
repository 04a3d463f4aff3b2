"""Toybox: a practice software that does not exist, added the way a real one would be."""
