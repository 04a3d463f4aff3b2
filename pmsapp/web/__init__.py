"""The pages. What holds on every one of them (guard, headers, errors, request log) is put in place here."""

from __future__ import annotations

import hashlib
import ipaddress
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from pmsapp.access import guard
from pmsapp.services.base import transaction
from pmsapp.services.people.sessions import ABSOLUTE_LIFE
from pmsapp.settings import Settings
from pmsapp.web.account import links as link_pages
from pmsapp.web.account import pages as account_pages
from pmsapp.web.account import second_factor as second_factor_pages
from pmsapp.web.cards import pages as card_pages
from pmsapp.web.decisions import pages as decision_pages
from pmsapp.web.help import pages as help_pages
from pmsapp.web.http import (
    assets,
    compression,
    headers,
    probes,
    request_log,
    template_sources,
    watchdog,
    way_in_notes,
)
from pmsapp.web.http import (
    errors as error_pages,
)
from pmsapp.web.integrations import connecting, connection_settings, matching, receipts
from pmsapp.web.integrations import pages as integration_pages
from pmsapp.web.paper import hand_over_pages, print_pages
from pmsapp.web.records import log as log_pages
from pmsapp.web.records import patients as patient_pages
from pmsapp.web.records import retention as retention_pages
from pmsapp.web.runs import pages as run_pages
from pmsapp.web.runs import run_page, updates
from pmsapp.web.settings import alerts as alert_pages
from pmsapp.web.settings import diagnostics as diagnostics_pages
from pmsapp.web.settings import downtime as downtime_pages
from pmsapp.web.settings import pages as settings_pages
from pmsapp.web.settings import people as people_pages
from pmsapp.web.settings import rules as rules_pages
from pmsapp.web.settings import tokens as token_pages
from pmsapp.web.sheet import pages as sheet_pages
from pmsapp.web.sheet import press_pages
from pmsapp.web.ui import said

_AREAS = (
    account_pages,
    link_pages,
    second_factor_pages,
    probes,
    sheet_pages,
    press_pages,
    print_pages,
    hand_over_pages,
    card_pages,
    decision_pages,
    updates,
    integration_pages,
    connecting,
    matching,
    connection_settings,
    receipts,
    run_pages,
    run_page,
    settings_pages,
    people_pages,
    token_pages,
    alert_pages,
    downtime_pages,
    log_pages,
    retention_pages,
    patient_pages,
    help_pages,
    rules_pages,
    diagnostics_pages,
)


def init_app(app: Flask) -> None:
    """Put the pages into `app`, and around them what keeps them safe. Call before any other interface is added."""
    settings: Settings = app.extensions["pmsapp_settings"]
    app.jinja_loader = template_sources.loader()
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config.update(cookie_settings(settings))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    request_log.init_app(app)
    way_in_notes.init_app(app)
    app.before_request(transaction.give_up_early)
    compression.init_app(app)
    guard.init_app(app)
    headers.init_app(app)
    error_pages.init_app(app)
    assets.init_app(app)
    said.init_app(app)
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
