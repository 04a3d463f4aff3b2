"""Choosing a password: by a one-time link, or because somebody else chose the one in use."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.people import one_time_links, sessions, users
from pmsapp.web.account import browser, contexts
from pmsapp.web.account.forms import PasswordForm
from pmsapp.web.ui import forms

bp = Blueprint("links", __name__)


@bp.get("/link/<token>")
def choose(token: str) -> ResponseReturnValue:
    """The page a one-time link leads to. Opening it uses nothing up."""
    try:
        user = one_time_links.find(token)
    except NotFound:
        return _over()
    return _page(contexts.ChoosePage(user.email, user.name, action=f"/link/{token}"))


@bp.post("/link/<token>")
def choose_password(token: str) -> ResponseReturnValue:
    """Store the password; the link is used up. Signing in follows, with the second factor where there is one."""
    try:
        user = one_time_links.find(token)
        one_time_links.redeem(token, forms.read(PasswordForm).password, guard.anonymous())
    except NotFound:
        return _over()
    except Invalid as error:
        page = contexts.ChoosePage(user.email, user.name, action=f"/link/{token}", faults=error.errors)
        return _page(page, 422)
    return redirect("/login?done=password", 303)


@bp.get("/password")
def own_password() -> ResponseReturnValue:
    """The page for who signed in with a password somebody else chose."""
    current = guard.current_session()
    if current is None or current.lacks != sessions.PASSWORD:
        return redirect("/", 303)
    return _page(_own())


@bp.post("/password")
def choose_own_password() -> ResponseReturnValue:
    """Store it; every session ends but for a new one on this browser."""
    current, actor = guard.current_session(), guard.current_actor()
    if current is None or current.lacks != sessions.PASSWORD:
        return redirect("/", 303)
    try:
        users.set_password(current.user_id, forms.read(PasswordForm).password, actor, new_only=True)
    except Invalid as error:
        return _page(_own(error.errors), 422)
    browser.open_session(users.get_user(current.user_id))
    return redirect(forms.next_page(), 303)


def _own(faults: dict[str, str] | None = None) -> contexts.ChoosePage:
    user = users.get_user(guard.current_actor().id or 0)
    next_page = forms.next_page()
    return contexts.ChoosePage(
        user.email, user.name, action="/password", next=next_page, is_forced=True, faults=faults or {}
    )


def _page(page: contexts.ChoosePage, status: int = 200) -> Response:
    return make_response(render_template("auth/choose.html", page=page), status)


def _over() -> Response:
    return make_response(render_template("auth/link_over.html"), 404)
