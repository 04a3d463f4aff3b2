"""Scopes whose answers are byte for byte those of last time: recognised by digest, counted without looking inside.

That holds only while nothing else has moved: the clinic's rules, this program's version, and the scope's cards
(any visible change raises a card's row_version). Anything in doubt is read and planned in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from pmsapp.domain.sync.run_status import ScopeResult
from pmsapp.models import ScopeFreshness, SyncScope
from pmsapp.models.upsert import table_of
from pmsapp.services.scopes.context import RunContext
from pmsapp.services.scopes.plan import ScopePlan
from pmsapp.services.scopes.reading import COMPLETE, ScopeRead
from pmsapp.services.sheet.stored_cards import CARDS, OF_SCOPE

_FRESHNESS = table_of(ScopeFreshness)
_SCOPES = table_of(SyncScope)
_OF_SCOPE = update(_FRESHNESS).where(
    _FRESHNESS.c.connection_id == bindparam("of_connection"),
    _FRESHNESS.c.date == bindparam("of_day"),
    _FRESHNESS.c.pms_practitioner_id == bindparam("of_practitioner"),
)
_REMEMBER = _OF_SCOPE.values(read_state=bindparam("state"))
_KNOWN = select(_FRESHNESS.c.pms_practitioner_id, _FRESHNESS.c.read_state).where(
    _FRESHNESS.c.connection_id == bindparam("connection_id"),
    _FRESHNESS.c.date == bindparam("day"),
    _FRESHNESS.c.read_state.is_not(None),
)
_STILL_FRESH = _OF_SCOPE.values(as_of=bindparam("at"))

NOT_AS_READ = "not_as_read"


@dataclass(frozen=True, slots=True)
class KnownRead:
    """What a scope's last whole reading came to. `cards` is the state of its cards right after."""

    pages: tuple[str, ...]
    cards: str
    unchanged: int
    skipped: Counter[str]
    differences: Mapping[str, int]

    def result(self, name: str | None) -> ScopeResult:
        """The same reading once more: nothing new."""
        counts: Counter[str] = Counter(unchanged=self.unchanged, skipped=self.skipped.total())
        counts["fetched"] = counts["unchanged"] + counts["skipped"]
        return ScopeResult(name, COMPLETE, None, counts, Counter(self.skipped))


def known_reads(session: Session, context: RunContext, day: date) -> dict[str, KnownRead]:
    """The scopes of a day, by practitioner, of which a whole earlier reading still holds."""
    rows = session.execute(_KNOWN, {"connection_id": context.connection_id, "day": day}).all()
    if not rows:
        return {}
    rules = context.rules_digest
    cards = _card_states(session, context.connection_id, day)
    known = {
        row.pms_practitioner_id: _known(row.read_state) for row in rows if row.read_state["rules"] == rules
    }
    return {name: read for name, read in known.items() if cards.get(name, _NO_CARDS) == read.cards}


def remember(session: Session, context: RunContext, plan: ScopePlan, differences: Mapping[str, int]) -> None:
    """After a scope was applied: keep what is needed to recognise the same reading, or forget the earlier one.

    `differences`: where the sheet differs from the PMS, as its receipt says.
    """
    read = plan.read
    state: dict[str, Any] | None = None
    if read.outcome == COMPLETE and read.pages and _is_settled(plan) and NOT_AS_READ not in differences:
        counts = plan.counts()
        state = {
            "pages": list(read.pages),
            "rules": context.rules_digest,
            "cards": _card_state(session, context.connection_id, read.day, read.target.id),
            "unchanged": counts["created"] + counts["updated"] + counts["unchanged"],
            "skipped": {str(reason): count for reason, count in plan.skipped_reasons().items() if count},
            "differences": dict(differences),
        }
    session.execute(_REMEMBER, _scope(context, read) | {"state": state})


def record(session: Session, context: RunContext, read: ScopeRead, known: KnownRead) -> ScopeResult | None:
    """Store the trace of an unchanged scope; None, and nothing stored, when its cards have moved since."""
    if _card_state(session, context.connection_id, read.day, read.target.id) != known.cards:
        return None
    result = known.result(read.target.name)
    row = {
        "run_id": context.run_id,
        "connection_id": context.connection_id,
        "pms_practitioner_id": read.target.id,
        "name": read.target.name,
        "clinician_id": read.target.clinician_id,
        "date": read.day,
        "outcome": COMPLETE,
        "checked_at": read.read_at,
        "expected": known.unchanged,
        "matched": known.unchanged,
        "differences": dict(known.differences) or None,
        "created": 0,
        "updated": 0,
        "failed": 0,
        "removed": 0,
        "held": 0,
        "fetched": result.counts["fetched"],
        "unchanged": result.counts["unchanged"],
        "skipped": result.counts["skipped"],
    }
    session.execute(insert(_SCOPES), row)
    session.execute(_STILL_FRESH, _scope(context, read) | {"at": read.read_at})
    return result


def _scope(context: RunContext, read: ScopeRead) -> dict[str, Any]:
    return {
        "of_connection": context.connection_id,
        "of_day": read.day,
        "of_practitioner": read.target.id or "",
    }


def _is_settled(plan: ScopePlan) -> bool:
    """Nothing is waiting: no doubt, no hold, no record kept aside."""
    return not (plan.vanished or plan.swaps or plan.held_before or plan.read.bad or plan.read.unreadable)


def _known(state: Mapping[str, Any]) -> KnownRead:
    return KnownRead(
        tuple(state["pages"]),
        state["cards"],
        state["unchanged"],
        Counter(state["skipped"]),
        state.get("differences") or {},
    )


_NO_CARDS = "0:0:0"
_STATE = (
    func.count(),
    func.coalesce(func.sum(CARDS.c.row_version), 0),
    func.coalesce(func.sum(CARDS.c.id), 0),
)

_STATE_OF_SCOPE = select(*_STATE).where(*OF_SCOPE)


def _card_states(session: Session, connection_id: int, day: date) -> dict[str, str]:
    rows = session.execute(
        select(CARDS.c.pms_practitioner_id, *_STATE)
        .where(CARDS.c.pms_connection_id == connection_id, CARDS.c.pms_date == day)
        .group_by(CARDS.c.pms_practitioner_id)
    )
    return {row[0] or "": _text(row[1:]) for row in rows}


def _card_state(session: Session, connection_id: int, day: date, practitioner_id: str | None) -> str:
    scope = {"connection_id": connection_id, "day": day, "practitioner_id": practitioner_id}
    return _text(session.execute(_STATE_OF_SCOPE, scope).one())


def _text(numbers: Sequence[Any]) -> str:
    return ":".join(str(int(number)) for number in numbers)
