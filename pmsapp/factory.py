"""Puts the application together: settings, keys, database, screens, programs' interface."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import Flask
from sqlalchemy.engine import make_url

from pmsapp import paths
from pmsapp.crypto import key_files
from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import csrf, db, migrate
from pmsapp.models.databases import postgres, sqlite  # importing pmsapp.models registers every table
from pmsapp.settings import Settings, load_settings

MAX_BODY_BYTES = 1024 * 1024


class Access(StrEnum):
    """What an app may do to the instance folder: make it and its keys; use what is there; only look, write nothing."""

    MAKE = "make"
    USE = "use"
    LOOK = "look"


def create_app(
    settings: Settings | None = None, *, screens: bool = True, access: Access = Access.MAKE
) -> Flask:
    """Build the web application. Raises ConfigurationError, one sentence, when a setting or file is wrong.

    Without `screens` it has no pages and no JSON interface: enough for commands and jobs, and ready sooner.
    """
    settings = settings or load_settings()
    _check_folder(settings, access)
    app = Flask("pmsapp", template_folder=str(paths.TEMPLATES), static_folder=str(paths.STATIC))
    app.extensions["pmsapp_settings"] = settings
    app.config.update(
        DEBUG=False,  # whatever FLASK_DEBUG says
        SECRET_KEY=key_files.secret_key(settings, make=access is not Access.LOOK),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        MAX_FORM_PARTS=500,
        TRUSTED_HOSTS=trusted_hosts(settings),
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
    )
    _check_vendors(settings)
    _bind_database(app)
    app.extensions["pmsapp_keys"] = _keys(app, settings, access)
    if screens:
        _add_screens(app)
    return app


def _check_folder(settings: Settings, access: Access) -> None:
    if access is Access.LOOK:
        key_files.require_owner(settings.instance_dir)
    elif access is Access.USE and settings.sqlite_file is not None:
        key_files.require_instance(settings)
    else:
        key_files.ensure_instance(settings)


def _keys(app: Flask, settings: Settings, access: Access) -> KeyRing:
    """The encryption keys. Lost ones are never replaced in silence: what was sealed with them would be lost for good."""
    if key_files.has_ring(settings):
        return key_files.ring(settings)
    if access is Access.LOOK:
        return key_files.passing_ring()
    from pmsapp.services.maintenance import database

    with app.app_context():
        needed = database.needs_earlier_keys()
        db.engine.dispose()
    if needed:
        raise ConfigurationError(
            f"{key_files.keys_file(settings)} is missing, and the database needs its keys; put your copy of it back"
            " (from another machine of the same database, too). If there is no copy: pmsapp keys add --lost"
        )
    return key_files.ring(settings)


def trusted_hosts(settings: Settings) -> list[str]:
    """Host names the pages answer to."""
    own = [settings.host] if settings.host not in {"0.0.0.0", "::", ""} else []  # noqa: S104 - compared, not bound
    return [*dict.fromkeys(["localhost", "127.0.0.1", "[::1]", *own, *settings.trusted_hosts])]


def engine_options(settings: Settings) -> dict[str, Any]:
    """How the engine is opened. What a statement was given (patient data) stays out of its errors."""
    url = make_url(settings.sqlalchemy_url)
    if url.get_backend_name() == "sqlite":
        return {
            "module": sqlite.sqlite_module(),
            "pool_size": 20,
            "max_overflow": 20,
            "hide_parameters": True,
        }
    return postgres.options(url, settings.database_timeout_s)


def _check_vendors(settings: Settings) -> None:
    from pmsapp.services.vendors import adapters as vendor_adapters

    vendor_adapters.check_settings(settings)


def _bind_database(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(paths.MIGRATIONS))
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sqlite.set_up(db.engine)
        else:
            postgres.set_up(db.engine)


def _add_screens(app: Flask) -> None:
    csrf.init_app(app)
    from pmsapp import api, web
    from pmsapp.schemas.addresses import use_converters

    use_converters(app.url_map)
    web.init_app(app)
    api.init_app(app)
