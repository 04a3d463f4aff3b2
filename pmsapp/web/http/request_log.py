"""An id for every request, on its answer and on its log lines; one line per request but probes, without query or names."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, Response, g, request

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.observability import logs

# Asked every few seconds for as long as the server runs: only what is not well is worth a line.
_PROBES = frozenset({"health.healthz", "health.readyz", "health.metrics"})
_log = logs.get(__name__)


def init_app(app: Flask) -> None:
    """Give requests of `app` their id and log their answers."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.request_began_s = clock.monotonic_s()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    if request.endpoint in _PROBES and response.status_code < 400:
        return response
    actor = guard.actor_or_none()
    _log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round((clock.monotonic_s() - g.request_began_s) * 1000, 1),
        actor=f"{actor.kind}:{actor.id}" if actor else None,
    )
    return response
