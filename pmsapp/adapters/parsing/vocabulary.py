"""Words of a vendor that no table here holds: told to whoever runs the server, once per process and word."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from pmsapp.adapters.parsing.text import clean_text
from pmsapp.domain.appointment import UnifiedAppointment

log = structlog.get_logger(__name__)

MAX_WORDS = 50
_told: set[tuple[str, str]] = set()


def tell_unknown_statuses(items: Iterable[UnifiedAppointment], pms: str) -> None:
    """Log each status word that is not known; its appointments count as booked and show the word."""
    for item in items:
        if item.status_is_known or item.status_raw is None:
            continue
        key = (pms, item.status_raw)
        if key not in _told and len(_told) < MAX_WORDS:
            _told.add(key)
            log.warning("unknown_status", vendor=pms, word=clean_text(item.status_raw, 40))
