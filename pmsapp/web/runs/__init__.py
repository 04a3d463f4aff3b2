"""Runs: asked for, followed, listed."""
