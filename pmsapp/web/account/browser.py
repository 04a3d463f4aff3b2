"""The browser on the other side: the cookie it is known by again, what it is called in lists, its session.

The mark of a known browser has a cookie of its own, which signing out leaves alone.
"""

from __future__ import annotations

from flask import Response, current_app, request, session
from itsdangerous import BadSignature, URLSafeSerializer

from pmsapp.access import guard
from pmsapp.observability import logs
from pmsapp.services.base.errors import DatabaseAwayError, NotFound
from pmsapp.services.people import known_browsers, sessions, users
from pmsapp.services.people.sign_in import Browser
from pmsapp.services.people.users import UserView

_SALT = "known browser"
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_log = logs.get(__name__)


def name_of(user_agent: str) -> str:
    """A browser as people call it, "Firefox on Windows"; what it says of itself is not kept."""
    program = next((word for mark, word in _PROGRAMS if f"{mark}/" in user_agent), "A browser")
    system = next((word for mark, word in _SYSTEMS if mark in user_agent), None)
    return f"{program} on {system}" if system else program


def asking() -> Browser:
    """The browser that asks, with the token it is known by if its cookie is ours."""
    name = name_of(request.user_agent.string)
    signed = request.cookies.get(_cookie_name())
    try:
        token = _signer().loads(signed) if signed else None
    except BadSignature:
        token = None
    return Browser(token if isinstance(token, str) else None, name)


def to_remember() -> Browser:
    """The browser that asks, with a fresh token if it has none."""
    found = asking()
    return found if found.token else Browser(known_browsers.new_token(), found.name)


def leave_mark(response: Response, browser: Browser) -> Response:
    """Have the browser keep its token, for as long as it is known by it."""
    config = current_app.config
    response.set_cookie(
        _cookie_name(),
        str(_signer().dumps(browser.token)),
        max_age=known_browsers.LIFE,
        path="/",
        secure=bool(config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )
    return response


def open_session(user: UserView, *, reason: str = "replaced") -> None:
    """A new token for this browser; whatever it held before is ended and forgotten."""
    end_current(reason)
    who = users.as_actor(user, guard.anonymous())
    token = sessions.start(user.id, who, browser=name_of(request.user_agent.string))
    session.clear()
    session[guard.SESSION_TOKEN] = token


def end_current(reason: str) -> None:
    """End the session this browser has, if any."""
    found = guard.current_session() or guard.resume_session()
    if found is not None:
        try:
            sessions.end(found.session_id, guard.current_actor(), reason=reason)
        except NotFound:
            return  # ended from elsewhere a moment ago


def end_current_if_possible(reason: str) -> bool:
    """As `end_current`; False when the database could not store it. The browser is to forget its cookie all the same."""
    try:
        end_current(reason)
    except DatabaseAwayError as error:
        _log.error("session could not be ended", kind=type(error.orig).__name__)
        return False
    return True


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-browser"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=_SALT)
