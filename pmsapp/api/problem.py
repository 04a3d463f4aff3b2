"""Every error under /api and /webhooks as application/problem+json: what happened, a stable code, a sentence.

Texts are fixed or our own services': no trace, no path, nothing of what was sent.
"""

from __future__ import annotations

import math
from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import HTTPException

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.api.contract import PROBLEM_JSON
from pmsapp.domain.codes import ActionOwner as WhoActs
from pmsapp.domain.errors import PMSError, RetryLaterError
from pmsapp.domain.runsheet import Card
from pmsapp.schemas.base import Answer
from pmsapp.schemas.decisions import DecisionOut
from pmsapp.schemas.problem import FieldProblem, Problem
from pmsapp.schemas.sheet import CardOut
from pmsapp.services.base.errors import (
    Conflict,
    DatabaseAwayError,
    Invalid,
    NotFound,
    ServiceError,
    takes_nothing_more,
)
from pmsapp.services.base.idempotency import TooManyKeys
from pmsapp.services.clinic import clinic
from pmsapp.services.connections.same_practice import PracticeConnected
from pmsapp.services.connections.webhooks import NotAuthentic
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.people.login_throttle import TooManyTries

BUSY_RETRY_S = 2
_KEYS_RETRY_S = 3600
# A change that was based on an older version of the thing.
_OUTDATED = "ROW-CHANGED"

HTTP_TEXTS = {
    400: ("BAD-REQUEST", "The body is not valid JSON, or the request cannot be read."),
    401: ("SIGN-IN-NEEDED", "Send an API token as Authorization: Bearer, or sign in."),
    403: ("NOT-ALLOWED", "The role of this token or person does not allow this."),
    404: ("NOT-FOUND", "There is nothing at this address."),
    405: ("METHOD-NOT-ALLOWED", "This address does not take that method."),
    406: ("NOT-ACCEPTABLE", "Answers are JSON only."),
    408: ("TOO-SLOW", "The request took too long to arrive."),
    411: ("LENGTH-NEEDED", "Send the length of the body."),
    412: ("ROW-CHANGED", "This changed in the meantime; nothing was stored."),
    413: ("TOO-LARGE", "A body may have at most 1 MB."),
    414: ("ADDRESS-TOO-LONG", "The address is too long."),
    415: ("NOT-JSON", "Send the body as application/json."),
    422: ("INVALID", "Some fields are not right."),
    429: ("TOO-MANY", "Too many requests; wait as long as Retry-After says."),
    431: ("HEADERS-TOO-LARGE", "The headers are too large."),
    500: ("BUG", "Something in pmsapp went wrong; what was stored before is safe."),
    503: ("BUSY", "The server is busy; send it again in a few seconds."),
}


class TooManyRequests(HTTPException):
    """A token or person asked more often than its limit allows."""

    code = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


def render(error: Exception) -> Response:
    """The answer to an error."""
    if isinstance(error, ServiceError):
        return _of_service(error)
    if isinstance(error, PMSError):
        return _of_vendor(error)
    if isinstance(error, DatabaseAwayError):
        return _of_database(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    return answer(500, *HTTP_TEXTS[500])


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    errors: dict[str, str] | None = None,
    current: Answer | None = None,
    connection_id: int | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem answer; its body's status is the answer's."""
    problem = Problem(
        type=f"/api/docs#{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=[FieldProblem(field=field, message=text) for field, text in errors.items()]
        if errors is not None
        else None,
        connection_id=connection_id,
        link=f"/api/pms/connections/{connection_id}" if connection_id is not None else None,
        current=current.model_dump(mode="json") if current is not None else None,
    )
    response = Response(problem.model_dump_json(), status, content_type=PROBLEM_JSON)
    response.headers.update(headers or {})
    return response


def _of_database(error: DatabaseAwayError) -> Response:
    """Others are writing, or the disk takes nothing more. Whoever sent a change hears that it was not stored."""
    code, detail = HTTP_TEXTS[503]
    if takes_nothing_more(error):
        code, detail = "DISK-FULL", "The server's disk is full or read-only; tell an administrator."
    if request.method not in {"GET", "HEAD"}:
        detail = f"This was not stored. {detail}"
    return answer(503, code, detail, headers={"Retry-After": str(BUSY_RETRY_S)})


def _of_service(error: ServiceError) -> Response:
    if isinstance(error, TooManyTries):
        return answer(429, error.code, error.message, headers={"Retry-After": str(error.retry_after_s)})
    if isinstance(error, TooManyKeys):
        return answer(429, error.code, error.message, headers={"Retry-After": str(_KEYS_RETRY_S)})
    if isinstance(error, NotFound):
        return answer(404, error.code, error.message)
    if isinstance(error, NotAuthentic):
        return answer(401, error.code, error.message)
    if isinstance(error, Invalid):
        return answer(422, error.code, error.message, errors=error.errors)
    if isinstance(error, PracticeConnected):
        text = _sentence(error.message, error.advice)
        return answer(409, error.code, text, connection_id=error.connection_id)
    if isinstance(error, Conflict):
        status = 412 if error.code == _OUTDATED else 409
        return answer(status, error.code, _sentence(error.message, None), current=_current(error))
    return answer(422, error.code, _sentence(error.message, getattr(error, "advice", None)))


def _current(error: Conflict) -> Answer | None:
    if isinstance(error.current, Card):
        return CardOut.of(error.current, clinic.time_zone())
    if isinstance(error.current, DecisionView):
        return DecisionOut.of(error.current, clinic.time_zone())
    return None


def _of_vendor(error: PMSError) -> Response:
    """The vendor stands in the way: waiting helps (503), a person has to act (409), its answer is no use (502)."""
    status = {WhoActs.WAIT: 503, WhoActs.STAFF: 409, WhoActs.VENDOR: 502}[error.actor]
    headers = {}
    if isinstance(error, RetryLaterError) and error.retry_at is not None:
        wait_s = math.ceil((error.retry_at - clock.now()).total_seconds())
        headers["Retry-After"] = str(max(1, wait_s))
    return answer(status, error.code, _sentence(error.message, error.advice), headers=headers)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status not in HTTP_TEXTS:
        status = 500 if status >= 500 else 400
    code, detail = HTTP_TEXTS[status]
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    if isinstance(error, guard.AccessError):
        code, detail = error.problem_code, error.description or detail
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(status, code, detail, headers=headers)


def _sentence(message: str, advice: str | None) -> str:
    text = message if message.endswith(".") else f"{message}."
    return f"{text} {advice}" if advice else text
