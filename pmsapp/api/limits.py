"""The guard in front of the JSON interface that keeps one token or person from taking all the room."""

from __future__ import annotations

from flask import request

from pmsapp.access.guard import actor_or_none
from pmsapp.api import rate_limit
from pmsapp.api.problem import TooManyRequests
from pmsapp.extensions import current_settings

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def count_request() -> None:
    """Count the request. Raises TooManyRequests when its token or person has used up the last minute."""
    actor = actor_or_none()
    if actor is None or not request.path.startswith("/api/"):
        return
    settings = current_settings()
    kind, per_minute = "write", settings.api_writes_per_minute
    if request.method in _READS:
        kind, per_minute = "read", settings.api_reads_per_minute
    wait_s = rate_limit.retry_after_s(f"{actor.kind}:{actor.id}:{kind}", per_minute)
    if wait_s is not None:
        raise TooManyRequests(wait_s)
