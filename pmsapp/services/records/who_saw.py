"""Who saw which patient, and what anybody saw between two times: read from the log, for the people who have to answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pmsapp.services.base import audit
from pmsapp.services.base.audit import AuditEntry, Wanted
from pmsapp.services.records import access_log, card_numbers

# Who does something to a card has it before them.
SEEING = (*access_log.LOOKS, "card.")


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody had cards before them. `cards`: of those asked for, the ones that were on the page; empty where the page
    names none."""

    at: datetime
    who: str
    action: str
    subject: str | None
    cards: tuple[int, ...]
    from_where: str | None


def who_saw(
    cards: frozenset[int] | None, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Sighting]:
    """Everybody who saw one of `cards` (None: any page with patients), newest first."""
    for entry in audit.walk(Wanted(actions=SEEING, since=since, until=until)):
        shown = cards_of(entry, cards)
        if cards is None or shown:
            yield Sighting(
                entry.at, entry.actor, entry.action, entry.subject, tuple(sorted(shown)), entry.remote_addr
            )


def cards_of(entry: AuditEntry, asked: frozenset[int] | None) -> frozenset[int]:
    """Which of the cards asked for a row of the log names; for None, the one card it is about."""
    kind, _, number = (entry.subject or "").partition(":")
    own = frozenset([int(number)]) if kind == "card" and number.isdecimal() else frozenset()
    if asked is None:
        return own
    text = entry.detail.get("cards") if isinstance(entry.detail, dict) else None
    return (own & asked) | card_numbers.among(text, asked)


def search(
    wanted: Wanted, card: int | None, *, limit: int, before_id: int | None = None, look_at: int = 50_000
) -> tuple[list[AuditEntry], int | None]:
    """A page of the log, newest first, and where the next one begins. With `card`, only rows that name it; at most
    `look_at` rows are read for one page."""
    if card is None:
        found = audit.list_events(limit=limit + 1, before_id=before_id, wanted=wanted)
        return found[:limit], found[limit - 1].id if len(found) > limit else None
    asked, page = frozenset([card]), list[AuditEntry]()
    for number, entry in enumerate(audit.walk(wanted, before_id=before_id)):
        if cards_of(entry, asked):
            page.append(entry)
        if len(page) == limit or number == look_at:
            return page, entry.id
    return page, None
