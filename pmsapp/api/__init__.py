"""The JSON interface for programs."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the calls."""
