"""Signing in again to a connection that wants it, and changing a login that works: the same fields, apart."""

from __future__ import annotations

from flask import Response

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.services.base.errors import ServiceError
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.setup import counts
from pmsapp.web.integrations.setup import connect, connect_form
from pmsapp.web.integrations.setup.contexts import ConnectPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms

_KEEPS = "A field left empty keeps what is stored."


def again_page(view: ConnectionView, return_to: str, error: ServiceError | None = None) -> Response:
    """Sign in again: what stays, in numbers, and the login."""
    title = f"Sign in again to {view.pms_label}"
    return _page(view, title, f"For {view.display_name}. {_KEEPS}", "login", "Sign in", return_to, error)


def change_page(view: ConnectionView, error: ServiceError | None = None) -> Response:
    """Change the login of a connection that works, for instance for a new key."""
    lead = f"For {view.display_name}. The new login is tried first; the old one stays until it is accepted. {_KEEPS}"
    title = f"Change the login of {view.pms_label}"
    return _page(view, title, lead, "reconfigure", "Try and save", f"/integrations/{view.id}", error)


def stays_words(view: ConnectionView) -> str:
    """ "Your 5 matches, 3 telehealth types and 2 hand-edited cards stay as they are." """
    edited = counts.edited_cards(view.id)
    parts = [
        fmt.plural(view.counts.mapped, "match", "matches"),
        fmt.plural(view.counts.telehealth_types, "telehealth type"),
        fmt.plural(edited, "hand-edited card"),
    ]
    return f"Your {fmt.listed(parts)} stay as they are."


def _page(
    view: ConnectionView,
    title: str,
    lead: str,
    action: str,
    button: str,
    return_to: str,
    error: ServiceError | None,
) -> Response:
    info = get_info(view.pms_type)
    errors = connect_form.errors_of(info, error)
    stored = {field.name: "" for field in info.credential_fields} if view.has_credentials else {}
    typed = {
        field.name: forms.typed().get(field.name, "") for field in info.credential_fields if not field.secret
    }
    shown = ConnectPage(
        steps=connect_form.steps(2, view),
        pms=info.label,
        title=title,
        action=f"/integrations/{view.id}/{action}",
        fields=connect_form.login_fields(info, supplied=stored, given=typed, errors=errors, only_login=True),
        where=connect_form.paths(info)[:1],
        lead=lead,
        button=button,
        back=return_to,
        errors=connect_form.summary_of(errors, info),
        refusal=connect_form.refusal_notice(error, info, clock.now(), view.time_zone),
        stays=stays_words(view) if view.state != "setup" else None,
        return_to=return_to,
    )
    return connect.respond("connect", shown, connect.status_of(error))
