"""The trace of each scope: what it counted, when it was last complete, and its receipt."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import BadRecord, Presence
from pmsapp.domain.sync.rules import SkipReason
from pmsapp.domain.sync.run_status import COUNTS, ScopeResult
from pmsapp.models import Quarantine, ScopeFreshness, SyncScope
from pmsapp.models.bulk import among
from pmsapp.models.upsert import table_of, upsert
from pmsapp.services.scopes import known_patients
from pmsapp.services.scopes.context import RunContext
from pmsapp.services.scopes.plan import ScopePlan, counts_as_updated
from pmsapp.services.scopes.reading import COMPLETE
from pmsapp.services.scopes.unchanged import NOT_AS_READ
from pmsapp.services.sheet.stored_cards import CARDS, chunks

_SCOPES = table_of(SyncScope)
_NEW_SCOPE = insert(_SCOPES).returning(_SCOPES.c.id)
_ASIDE = table_of(Quarantine)
_OPEN_QUARANTINE = select(_ASIDE.c.pms_appointment_id).where(
    _ASIDE.c.connection_id == bindparam("connection_id"),
    _ASIDE.c.resolved_at.is_(None),
    _ASIDE.c.pms_appointment_id.is_not(None),
)
_AS_STORED = select(CARDS.c.pms_appointment_id, CARDS.c.pms_patient_id, CARDS.c.pms_digest, CARDS.c.presence)


class Receipt(NamedTuple):
    """How many cards the sheet should hold for a scope, how many it holds exactly so, and why others differ.

    Both numbers are None where nobody can say, because the list was not read to its end.
    """

    expected: int | None
    matched: int | None
    differences: dict[str, int]


def record_scope(
    session: Session, context: RunContext, plan: ScopePlan, counts: Counter[str], receipt: Receipt
) -> int:
    """Store the scope's row with its receipt; returns its id."""
    read = plan.read
    row = {
        "run_id": context.run_id,
        "connection_id": context.connection_id,
        "pms_practitioner_id": read.target.id,
        "name": read.target.name,
        "clinician_id": read.target.clinician_id,
        "date": read.day,
        "outcome": read.outcome,
        "checked_at": read.read_at,
        "error_code": read.error.code if read.error else None,
        "expected": receipt.expected,
        "matched": receipt.matched,
        "differences": receipt.differences or None,
        **{name: counts[name] for name in COUNTS},
    }
    scope_id: int = session.execute(_NEW_SCOPE, row).scalar_one()
    return scope_id


def receipt_of(session: Session, context: RunContext, plan: ScopePlan) -> Receipt:
    """Compare what was read with the cards as they stand now, after the plan was written."""
    if plan.read.outcome != COMPLETE:
        return Receipt(None, None, {})
    wanted = {known.key: (known.digest, known.presence) for known in plan.sorted.unchanged}
    wanted |= {incoming.key: (incoming.digest, Presence.ON_SHEET.value) for incoming in plan.sorted.creates}
    changed = [change for change in plan.updates if counts_as_updated(change)]
    wanted |= {change.incoming.key: (change.incoming.digest, change.presence.value) for change in changed}
    written = [incoming.key for incoming in plan.sorted.creates] + [change.incoming.key for change in changed]
    stored = {known.key: (known.digest, known.presence) for known in plan.sorted.unchanged}
    if written:
        theirs = among(session, CARDS.c.pms_appointment_id, {key[0] for key in written})
        rows = session.execute(_AS_STORED.where(CARDS.c.pms_connection_id == context.connection_id, theirs))
        stored |= {(row[0], row[1]): (row[2], row[3]) for row in rows}
    matched = sum(1 for key, what in wanted.items() if stored.get(key) == what)
    differences = {
        NOT_AS_READ: len(wanted) - matched,
        "removed_by_staff": plan.skipped_reasons()[SkipReason.REMOVED_BY_STAFF],
        "not_understood": len(plan.read.bad),
        "held": len(plan.swaps) + len(plan.held_before),
        "kept_by_staff": plan.kept,
    }
    return Receipt(len(wanted), matched, {name: count for name, count in differences.items() if count})


def mark_fresh(session: Session, context: RunContext, plan: ScopePlan, as_of: datetime) -> None:
    """This practitioner-day was read completely at `as_of`; what it shows is as old as its oldest part."""
    if context.patients is not None:
        of_patients = known_patients.oldest_read(
            session, context.connection_id, plan.read.day, plan.read.target.id, context.rules.zone
        )
        as_of = min(as_of, of_patients or as_of)
    reasons = plan.skipped_reasons()
    row = {
        "connection_id": context.connection_id,
        "date": plan.read.day,
        "pms_practitioner_id": plan.read.target.id or "",
        "as_of": as_of,
        "fetched": plan.sorted.fetched,
        "not_shown": reasons[SkipReason.NOT_TELEHEALTH] + reasons[SkipReason.TYPE_OFF],
    }
    upsert(
        session,
        ScopeFreshness,
        [row],
        keys=["connection_id", "date", "pms_practitioner_id"],
        update=["as_of", "fetched", "not_shown"],
    )


def change_scope(session: Session, scope_id: int, result: ScopeResult, *, held: int) -> None:
    """Correct a scope's row once the vanished cards were looked up; on a doubt its receipt says nothing any more."""
    values: dict[str, Any] = {name: result.counts[name] for name in COUNTS}
    if result.outcome != COMPLETE:
        values |= {"expected": None, "matched": None, "differences": None}
    elif held:
        before = session.scalar(select(_SCOPES.c.differences).where(_SCOPES.c.id == scope_id)) or {}
        values["differences"] = {**before, "held": before.get("held", 0) + held}
    session.execute(
        update(_SCOPES)
        .where(_SCOPES.c.id == scope_id)
        .values(outcome=result.outcome, error_code=result.error_code, **values)
    )


def keep_aside(
    session: Session, context: RunContext, day: date, records: list[BadRecord], now: datetime
) -> None:
    """Put what could not be understood into quarantine: its shape and the reason, never its values."""
    rows = [
        {
            "connection_id": context.connection_id,
            "record_key": f"{record.external_id or 'unnamed'}:{day.isoformat() if record.external_id is None else ''}",
            "pms_appointment_id": record.external_id,
            "pms_practitioner_id": record.practitioner_external_id,
            "date": day,
            "reason": record.reason,
            "shape": record.shape,
            "first_seen_at": now,
            "last_seen_at": now,
            "run_id": context.run_id,
            "resolved_at": None,
        }
        for record in records
    ]
    upsert(
        session,
        Quarantine,
        rows,
        keys=["connection_id", "record_key"],
        update=["reason", "shape", "last_seen_at", "run_id", "date", "resolved_at"],
    )


def open_quarantine(session: Session, connection_id: int) -> set[str]:
    """Ids of appointments that are kept aside."""
    return set(session.scalars(_OPEN_QUARANTINE, {"connection_id": connection_id}))


def take_back(session: Session, connection_id: int, appointment_ids: set[str], now: datetime) -> None:
    """Records that were understood this time leave quarantine."""
    for part in chunks(sorted(appointment_ids)):
        session.execute(
            update(Quarantine)
            .where(Quarantine.connection_id == connection_id, Quarantine.pms_appointment_id.in_(part))
            .values(resolved_at=now)
            .execution_options(synchronize_session=False)
        )
