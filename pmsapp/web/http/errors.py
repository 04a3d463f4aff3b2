"""Every refusal and fault as a page, as a fragment for htmx, or (under MACHINE_PATHS) as the JSON interface says.

Texts are ours or fixed: no trace, no SQL, no path, no patient data; a reference leads to the log line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.codes import ActionOwner as WhoActs
from pmsapp.domain.errors import PMSError, RetryLaterError
from pmsapp.observability import logs
from pmsapp.services.base.errors import Conflict, Invalid, NotFound, ServiceError, takes_nothing_more
from pmsapp.services.people.login_throttle import TooManyTries

MACHINE_PATHS = ("/api/", "/webhooks/", "/metrics")
_log = logs.get(__name__)

_TEXTS = {
    400: ("This request could not be read", "Nothing was saved. Go back and try again."),
    401: ("Sign in to go on", "You were signed out, or 15 minutes passed without activity."),
    403: ("This is not yours to open", "Your role does not allow this. An administrator can change it."),
    404: ("There is nothing here", "It was removed, or the address is not quite right."),
    405: ("This address cannot do that", "Nothing was saved. Go back and use the buttons of the page."),
    408: ("The request took too long to arrive", "Nothing was saved. Try again."),
    409: ("This changed in the meantime", "Nothing was saved. Look again, then decide."),
    410: ("This is gone", "It was removed."),
    413: ("This is too much at once", "Nothing was saved. At most 1 MB can be sent."),
    415: ("This kind of content is not read here", "Nothing was saved."),
    422: ("Something in it is not right", "Nothing was saved."),
    429: ("Too many requests", "Wait a moment, then try again."),
    500: (
        "Something in pmsapp went wrong",
        "What was saved before is safe. Try again; if it stays, tell support the reference.",
    ),
    502: ("The practice software gave no useful answer", "Cards stay as they are. Try again later."),
    503: ("The server is busy", "Nothing was lost. Try again in a few seconds."),
}
_BUSY_RETRY_S = 2
_CHECK_FIELDS = "Nothing was saved. Go back and check each field."
_NO_ROOM_TEXT = ("The server cannot store anything", "Tell an administrator: its disk is full or read-only.")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What an error page says: what happened, what still holds and what to do, and at most one way on."""

    status: int
    headline: str
    detail: str
    code: str | None = None
    href: str = "/"
    action: str = "Go to today"
    reference: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def init_app(app: Flask) -> None:
    """Answer every error of `app`."""
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(guard.SignInNeeded, _on_sign_in_needed)
    app.register_error_handler(guard.NotFinished, _on_not_finished)
    app.register_error_handler(ServiceError, _on_service)
    app.register_error_handler(PMSError, _on_vendor)
    app.register_error_handler(OperationalError, _on_database)


def _on_http(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, RequestRedirect):
        return error.get_response()
    status = error.code or 500
    headline, detail = _TEXTS.get(status, _TEXTS[500 if status >= 500 else 400])
    code = None
    if isinstance(error, guard.AccessError):
        detail, code = error.description or detail, error.problem_code
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return answer(error, ErrorText(status, headline, detail, code, headers=headers))


def _on_sign_in_needed(error: guard.SignInNeeded) -> ResponseReturnValue:
    if _is_for_machine():
        return answer(error, ErrorText(401, _TEXTS[401][0], error.description or "", error.problem_code))
    page = "/confirm" if isinstance(error, guard.ConfirmNeeded) else "/login"
    target = guard.sign_in_url(page)
    if not request.headers.get("HX-Request"):
        return redirect(target, 303)
    shown = ErrorText(401, *_TEXTS[401], href=target, action="Sign in", headers={"HX-Redirect": target})
    return answer(error, shown)


def _on_not_finished(error: guard.NotFinished) -> ResponseReturnValue:
    text = ErrorText(403, "Finish signing in first", error.description or "", error.problem_code)
    if _is_for_machine():
        return answer(error, text)
    if not request.headers.get("HX-Request"):
        return redirect(guard.sign_in_url(error.page), 303)
    target = guard.sign_in_url(error.page)
    return answer(error, replace(text, href=target, action="Go on", headers={"HX-Redirect": target}))


def _on_service(error: ServiceError) -> ResponseReturnValue:
    status = {NotFound: 404, Conflict: 409, Invalid: 422}.get(type(error), 422)
    headers = {}
    if isinstance(error, TooManyTries):
        status, headers = 429, {"Retry-After": str(error.retry_after_s)}
    said = error.message
    if isinstance(error, Invalid) and not _is_for_machine():
        said = " ".join(
            dict.fromkeys(error.errors.values())
        )  # a person reads sentences, not the names of fields
    usual = _CHECK_FIELDS if isinstance(error, Invalid) else _TEXTS[status][1]
    advice = getattr(error, "advice", None) or usual
    return answer(error, ErrorText(status, said, advice, error.code, headers=headers))


def _on_vendor(error: PMSError) -> ResponseReturnValue:
    headers = {}
    if isinstance(error, RetryLaterError) and error.retry_at is not None:
        wait_s = max(1, int((error.retry_at - clock.now()).total_seconds()))
        headers["Retry-After"] = str(wait_s)
    status = 503 if error.actor is WhoActs.WAIT else 502
    return answer(error, ErrorText(status, error.message, error.advice, error.code, headers=headers))


def _on_database(error: OperationalError) -> ResponseReturnValue:
    _log.error("database did not answer", kind=type(error.orig).__name__)
    return answer(error, database_problem(error))


def database_problem(error: OperationalError) -> ErrorText:
    """What to say when the database could not read or store: others are writing, or its disk takes nothing more."""
    full = takes_nothing_more(error)
    headline, then = _NO_ROOM_TEXT if full else (_TEXTS[503][0], "Send it again in a few seconds.")
    here = (
        "What you typed is still here." if request.headers.get("HX-Request") else "Go back to what you typed."
    )
    if request.method not in {"GET", "HEAD"}:
        detail = f"This was not saved. {here} {then}"
    else:
        detail = then if full else _TEXTS[503][1]
    return ErrorText(503, headline, detail, headers={"Retry-After": str(_BUSY_RETRY_S)})


def answer(error: Exception, shown: ErrorText) -> Response:
    """The answer to `error` in the shape the asker can use."""
    if _is_for_machine():
        render = current_app.extensions.get("pmsapp_problem")
        return make_response(render(error) if render else _plain_problem(shown))
    response = make_response(_fragment(shown) if request.headers.get("HX-Request") else _page(shown))
    response.status_code = shown.status
    response.headers.update(shown.headers)
    return response


def _is_for_machine() -> bool:
    return request.path.startswith(MACHINE_PATHS)


def _page(shown: ErrorText) -> str:
    try:
        return render_template("errors/page.html", shown=shown, reference=g.get("request_id"))
    except (
        Exception
    ) as error:  # the page about a fault must not be a fault; a bad host has no addresses at all
        _log.error("error page failed", kind=type(error).__name__)
        return _bare(shown)


def _fragment(shown: ErrorText) -> Response:
    """Put into the page's banner, so that what was on screen stays there; what was sent from the side panel is
    answered inside it, as it covers the banner."""
    try:
        html = render_template("errors/_notice.html", shown=shown, reference=g.get("request_id"))
    except Exception as error:
        _log.error("error notice failed", kind=type(error).__name__)
        html = f"<p>{escape(shown.headline.removesuffix('.'))}. {escape(shown.detail)}</p>"
    response = make_response(html)
    from_panel = request.method != "GET" and request.headers.get("HX-Target", "").endswith("#panel-body")
    response.headers["HX-Retarget"] = "#panel-fault" if from_panel else "#banner"
    response.headers["HX-Reswap"] = "innerHTML"
    response.headers["HX-Push-Url"] = "false"
    return response


def _bare(shown: ErrorText) -> str:
    return (
        '<!doctype html><html lang="en-AU"><meta charset="utf-8"><title>pmsapp</title>'
        f"<h1>{escape(shown.headline)}</h1><p>{escape(shown.detail)}</p>"
        f"<p>Reference {escape(g.get('request_id', ''))}</p></html>"
    )


def _plain_problem(shown: ErrorText) -> Response:
    """For an app without the JSON interface."""
    body = {
        "type": "about:blank",
        "title": shown.headline,
        "status": shown.status,
        "detail": shown.detail,
        "code": shown.code or f"HTTP-{shown.status}",
    }
    response = Response(json.dumps(body), shown.status, mimetype="application/problem+json")
    response.headers.update(shown.headers)
    return response
