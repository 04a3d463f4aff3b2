"""Which programs hold a key. Each change needs a password given minutes ago."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.domain.roles import TOKEN_ROLES
from pmsapp.services.base.errors import Invalid
from pmsapp.services.people import api_tokens
from pmsapp.services.people.api_tokens import TokenView
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import TokenLine, TokensPage
from pmsapp.web.settings.forms import TokenForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.labels import ROLE_WORDS
from pmsapp.web.ui.page_contexts import FormField, Option
from pmsapp.web.ui.said import lead_to

bp = Blueprint("tokens", __name__)
_ROLES = ROLE_WORDS | {"status": "Status only, no patients"}
_DAYS = {"30": "30 days", "365": "One year", "": "Until revoked"}


@bp.get("/settings/tokens")
def index() -> ResponseReturnValue:
    """Every key there is."""
    return _page()


@bp.post("/settings/tokens")
def make() -> ResponseReturnValue:
    """Make a key; it is shown once, on this answer."""
    try:
        form = forms.read(TokenForm)
        made = api_tokens.create(form.name, form.role, guard.current_actor(), days=form.days)
    except Invalid as error:
        return _page(errors=error.errors)
    return _page(made=made.token)


@bp.post("/settings/tokens/<id:token_id>/revoke")
def revoke(token_id: int) -> ResponseReturnValue:
    """Make a key useless at once."""
    api_tokens.revoke(token_id, guard.current_actor())
    return lead_to("/settings/tokens", "token-revoked")


def _page(*, errors: Mapping[str, str] | None = None, made: str | None = None) -> Response:
    now, errors = shell.page_status(), errors or {}
    typed = forms.typed() if errors else {}
    page = TokensPage(
        nav=settings_nav.nav(),
        tokens=tuple(_line(token, now) for token in api_tokens.list_tokens()),
        form={"name": FormField("name", "What it is for", typed.get("name", ""), error=errors.get("name"))},
        roles=tuple(
            Option(key, _ROLES[key], key == typed.get("role", "viewer")) for key in sorted(TOKEN_ROLES)
        ),
        days=tuple(Option(key, word, key == typed.get("days", "365")) for key, word in _DAYS.items()),
        errors=forms.told(errors, {"name": "What it is for", "role": "Role", "days": "Works for"}),
        made=made,
    )
    html = shell.render("settings/tokens.html", "settings", now, page=page)
    return make_response(html, 422 if errors else 200)


def _line(token: TokenView, now: shell.PageStatus) -> TokenLine:
    over = token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now.now)
    ends = fmt.moment(token.expires_at, now.now, now.zone) if token.expires_at else "when revoked"
    return TokenLine(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        role=_ROLES.get(token.role, token.role),
        made=f"{fmt.moment(token.created_at, now.now, now.zone)} by {token.created_by}",
        used=fmt.moment(token.last_used_at, now.now, now.zone) if token.last_used_at else "never",
        ends="revoked" if token.revoked_at else ends,
        works=not over,
    )
