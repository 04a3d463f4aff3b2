"""The run that follows a change by itself: the first one, or the catch-up after signing in again."""

from __future__ import annotations

import logging

from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import PMSError
from pmsapp.services import sync
from pmsapp.services.errors import ServiceError

log = logging.getLogger(__name__)


def start(connection_id: int, actor: Actor) -> None:
    """Ask for a run. The change that calls for it is stored already and stays, whatever comes of this."""
    try:
        sync.request_run(connection_id, trigger="setup", actor=actor)
    except (ServiceError, PMSError) as error:
        log.warning("no run was queued", extra={"connection_id": connection_id, "code": error.code})
