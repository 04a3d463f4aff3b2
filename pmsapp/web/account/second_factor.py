"""The second factor of one's own account: set up, recovery codes, take away."""

from __future__ import annotations

import io

import segno
from flask import Blueprint, Response, make_response, redirect, render_template, session
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from pmsapp.access import guard
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.people import second_factor, users
from pmsapp.services.people.login_throttle import TooManyTries
from pmsapp.web.account import browser, contexts
from pmsapp.web.account.forms import CodeForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.said import lead_to

bp = Blueprint("second_factor", __name__)
_HELD = "second_factor"  # the key inside the signed cookie; what it holds is sealed


@bp.get("/settings/account/second-factor")
def show() -> ResponseReturnValue:
    """The picture to scan, or how the second factor stands."""
    return _page()


@bp.post("/settings/account/second-factor")
def enable() -> ResponseReturnValue:
    """Turn it on with a code of the app; the recovery codes are shown this once."""
    actor = guard.current_actor()
    user_id = actor.id or 0
    try:
        codes = second_factor.enable(user_id, session.get(_HELD), forms.read(CodeForm).code, actor)
    except Invalid as error:
        return _page(faults=error.errors, status=422)
    except TooManyTries as error:
        return _page(faults={"code": contexts.wait_sentence(error)}, status=429)
    except Conflict:
        return redirect("/settings/account/second-factor", 303)
    next_page = forms.next_page()
    browser.open_session(users.get_user(user_id))
    return _codes_page(codes, next_page)


@bp.post("/settings/account/second-factor/recovery-codes")
def renew_codes() -> ResponseReturnValue:
    """Fresh recovery codes; the old ones stop working."""
    actor = guard.current_actor()
    return _codes_page(second_factor.renew_recovery_codes(actor.id or 0, actor), "/settings/account")


@bp.post("/settings/account/second-factor/take-away")
def take_away() -> ResponseReturnValue:
    """Take it away with a code of it, for example to set up another phone."""
    actor = guard.current_actor()
    user_id = actor.id or 0
    try:
        if not second_factor.check(user_id, forms.read(CodeForm).code, actor):
            return _page(faults={"code": "This code does not work, or was used already."}, status=422)
    except TooManyTries as error:
        return _page(faults={"code": contexts.wait_sentence(error)}, status=429)
    second_factor.reset(user_id, actor)
    browser.open_session(users.get_user(user_id))
    return lead_to("/settings/account/second-factor", "factor-away")


def _page(*, faults: dict[str, str] | None = None, status: int = 200) -> Response:
    user_id = guard.current_actor().id or 0
    standing, now = second_factor.status(user_id), shell.page_status()
    shown = contexts.SecondFactorPage(
        required=standing.required,
        is_training=standing.is_training,
        since=fmt.moment(standing.enabled_at, now.now, now.zone) if standing.enabled_at else None,
        recovery_left=standing.recovery_left,
        next=forms.next_page("/settings/account"),
        faults=faults or {},
    )
    if standing.enabled_at is None:
        setup = second_factor.begin(user_id, session.get(_HELD))
        if setup.is_new:
            session[_HELD] = setup.held
        shown = shown.with_secret(setup.secret, picture_of(setup.address))
    return make_response(render_template("auth/second_factor.html", page=shown), status)


def _codes_page(codes: list[str], next_page: str) -> Response:
    page = contexts.RecoveryCodesPage(tuple(codes), next_page)
    return make_response(render_template("auth/recovery_codes.html", page=page))


def picture_of(address: str) -> Markup:
    """The address as a QR code in SVG, drawn here: no other site sees it, and the policy of the pages allows it."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, border=3, svgclass="qr-code", lineclass=None, omitsize=True
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us, holds numbers only
