"""A POST that is sent again under its Idempotency-Key is answered as before, and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, make_response, request
from werkzeug.exceptions import HTTPException

from pmsapp.access.guard import current_actor
from pmsapp.domain.errors import PMSError
from pmsapp.observability import logs
from pmsapp.services.base import idempotency
from pmsapp.services.base.errors import DatabaseAwayError, ServiceError
from pmsapp.services.base.idempotency import Given, Place

P = ParamSpec("P")
# Sent again with a kept answer; every other header is made anew.
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_REPEATED = "Idempotency-Replayed"
_log = logs.get(__name__)


def answered_once(view: Callable[P, Any]) -> Callable[P, Any]:
    """The view, which gives the answer it gave before where the caller repeats a POST under its key.

    Only answers of calls that did something are kept: what was refused may be sent again, put right, under the same
    key. Where the view fails without saying whether anything was done, the key stays taken.
    """

    @wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Any:
        key = request.headers.get(idempotency.HEADER)
        if key is None or request.method != "POST":
            return view(*args, **kwargs)
        actor = current_actor()
        found = idempotency.begin(
            f"{actor.kind}:{actor.id}", key, request.method, request.full_path, request.get_data(cache=True)
        )
        if isinstance(found, Given):
            return Response(found.body, found.status, {**found.headers, _REPEATED: "true"})
        try:
            response = make_response(view(*args, **kwargs))
        except (ServiceError, PMSError, HTTPException, DatabaseAwayError):
            _try(lambda: idempotency.forget(found))
            raise
        _close(found, response)
        return response

    return answer


def _close(place: Place, response: Response) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    given = Given(response.status_code, headers, response.get_data(as_text=True))
    _try(lambda: idempotency.keep(place, given))


def _try(step: Callable[[], None]) -> None:
    """Do what the call itself does not depend on: it has been done, or refused, whatever comes of this."""
    try:
        step()
    except DatabaseAwayError:
        _log.error("the answer to a call with a key was not kept")
