"""Screens."""

from flask import Flask

from pmsapp.web import assets


def init_app(app: Flask) -> None:
    """Register the screens."""
    assets.init_app(app)
