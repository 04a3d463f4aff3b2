"""Who is asking, and may they? One guard before every request, one table (`PERMISSIONS`), deny by default.

A person comes with the session cookie, a program with `Authorization: Bearer` on `TOKEN_PATHS`. Unsafe methods of
cookie callers need the page's token and must come from our own pages. Services check ownership of single things.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from flask import Flask, g, request, session
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from pmsapp.access import PERMISSIONS, Rule
from pmsapp.domain.actor import Actor
from pmsapp.extensions import csrf
from pmsapp.observability import logs
from pmsapp.services.people import api_tokens, sessions
from pmsapp.services.people.sessions import SignedIn

POLL_HEADER = "X-Poll"  # our pages' timers send it, so that they do not count as activity
TOKEN_PATHS = ("/api/", "/metrics")
SESSION_TOKEN = "sid"  # noqa: S105 - the key inside the signed cookie
FINISHING_PAGES = {sessions.PASSWORD: "/password", sessions.SECOND_FACTOR: "/settings/account/second-factor"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_WAY_BACK = frozenset({"/login", "/login/code", "/logout", "/confirm", "/password"})
_TOKEN_ARGUMENTS = frozenset({"token", "access_token", "api_token", "api_key", "apikey", "bearer"})
_log = logs.get(__name__)

ProblemRenderer = Callable[[Exception], ResponseReturnValue]


class AccessError(HTTPException):
    """A refusal by the guard. `problem_code` is stable; `description` is one sentence to show."""

    problem_code = "NOT-ALLOWED"


class SignInNeeded(AccessError):  # noqa: N818 - read as a sentence
    """Nobody is signed in, or not any more; also a bearer token that does not work."""

    code = 401
    problem_code = "SIGN-IN-NEEDED"
    description = "Sign in to go on."


class TokenRefused(SignInNeeded):
    """A bearer token that is unknown, expired, revoked, or in a place where tokens do not belong."""

    problem_code = "TOKEN-REFUSED"
    description = "This API token does not work: it is unknown, has expired, or was revoked."


class ConfirmNeeded(SignInNeeded):
    """Signed in, but the password was given too long ago for this page."""

    problem_code = "CONFIRM-PASSWORD"
    description = "Enter your password once more to go on."


class NotAllowed(AccessError):  # noqa: N818
    """Signed in, but not for this."""

    code = 403
    description = "Your role does not allow this. An administrator can change it."


class NotFinished(NotAllowed):
    """Signed in, but something has to be done before anything else; `page` is where."""

    def __init__(self, lacks: str) -> None:
        self.page = FINISHING_PAGES[lacks]
        self.problem_code = "CHANGE-PASSWORD" if lacks == sessions.PASSWORD else "SECOND-FACTOR-NEEDED"
        super().__init__("Open pmsapp in a browser and finish signing in.")


class ForeignRequest(NotAllowed):
    """An unsafe request that did not come from our own pages."""

    problem_code = "FORM-EXPIRED"
    description = (
        "This page was open for too long or was not ours. Nothing was saved; open it again and repeat."
    )


def init_app(app: Flask) -> None:
    """Guard every request of `app`. Register before anything else that looks at requests."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # the guard calls it, once it knows who asks
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session
    app.config["WTF_CSRF_SSL_STRICT"] = False  # the guard looks at Sec-Fetch-Site and Origin instead
    app.before_request(_guard)
    app.context_processor(lambda: {"actor": actor_or_none(), "may": may})


def use_problem_renderer(app: Flask, render: ProblemRenderer) -> None:
    """Have `render` answer every error under /api and /webhooks (it gets the exception)."""
    app.extensions["pmsapp_problem"] = render


def current_actor() -> Actor:
    """Who is asking. Raises SignInNeeded when nobody is."""
    actor = actor_or_none()
    if actor is None:
        raise SignInNeeded
    return actor


def actor_or_none() -> Actor | None:
    """Who is asking, or None on a public page nobody is signed in on."""
    return getattr(g, "pmsapp_actor", None)


def current_session() -> SignedIn | None:
    """The session of the person asking; None for programs and whoever is not signed in."""
    return getattr(g, "pmsapp_session", None)


def anonymous() -> Actor:
    """Whoever asks without being signed in, for audit rows."""
    return Actor(
        kind="anonymous",
        name="not signed in",
        role="none",
        request_id=g.get("request_id"),
        remote_addr=request.remote_addr,
    )


def webhook_actor(name: str) -> Actor:
    """A vendor's webhook that proved itself, acting under `name`."""
    return Actor(
        kind="webhook",
        name=name,
        role="none",
        request_id=g.get("request_id"),
        remote_addr=request.remote_addr,
    )


def rule_for(endpoint: str | None, method: str) -> Rule | None:
    """The row of the table; HEAD and OPTIONS follow GET."""
    rules = PERMISSIONS.get(endpoint or "", {})
    return rules.get(method) or (rules.get("GET") if method in _SAFE_METHODS else None)


def may(endpoint: str, method: str = "GET") -> bool:
    """True when the one asking may call it, so that pages offer only what works."""
    rule, actor = rule_for(endpoint, method), actor_or_none()
    return rule is not None and (rule.public or (actor is not None and _allows(rule, actor)))


def resume_session() -> SignedIn | None:
    """Look the browser's session up on a public page (others have had it done) and remember who it is."""
    token = session.get(SESSION_TOKEN)
    found = sessions.resume(token, active=False) if isinstance(token, str) else None
    return _remember(found) if found else None


def local_path(text: str | None, default: str = "/") -> str:
    """`text` when it is a path on this site, else `default`: never another host, never a script."""
    if not text or len(text) > 2000:
        return default
    decoded = unquote(unquote(text))
    for form in (text, decoded):
        if not form.startswith("/") or form.startswith("//") or "\\" in form or not form.isprintable():
            return default
    parts = urlsplit(text)
    return default if parts.scheme or parts.netloc or parts.path in _NO_WAY_BACK else text


def path_to_return_to() -> str:
    """Where the person asking was: the page itself, or the page a form or fragment was on."""
    if request.headers.get("HX-Request"):
        return local_path(_path_of(request.headers.get("HX-Current-URL")))
    if request.method in _SAFE_METHODS:
        return local_path(request.full_path.rstrip("?"))
    return local_path(_path_of(request.referrer))


def came_from() -> str:
    """The page of ours that led here; the start page where that is not known."""
    return local_path(_path_of(request.referrer))


def sign_in_url(page: str = "/login") -> str:
    """`page` with the way back."""
    target = path_to_return_to()
    return page if target == "/" else f"{page}?next={quote(target, safe='/')}"


def _guard() -> None:
    if request.routing_exception is not None:
        return  # no such page, wrong method, bad host: answered without looking at who asks
    rule = rule_for(request.endpoint, request.method)
    if rule is None:
        _log.error("route without permission", endpoint=request.endpoint, method=request.method)
        raise NotAllowed
    unsafe = request.method not in _SAFE_METHODS
    if rule.public:
        if unsafe and rule.csrf:
            _require_own_page()
        return
    if request.path.startswith(TOKEN_PATHS):
        _refuse_token_in_query()
        if "Authorization" in request.headers:
            _require(rule, _token_actor())
            return
    signed_in = _resume(rule)
    _require(rule, current_actor())
    if unsafe and rule.csrf:
        _require_own_page()
    if signed_in.lacks and not rule.unfinished:
        raise NotFinished(signed_in.lacks)
    if rule.fresh and not sessions.is_fresh(signed_in, grace=unsafe):
        raise ConfirmNeeded


def _resume(rule: Rule) -> SignedIn:
    token = session.get(SESSION_TOKEN)
    active = not (rule.poll or request.headers.get(POLL_HEADER))
    found = sessions.resume(token, active=active) if isinstance(token, str) else None
    if found is None:
        raise SignInNeeded
    return _remember(found)


def _remember(found: SignedIn) -> SignedIn:
    g.pmsapp_session = found
    g.pmsapp_actor = Actor(
        kind="user",
        name=found.name,
        id=found.user_id,
        role=found.role,
        clinician_id=found.clinician_id,
        request_id=g.get("request_id"),
        remote_addr=request.remote_addr,
    )
    return found


def _token_actor() -> Actor:
    given: Any = request.authorization
    bearer = given.token if given is not None and given.type == "bearer" else None
    found = api_tokens.find(bearer) if bearer else None
    if found is None:
        raise TokenRefused
    g.pmsapp_actor = Actor(
        kind="token",
        name=found.name,
        id=found.id,
        role=found.role,
        request_id=g.get("request_id"),
        remote_addr=request.remote_addr,
    )
    return current_actor()


def _refuse_token_in_query() -> None:
    """A token in an address ends up in logs and histories, so it is never accepted there."""
    for name, value in request.args.items():
        if name.lower() in _TOKEN_ARGUMENTS or api_tokens.looks_like_token(value):
            raise TokenRefused("Send the API token in the Authorization header, never in the address.")


def _require(rule: Rule, actor: Actor) -> None:
    if not _allows(rule, actor):
        _log.warning("refused by role", endpoint=request.endpoint, method=request.method, role=actor.role)
        raise NotAllowed


def _allows(rule: Rule, actor: Actor) -> bool:
    return actor.role in (rule.tokens if actor.kind == "token" else rule.people)


def _require_own_page() -> None:
    """Refuse what another site made the browser send: by where it says it comes from, then by the page's token."""
    if _is_cross_site():
        raise ForeignRequest
    try:
        csrf.protect()
    except CSRFError:
        raise ForeignRequest from None


def _is_cross_site() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _path_of(url: str | None) -> str | None:
    """The path and query of an address of our own; None for another host's."""
    if not url:
        return None
    parts = urlsplit(url)
    if parts.netloc and parts.netloc != request.host:
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")
