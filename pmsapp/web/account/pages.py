"""Signing in and out, the first administrator, and one's own account."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.ages import is_within
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.people import known_browsers, second_factor, sessions, sign_in, users
from pmsapp.services.people.login_throttle import Ticket, TooManyTries
from pmsapp.services.people.sign_in import SignInFailed
from pmsapp.services.sheet import looks
from pmsapp.web.account import browser, contexts
from pmsapp.web.account.forms import (
    CodeForm,
    OwnPasswordForm,
    PasswordForm,
    SetupForm,
    ShortcutsForm,
    SignInForm,
    UnlockForm,
)
from pmsapp.web.http.headers import FORGET_BROWSER_DATA
from pmsapp.web.ui import forms, shell

bp = Blueprint("auth", __name__)
_TICKET, _HALF = "ticket", "half"  # keys inside the signed cookie
_HALF_LIFE = timedelta(minutes=5)  # between password and code


@bp.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in goes on."""
    next_page = forms.next_page()
    if guard.resume_session() is not None:
        return redirect(next_page, 303)
    return _login_page(
        contexts.LoginPage(next=next_page, done=contexts.SIGN_IN_DONE.get(forms.asked().get("done", "")))
    )


@bp.post("/login")
def give_password() -> ResponseReturnValue:
    """The right email and password open a session, or lead to the page that asks for a code."""
    form, next_page = forms.read(SignInForm), forms.next_page()
    shown = contexts.LoginPage(next=next_page, email=form.email[: users.MAX_EMAIL_CHARS])
    try:
        proven = sign_in.prove(
            form.email,
            form.password,
            guard.anonymous(),
            browser=browser.asking(),
            ticket=_ticket(),
        )
    except SignInFailed as error:
        session.pop(_TICKET, None)
        return _login_page(shown.saying(f"{error.message} {error.advice}"), 422)
    except TooManyTries as error:
        _keep_ticket(error)
        return _wait(_login_page(shown.saying(contexts.wait_sentence(error)), 429), error)
    if proven.needs_code:
        browser.end_current("replaced")
        session.clear()
        half = {"id": proven.user.id, "stamp": proven.stamp, "at": clock.now().isoformat(), "next": next_page}
        session[_HALF] = half
        return redirect("/login/code", 303)
    return _let_in(proven.user.id, proven.stamp, next_page)


@bp.get("/login/code")
def code() -> ResponseReturnValue:
    """Asks for the code of who gave the right password."""
    return _page("auth/code.html", contexts.CodePage()) if _half() else redirect("/login", 303)


@bp.post("/login/code")
def give_code() -> ResponseReturnValue:
    """Open a session for the right code."""
    half = _half()
    if half is None:
        return redirect("/login", 303)
    user_id, given = int(half["id"]), forms.read(CodeForm).code
    try:
        if not sign_in.check_code(user_id, given, guard.anonymous(), browser=browser.asking()):
            fault = "This code does not work, or was used already. Wait for the next one."
            return _page("auth/code.html", contexts.CodePage(fault), 422)
    except TooManyTries as error:
        shown = contexts.CodePage(contexts.wait_sentence(error))
        return _wait(_page("auth/code.html", shown, 429), error)
    return _let_in(user_id, str(half["stamp"]), guard.local_path(half.get("next")))


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """End this browser's session and have the browser forget the pages, also when the database can store nothing."""
    browser.end_current_if_possible("signed_out")
    session.clear()
    response = make_response(redirect("/login?done=out", 303))
    response.headers["Clear-Site-Data"] = FORGET_BROWSER_DATA
    return response


@bp.get("/unlock")
def standing() -> ResponseReturnValue:
    """Whether this browser is still signed in, as whom, and the token its forms need now."""
    found = guard.resume_session()
    return {
        "is_live": found is not None,
        "is_fresh": found is not None and sessions.is_fresh(found, grace=True),
        "user": found.user_id if found else None,
        "csrf_token": generate_csrf(),
    }


@bp.post("/unlock")
def unlock() -> ResponseReturnValue:
    """Open a new session for the person whose page is locked, for their password, and the code of their second factor
    where they have one; the page stays as it is."""
    token = session.get(guard.SESSION_TOKEN)
    user_id = sessions.owner(token) if isinstance(token, str) else None
    form = forms.read(UnlockForm)
    if user_id is None or str(user_id) != form.user:
        return {"fault": "This page belongs to another sign-in. Choose “Sign in as somebody else”."}, 409
    user = users.get_user(user_id)
    actor = users.as_actor(user, guard.anonymous())
    try:
        if not sign_in.check_password(user_id, form.password, actor):
            return {"fault": "This is not your password."}, 422
        if (fault := _code_fault(user_id, form.code)) is not None:
            return {"fault": fault, "needs_code": True}, 422
    except TooManyTries as error:
        return _wait(make_response({"fault": contexts.wait_sentence(error)}, 429), error)
    browser.open_session(user, reason="unlocked")
    return {"csrf_token": generate_csrf()}


def _code_fault(user_id: int, given: str) -> str | None:
    """What is wrong with the second factor's code; None where it is right or none is asked for. Raises TooManyTries."""
    if not second_factor.is_enabled(user_id):
        return None
    if not given.strip():
        return "Enter the code of your second factor as well."
    if sign_in.check_code(user_id, given, guard.anonymous(), browser=browser.asking()):
        return None
    return "This code does not work, or was used already. Wait for the next one."


@bp.get("/setup")
def setup() -> ResponseReturnValue:
    """The page that makes the first administrator; gone once there is one."""
    if users.any_users():
        return redirect("/login", 303)
    return _page("auth/setup.html", contexts.SetupPage())


@bp.post("/setup")
def set_up() -> ResponseReturnValue:
    """Make the first administrator with the one-time code, and sign them in."""
    form = forms.read(SetupForm)
    shown = contexts.SetupPage(
        code=form.code[:80], email=form.email[: users.MAX_EMAIL_CHARS], name=form.name[:80]
    )
    try:
        user = users.set_up_first_admin(
            form.code, email=form.email, name=form.name, password=form.password, actor=guard.anonymous()
        )
    except Invalid as error:
        return _page("auth/setup.html", shown.with_faults(error.errors), 422)
    except TooManyTries as error:
        faults = {"code": contexts.wait_sentence(error)}
        return _wait(_page("auth/setup.html", shown.with_faults(faults), 429), error)
    except Conflict:
        return redirect("/login", 303)
    browser.open_session(user)
    return redirect("/", 303)


@bp.get("/confirm")
def confirm() -> ResponseReturnValue:
    """Asks for the password again before the most delicate pages."""
    next_page = forms.next_page()
    email = users.get_user(guard.current_actor().id or 0).email
    return _page("auth/confirm.html", contexts.ConfirmPage(next_page, email))


@bp.post("/confirm")
def confirm_password() -> ResponseReturnValue:
    """Open a fresh session in the place of this one, for the right password."""
    next_page, actor = forms.next_page(), guard.current_actor()
    user_id = actor.id or 0
    shown = contexts.ConfirmPage(next_page, users.get_user(user_id).email)
    try:
        if not sign_in.check_password(user_id, forms.read(PasswordForm).password, actor):
            return _page("auth/confirm.html", shown.saying("This is not your password."), 422)
    except TooManyTries as error:
        return _wait(_page("auth/confirm.html", shown.saying(contexts.wait_sentence(error)), 429), error)
    browser.open_session(users.get_user(user_id), reason="confirmed")
    return redirect(next_page, 303)


@bp.get("/settings/account")
def account() -> ResponseReturnValue:
    """One's own password and signed-in browsers."""
    return _account_page(done=forms.asked().get("done"))


@bp.post("/settings/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other browser is signed out, this one gets a new session."""
    actor = guard.current_actor()
    user_id = actor.id or 0
    form = forms.read(OwnPasswordForm)
    try:
        sign_in.change_own_password(user_id, form.current_password, form.new_password, actor)
    except Invalid as error:
        return _account_page(faults=error.errors, status=422)
    except TooManyTries as error:
        faults = {"current_password": contexts.wait_sentence(error)}
        return _wait(_account_page(faults=faults, status=429), error)
    browser.open_session(users.get_user(user_id))
    return redirect("/settings/account?done=password", 303)


@bp.post("/settings/account/shortcuts")
def switch_shortcuts() -> ResponseReturnValue:
    """Switch the keys of the run sheet on or off for oneself."""
    on = forms.read(ShortcutsForm).on == "1"
    looks.set_shortcuts(on, guard.current_actor())
    if not request.headers.get("HX-Request"):
        return redirect("/settings/account?done=keys", 303)
    answer = make_response(render_template("components/_shortcuts.html", on=on))
    answer.headers["HX-Trigger"] = json.dumps({"shortcuts": {"on": on}})
    return answer


@bp.post("/settings/account/sessions/<id:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign one of one's own browsers out. Another person's is not found."""
    actor = guard.current_actor()
    sessions.end(session_id, actor, user_id=actor.id)
    return redirect("/settings/account?done=session", 303)


@bp.post("/settings/account/browsers/<id:browser_id>/forget")
def forget_browser(browser_id: int) -> ResponseReturnValue:
    """Forget one of the browsers one signed in on. Another person's is not found."""
    actor = guard.current_actor()
    known_browsers.forget(browser_id, actor.id or 0, actor)
    return redirect("/settings/account?done=browser", 303)


@bp.post("/settings/account/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """Sign out every browser of one's own but this."""
    actor, current = guard.current_actor(), guard.current_session()
    sessions.end_all(actor.id or 0, actor, except_session_id=current.session_id if current else None)
    return redirect("/settings/account?done=session", 303)


def _let_in(user_id: int, stamp: str, next_page: str) -> Response:
    known = browser.to_remember()
    try:
        user = sign_in.let_in(user_id, stamp, guard.anonymous(), browser=known)
    except SignInFailed:  # the password was changed meanwhile
        session.clear()
        return make_response(redirect("/login", 303))
    browser.open_session(user)
    return browser.leave_mark(make_response(redirect(next_page, 303)), known)


def _half() -> dict[str, Any] | None:
    """Who gave the right password on this browser and still has to give a code; None when that was too long ago."""
    half = session.get(_HALF)
    if not isinstance(half, dict) or set(half) != {"id", "stamp", "at", "next"}:
        return None
    given_at = datetime.fromisoformat(half["at"])
    return half if is_within(given_at, clock.now(), _HALF_LIFE) else None


def _ticket() -> Ticket | None:
    held = session.get(_TICKET)
    if not isinstance(held, list) or len(held) != 3:
        return None
    return Ticket(str(held[0]), datetime.fromisoformat(held[1]), str(held[2]))


def _keep_ticket(error: TooManyTries) -> None:
    """The session's cookie is signed, so the browser brings back what it was given."""
    if error.ticket is not None:
        session[_TICKET] = [error.ticket.about, error.ticket.due_at.isoformat(), error.ticket.nonce]


def _login_page(shown: contexts.LoginPage, status: int = 200) -> Response:
    needs_tls = bool(current_app.config["SESSION_COOKIE_SECURE"]) and not request.is_secure
    return _page("auth/login.html", shown.in_place(users.any_users(), needs_tls), status)


def _account_page(
    *, done: str | None = None, faults: dict[str, str] | None = None, status: int = 200
) -> Response:
    actor, current = guard.current_actor(), guard.current_session()
    listed = sessions.list_live(actor.id or 0, current_id=current.session_id if current else None)
    standing = shell.page_status()
    shown = contexts.account_page(
        users.get_user(actor.id or 0),
        listed,
        known_browsers.list_of(actor.id or 0, browser.asking().token),
        second_factor.status(actor.id or 0),
        now=standing.now,
        zone=standing.zone,
        done=done,
        faults=faults or {},
    )
    return make_response(shell.render("auth/account.html", "settings", standing, page=shown), status)


def _page(template: str, page: object, status: int = 200) -> Response:
    return make_response(render_template(template, page=page), status)


def _wait(response: Response, error: TooManyTries) -> Response:
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response
