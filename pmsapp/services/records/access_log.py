"""Looking is an event: who saw which cards, on which page, once per session, page and quarter of an hour.

A page that somebody opened is noted before its answer leaves; what a timer of the page brings is noted a moment
later, so no poll waits for it. While the database takes no writes, pages stay readable: looks wait in memory, and
those beyond the limit are counted, and the count is written as soon as anything is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from pmsapp import clock
from pmsapp.domain.actor import SYSTEM, Actor
from pmsapp.observability import logs
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import best_effort_write
from pmsapp.services.records import card_numbers

SHEET, CARD, DECISIONS, PREVIEW = "sheet.viewed", "card.viewed", "decisions.viewed", "preview.viewed"
RECEIPT = "receipt.viewed"
PERSON, SEARCH, PRINT, EXPORT, REVEAL = "person.viewed", "search", "print", "export", "reveal"
LOOKS = (SHEET, CARD, DECISIONS, PREVIEW, RECEIPT, PERSON, SEARCH, PRINT, EXPORT, REVEAL)
EACH_TIME = frozenset({PRINT, EXPORT})  # every one of these leaves the screen, so every one is a row
LOST = "looks.lost"
QUARTER = timedelta(minutes=15)
MOST_WAITING = 10_000
_MOST_PAGES = 5_000
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: who, at what, and the cards that were on it. `session_id`: the browser's session, None for programs."""

    at: datetime
    actor: Actor
    action: str
    subject: str | None
    cards: frozenset[int]
    session_id: int | None = None

    @property
    def page(self) -> tuple[str, int | None, str, str | None]:
        return (self.actor.key, self.session_id, self.action, self.subject)


@dataclass(slots=True)
class Memory:
    """What this process has noted in the running quarter of an hour, and what still has to be written."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    writing: threading.Lock = field(default_factory=threading.Lock)
    quarter: int = 0
    seen: dict[tuple[str, int | None, str, str | None], set[int]] = field(default_factory=dict)
    waiting: deque[Look] = field(default_factory=deque)
    lost: int = 0
    lost_since: datetime | None = None


def note(
    action: str,
    subject: str | None,
    actor: Actor,
    cards: Collection[int] = (),
    *,
    session_id: int | None = None,
    later: bool = False,
) -> None:
    """Somebody looks at a page with these cards. `later`: nobody waits for it to be written."""
    look = Look(clock.now(), actor, action, subject, frozenset(cards), session_id)
    memory = _memory()
    with memory.lock:
        fresh = _is_new(memory, look)
        if fresh is None:
            return
        _wait(memory, fresh)
    if not later:
        write_waiting()


def write_waiting() -> int:
    """Write what waits. Returns how many rows were written; none where the database takes none just now."""
    memory = _memory()
    with memory.writing:
        with memory.lock:
            looks, lost, since = list(memory.waiting), memory.lost, memory.lost_since
            memory.waiting.clear()
            memory.lost, memory.lost_since = 0, None
        if not looks and not lost:
            return 0
        try:
            with best_effort_write() as session:
                for look in looks:
                    audit.record(session, look.actor, look.action, look.subject, _detail(look), at=look.at)
                if lost:
                    detail = {"looks": lost, "since": since and since.isoformat()}
                    audit.record(session, SYSTEM, LOST, None, detail)
        except SQLAlchemyError:
            with memory.lock:
                _put_back(memory, looks, lost, since)
            return 0
    return len(looks) + bool(lost)


def waiting() -> tuple[int, int]:
    """How many looks of this process wait to be written, and how many were lost since anything was."""
    memory = _memory()
    with memory.lock:
        return len(memory.waiting), memory.lost


def _memory() -> Memory:
    found: Memory = current_app.extensions.setdefault("pmsapp_looks", Memory())
    return found


def _is_new(memory: Memory, look: Look) -> Look | None:
    """The look with the cards that are news; None when this page of this session showed all of them already."""
    quarter = int(look.at.timestamp() // QUARTER.total_seconds())
    if memory.quarter != quarter or len(memory.seen) >= _MOST_PAGES:
        memory.quarter = quarter
        memory.seen.clear()
    if look.action in EACH_TIME:
        return look
    known = memory.seen.get(look.page)
    if known is None:
        memory.seen[look.page] = set(look.cards)
        return look
    fresh = look.cards - known
    if not fresh:
        return None
    known |= fresh
    return Look(look.at, look.actor, look.action, look.subject, frozenset(fresh), look.session_id)


def _wait(memory: Memory, look: Look) -> None:
    if len(memory.waiting) >= MOST_WAITING:
        memory.lost += 1
        memory.lost_since = memory.lost_since or look.at
        return
    memory.waiting.append(look)


def _put_back(memory: Memory, looks: list[Look], lost: int, since: datetime | None) -> None:
    """Into the front of what waits; what has no room is counted as lost, the newest first."""
    later = list(memory.waiting)
    memory.waiting.clear()
    memory.lost += lost
    memory.lost_since = since or memory.lost_since
    for look in [*looks, *later]:
        _wait(memory, look)
    if memory.lost > lost:
        _log.error("looks were not written and are lost", lost=memory.lost)


def _detail(look: Look) -> dict[str, object]:
    detail: dict[str, object] = {}
    if look.session_id is not None:
        detail["session_id"] = look.session_id
    if look.cards:
        detail["cards"] = card_numbers.to_text(look.cards)
    return detail
