"""Unbound extensions, bound by `create_app`. Nothing here opens a connection at import."""

from __future__ import annotations

from flask import current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from pmsapp.crypto.cipher import KeyRing
from pmsapp.models.base import Base
from pmsapp.settings import Settings

db = SQLAlchemy(model_class=Base)
migrate = Migrate(render_as_batch=True)
csrf = CSRFProtect()


def current_settings() -> Settings:
    """The settings of the running app."""
    settings: Settings = current_app.extensions["pmsapp_settings"]
    return settings


def key_ring() -> KeyRing:
    """The keys of the running app."""
    ring: KeyRing = current_app.extensions["pmsapp_keys"]
    return ring
