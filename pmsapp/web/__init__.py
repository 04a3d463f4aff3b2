"""The pages. What holds on every one of them (guard, headers, errors, request log) is put in place here."""

from __future__ import annotations

import hashlib
import ipaddress
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from pmsapp import access
from pmsapp.services import transaction
from pmsapp.services.sessions import ABSOLUTE_LIFE
from pmsapp.settings import Settings
from pmsapp.web import (
    alerts,
    assets,
    auth,
    cards,
    compression,
    connecting,
    connection_settings,
    decisions,
    errors,
    headers,
    health,
    history,
    integrations,
    matching,
    people,
    request_log,
    runsheet,
    settings_pages,
    tokens,
    updates,
    watchdog,
)

_AREAS = (
    auth,
    health,
    runsheet,
    cards,
    decisions,
    updates,
    integrations,
    connecting,
    matching,
    connection_settings,
    history,
    settings_pages,
    people,
    tokens,
    alerts,
)


def init_app(app: Flask) -> None:
    """Put the pages into `app`, and around them what keeps them safe. Call before any other interface is added."""
    settings: Settings = app.extensions["pmsapp_settings"]
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config.update(cookie_settings(settings))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    request_log.init_app(app)
    app.before_request(transaction.somebody_waits)
    compression.init_app(app)
    access.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    assets.init_app(app)
    for area in _AREAS:
        app.register_blueprint(area.bp)
    app.extensions["start_watchdog"] = partial(watchdog.start, app)


def cookie_settings(settings: Settings) -> dict[str, object]:
    """How the session cookie is kept. Only plain HTTP on this very machine goes without Secure.

    The name differs between installations on one host, so that a demo never signs the real clinic out.
    """
    mark = hashlib.sha256(str(settings.instance_dir).encode()).hexdigest()[:6]
    secure = not is_plain_loopback(settings)
    return {
        "SESSION_COOKIE_NAME": f"{'__Host-' if secure else ''}pmsapp-{mark}",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": None,
        "PERMANENT_SESSION_LIFETIME": ABSOLUTE_LIFE,
        "SESSION_REFRESH_EACH_REQUEST": False,
    }


def is_plain_loopback(settings: Settings) -> bool:
    """True when the pages are served without a proxy and only to this machine."""
    if settings.trusted_proxies:
        return False
    if settings.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        return False
