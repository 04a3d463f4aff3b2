"""Signing in and out, the first administrator, and one's own account."""

from __future__ import annotations

from contextlib import suppress

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

from pmsapp.access import guard
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.people import sessions, users
from pmsapp.services.people.users import SignInFailed, TooManyTries, UserView
from pmsapp.web.account import contexts
from pmsapp.web.http.headers import FORGET_BROWSER_DATA
from pmsapp.web.ui import shell

bp = Blueprint("auth", __name__)


@bp.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in goes on."""
    way_on = guard.local_path(request.args.get("next"))
    if guard.resume_session() is not None:
        return redirect(way_on, 303)
    return _login_page(contexts.LoginPage(next=way_on))


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    """Open a session for the right email and password."""
    email, way_on = request.form.get("email", ""), guard.local_path(request.form.get("next"))
    shown = contexts.LoginPage(next=way_on, email=email[: users.MAX_EMAIL_CHARS])
    try:
        user = users.authenticate(email, request.form.get("password", ""), guard.stranger())
    except SignInFailed as error:
        return _login_page(shown.saying(f"{error.message} {error.advice}"), 422)
    except TooManyTries as error:
        return _wait(_login_page(shown.saying(_wait_sentence(error)), 429), error)
    _open_session(user)
    return redirect(way_on, 303)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """End this browser's session and have the browser forget the pages."""
    _end_current("signed_out")
    session.clear()
    response = make_response(redirect("/login", 303))
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
    """Open a new session for the person whose page is locked, for their password; the page stays as it is."""
    token = session.get(guard.SESSION_TOKEN)
    user_id = sessions.owner(token) if isinstance(token, str) else None
    if user_id is None or str(user_id) != request.form.get("user"):
        return {"fault": "This page belongs to another sign-in. Choose “Sign in as somebody else”."}, 409
    user = users.get_user(user_id)
    actor = users.as_actor(user, guard.stranger())
    try:
        if not users.check_password(user_id, request.form.get("password", ""), actor):
            return {"fault": "This is not your password."}, 422
    except TooManyTries as error:
        return _wait(make_response({"fault": _wait_sentence(error)}, 429), error)
    _open_session(user, reason="unlocked")
    return {"csrf_token": generate_csrf()}


@bp.get("/setup")
def setup() -> ResponseReturnValue:
    """The page that makes the first administrator; gone once there is one."""
    if users.any_users():
        return redirect("/login", 303)
    return _page("auth/setup.html", contexts.SetupPage())


@bp.post("/setup")
def set_up() -> ResponseReturnValue:
    """Make the first administrator with the one-time code, and sign them in."""
    form = {name: request.form.get(name, "") for name in ("code", "email", "name", "password")}
    shown = contexts.SetupPage(email=form["email"][: users.MAX_EMAIL_CHARS], name=form["name"][:80])
    try:
        user = users.set_up_first_admin(**form, actor=guard.stranger())
    except Invalid as error:
        return _page("auth/setup.html", shown.with_faults(error.errors), 422)
    except TooManyTries as error:
        faults = {"code": _wait_sentence(error)}
        return _wait(_page("auth/setup.html", shown.with_faults(faults), 429), error)
    except Conflict:
        return redirect("/login", 303)
    _open_session(user)
    return redirect("/", 303)


@bp.get("/confirm")
def confirm() -> ResponseReturnValue:
    """Asks for the password again before the most delicate pages."""
    way_on = guard.local_path(request.args.get("next"))
    email = users.get_user(guard.current_actor().id or 0).email
    return _page("auth/confirm.html", contexts.ConfirmPage(way_on, email))


@bp.post("/confirm")
def confirm_password() -> ResponseReturnValue:
    """Open a fresh session in the place of this one, for the right password."""
    way_on, actor = guard.local_path(request.form.get("next")), guard.current_actor()
    user_id = actor.id or 0
    shown = contexts.ConfirmPage(way_on, users.get_user(user_id).email)
    try:
        if not users.check_password(user_id, request.form.get("password", ""), actor):
            return _page("auth/confirm.html", shown.saying("This is not your password."), 422)
    except TooManyTries as error:
        return _wait(_page("auth/confirm.html", shown.saying(_wait_sentence(error)), 429), error)
    _open_session(users.get_user(user_id), reason="confirmed")
    return redirect(way_on, 303)


@bp.get("/settings/account")
def account() -> ResponseReturnValue:
    """One's own password and signed-in browsers."""
    return _account_page(done=request.args.get("done"))


@bp.post("/settings/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other browser is signed out, this one gets a new session."""
    actor = guard.current_actor()
    user_id = actor.id or 0
    current, new = request.form.get("current_password", ""), request.form.get("new_password", "")
    try:
        users.change_own_password(user_id, current, new, actor)
    except Invalid as error:
        return _account_page(faults=error.errors, status=422)
    except TooManyTries as error:
        faults = {"current_password": _wait_sentence(error)}
        return _wait(_account_page(faults=faults, status=429), error)
    _open_session(users.get_user(user_id))
    return redirect("/settings/account?done=password", 303)


@bp.post("/settings/account/sessions/<id:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign one of one's own browsers out. Another person's is not found."""
    actor = guard.current_actor()
    sessions.end(session_id, actor, user_id=actor.id)
    return redirect("/settings/account?done=session", 303)


@bp.post("/settings/account/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """Sign out every browser of one's own but this."""
    actor, current = guard.current_actor(), guard.current_session()
    sessions.end_all(actor.id or 0, actor, except_session_id=current.session_id if current else None)
    return redirect("/settings/account?done=session", 303)


def _open_session(user: UserView, *, reason: str = "replaced") -> None:
    """A new token for this browser; whatever it held before is ended and forgotten."""
    _end_current(reason)
    token = sessions.start(user.id, users.as_actor(user, guard.stranger()))
    session.clear()
    session[guard.SESSION_TOKEN] = token


def _end_current(reason: str) -> None:
    found = guard.current_session() or guard.resume_session()
    if found is not None:
        with suppress(NotFound):  # ended from elsewhere a moment ago
            sessions.end(found.session_id, guard.current_actor(), reason=reason)


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


def _wait_sentence(error: TooManyTries) -> str:
    wait = f"{error.retry_after_s} s" if error.retry_after_s < 60 else f"{-(-error.retry_after_s // 60)} min"
    return f"{error.message} Try again in {wait}; the account stays open."
