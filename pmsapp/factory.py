"""Puts the application together: settings, keys, database, screens, programs' interface."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy.engine import make_url

from pmsapp import paths
from pmsapp.crypto import key_files
from pmsapp.extensions import csrf, db, migrate
from pmsapp.models import sqlite  # importing pmsapp.models registers every table
from pmsapp.settings import Settings, load_settings

MAX_BODY_BYTES = 1024 * 1024


def create_app(settings: Settings | None = None, *, screens: bool = True) -> Flask:
    """Build the web application. Raises ConfigurationError, one sentence, when a setting or file is wrong.

    Without `screens` it has no pages and no JSON interface: enough for commands and jobs, and ready sooner.
    """
    settings = settings or load_settings()
    key_files.ensure_instance(settings)
    app = Flask("pmsapp", template_folder=str(paths.TEMPLATES), static_folder=str(paths.STATIC))
    app.extensions["pmsapp_settings"] = settings
    app.extensions["pmsapp_keys"] = key_files.ring(settings)
    app.config.update(
        SECRET_KEY=key_files.secret_key(settings),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        MAX_FORM_PARTS=500,
        TRUSTED_HOSTS=trusted_hosts(settings),
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.sqlalchemy_url),
    )
    _check_vendors(settings)
    _bind_database(app)
    if screens:
        _add_screens(app)
    return app


def trusted_hosts(settings: Settings) -> list[str]:
    """Host names the pages answer to."""
    own = [settings.host] if settings.host not in {"0.0.0.0", "::", ""} else []  # noqa: S104 - compared, not bound
    return [*dict.fromkeys(["localhost", "127.0.0.1", "[::1]", *own, *settings.trusted_hosts])]


def engine_options(url: str) -> dict[str, Any]:
    """How the engine of `url` is opened. What a statement was given (patient data) stays out of its errors."""
    if make_url(url).get_backend_name() == "sqlite":
        return {
            "module": sqlite.sqlite_module(),
            "pool_size": 20,
            "max_overflow": 20,
            "hide_parameters": True,
        }
    return {"pool_pre_ping": True, "isolation_level": "READ COMMITTED", "hide_parameters": True}


def _check_vendors(settings: Settings) -> None:
    from pmsapp.services.vendors import adapters as vendor_adapters

    vendor_adapters.check_settings(settings)


def _bind_database(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(paths.MIGRATIONS))
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sqlite.set_up(db.engine)


def _add_screens(app: Flask) -> None:
    csrf.init_app(app)
    from pmsapp import api, web
    from pmsapp.schemas.addresses import use_converters

    use_converters(app.url_map)
    web.init_app(app)
    api.init_app(app)
