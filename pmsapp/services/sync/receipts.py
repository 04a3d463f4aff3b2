"""Receipts: a connection's day is read fresh and compared with the sheet, at night and whenever somebody asks.

Nothing of what is read is stored. A receipt gives way to updates: it waits while one is queued or under way, and one
that begins meanwhile makes it start again later. A difference that an update in between does not settle is confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import SCHEDULE, Actor
from pmsapp.domain.ages import CLOCK_SLACK, is_older
from pmsapp.domain.errors import PMSError
from pmsapp.domain.sync.receipt import Compared, Difference
from pmsapp.domain.sync_state import ConnectionState, is_paused
from pmsapp.domain.window import utc_text
from pmsapp.models import PMSConnection, Receipt, ScopeFreshness, SyncRun
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic, day_bounds
from pmsapp.services.connections.rows import get_row
from pmsapp.services.runs import planning
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.scopes.reading import COMPLETE
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.sync import receipt_work

NIGHTLY = "compare with the practice software"
MATCH, DIFFERS, UNREAD = "match", "differs", "unread"
AGAIN_AFTER = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(minutes=45)
# Who was making it is gone: somebody else begins anew.
MADE_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt. `outcome` None: asked for and not made yet. `edited`, `removed`, `held`, `kept`: staff's doing, apart."""

    id: int
    connection_id: int
    date: date
    asked_by: str
    asked_at: datetime
    checked_at: datetime | None
    outcome: str | None
    error_code: str | None
    expected: int
    matched: int
    differences: tuple[dict[str, Any], ...]
    apart: dict[str, int]
    is_confirmed: bool

    def __repr__(self) -> str:
        return f"ReceiptView({self.id}, {self.outcome})"


def ask(connection_id: int, actor: Actor, *, day: date | None = None) -> None:
    """Have a day (None: today) compared, as soon as no update is under way. One that waits already is enough.

    Raises NotFound, Invalid, and Conflict NOT-STARTED while the connection is being set up.
    """
    now = clock.now()
    with writing() as session:
        day_bounds.check(day)
        connection = get_row(session, connection_id, lock=True)
        if connection.state == ConnectionState.SETUP:
            raise Conflict("NOT-STARTED", "The set-up is not finished; nothing is on the sheet yet.")
        if _put_down(session, connection_id, day or clinic.today(session), actor.name, now) is not None:
            audit.record(session, actor, "connection.receipt_asked", f"connection:{connection_id}")


def ask_nightly() -> str:
    """Have today's sheet compared for every connection that is on. Returns how many were asked for, in words."""
    now = clock.now()
    with writing() as session:
        ids = [
            row.id
            for row in session.scalars(select(PMSConnection).where(*planning.ACTIVE))
            if not is_paused(row.paused_until, now) and row.state != ConnectionState.NEEDS_YOU
        ]
        today = clinic.today(session)
        for connection_id in ids:
            _put_down(session, connection_id, today, SCHEDULE.name, now)
    return f"{len(ids)} asked for"


def latest(connection_id: int) -> ReceiptView | None:
    """The newest receipt that was made; None before the first."""
    with reading() as session:
        row = session.scalar(
            select(Receipt)
            .where(Receipt.connection_id == connection_id, Receipt.outcome.is_not(None))
            .order_by(Receipt.id.desc())
            .limit(1)
        )
        return _view(row) if row is not None else None


def is_waiting(connection_id: int) -> bool:
    """True while one is asked for and not made yet."""
    with reading() as session:
        return session.scalar(_waiting(connection_id).limit(1)) is not None


def make_due() -> None:
    """Make the receipts that are due, one after the other."""
    while (receipt_id := _take()) is not None:
        _make(receipt_id)


def read_again(connection_id: int, actor: Actor) -> None:
    """Have the next update write the differing cards anew, whatever it knows of them, and compare once more.

    Raises NotFound, and Conflict while there is nothing to put right.
    """
    found = latest(connection_id)
    if found is None or found.outcome != DIFFERS:
        raise Conflict("NO-DIFFERENCE", "The last receipt found no difference.")
    ids = [line["card_id"] for line in found.differences if line["card_id"] is not None]
    now = clock.now()
    with writing() as session:
        get_row(session, connection_id)
        session.execute(update(CARDS).where(CARDS.c.id.in_(ids)).values(pms_digest=None))
        session.execute(
            update(ScopeFreshness)
            .where(ScopeFreshness.connection_id == connection_id, ScopeFreshness.date == found.date)
            .values(read_state=None)
        )
        audit.record(
            session, actor, "connection.read_again", f"connection:{connection_id}", {"cards": len(ids)}
        )
    run_requests.request_run(connection_id, actor=actor, day=found.date)
    with writing() as session:
        _put_down(session, connection_id, found.date, actor.name, now)


def note_names_shown(connection_id: int, actor: Actor) -> None:
    """Somebody asked for the names of the cards that differ: that goes into the log."""
    with writing() as session:
        audit.record(session, actor, "connection.receipt_names_shown", f"connection:{connection_id}")


def _waiting(connection_id: int) -> Any:
    return select(Receipt.id).where(Receipt.connection_id == connection_id, Receipt.outcome.is_(None))


def _put_down(
    session: Session,
    connection_id: int,
    day: date,
    by: str,
    now: datetime,
    *,
    due_at: datetime | None = None,
    follows: int | None = None,
) -> int | None:
    known = session.scalar(_waiting(connection_id).where(Receipt.date == day).limit(1))
    if known is not None:
        session.execute(update(Receipt).where(Receipt.id == known).values(due_at=due_at or now))
        return None
    row = Receipt(
        connection_id=connection_id,
        date=day,
        asked_by=by,
        asked_at=now,
        due_at=due_at or now,
        follows_id=follows,
    )
    session.add(row)
    session.flush()
    return row.id


def _take() -> int | None:
    """The next receipt that is due and that nobody makes, for exactly one caller."""
    now = clock.now()
    due = (
        Receipt.outcome.is_(None),
        # One due later than any was ever put off: the clock was put back.
        or_(Receipt.due_at <= now, Receipt.due_at > now + AGAIN_AFTER + CLOCK_SLACK),
        or_(
            Receipt.started_at.is_(None),
            Receipt.started_at < now - MADE_WITHIN,
            Receipt.started_at > now + CLOCK_SLACK,
        ),
    )
    with reading() as session:
        wanted = session.scalar(select(Receipt.id).where(*due).order_by(Receipt.due_at, Receipt.id).limit(1))
    if wanted is None:
        return None
    with writing() as session:
        return session.execute(
            update(Receipt).where(Receipt.id == wanted, *due).values(started_at=now).returning(Receipt.id)
        ).scalar()


def _make(receipt_id: int) -> None:
    with reading() as session:
        row = session.get_one(Receipt, receipt_id)
        connection_id, day = row.connection_id, row.date
    try:
        made = receipt_work.read_and_compare(connection_id, day)
    except PMSError as error:
        _keep(receipt_id, UNREAD, Compared(), error.code)
        return
    if made is None:
        _later(receipt_id)
        return
    compared, reads = made
    not_read = next((read for read in reads if read.outcome != COMPLETE), None)
    outcome = DIFFERS if compared.differences else UNREAD if not_read else MATCH
    code = not_read.error.code if not_read and not_read.error else None
    _keep(receipt_id, outcome, compared, code)


def _later(receipt_id: int) -> None:
    """An update came first: begin anew in a while, and give up when that goes on for long."""
    now = clock.now()
    with writing() as session:
        row = session.get_one(Receipt, receipt_id)
        row.started_at = None
        row.due_at = now + AGAIN_AFTER
        if is_older(row.asked_at, now, GIVE_UP_AFTER):
            row.outcome, row.checked_at = UNREAD, now


def _keep(receipt_id: int, outcome: str, compared: Compared, code: str | None) -> None:
    now = clock.now()
    with writing() as session:
        row = session.get_one(Receipt, receipt_id)
        row.outcome, row.checked_at, row.error_code = outcome, now, code
        row.expected, row.matched = compared.expected, compared.matched
        row.differences = [_as_json(found) for found in compared.differences] or None
        row.apart = {name: count for name, count in compared.apart.items() if count} or None
        row.is_confirmed = outcome == DIFFERS and _is_the_same_again(session, row)
        connection = session.get_one(PMSConnection, row.connection_id)
        connection_id = connection.id
        asks_again = (
            outcome == DIFFERS
            and row.follows_id is None
            and connection.sync_enabled
            and not is_paused(connection.paused_until, now)
        )
        if asks_again:
            _put_down(
                session,
                connection_id,
                row.date,
                SCHEDULE.name,
                now,
                due_at=now + AGAIN_AFTER,
                follows=row.id,
            )
    if asks_again:  # the practice software may simply have moved on since the last update
        run_requests.start(connection_id, SCHEDULE)


def _is_the_same_again(session: Session, row: Receipt) -> bool:
    """A difference that an update after the earlier receipt has not settled."""
    before = session.get(Receipt, row.follows_id) if row.follows_id is not None else None
    if before is None or before.checked_at is None:
        return False
    updated = session.scalar(
        select(SyncRun.id)
        .where(
            SyncRun.pms_connection_id == row.connection_id,
            SyncRun.dry_run.is_(False),
            SyncRun.status.in_(("success", "partial")),
            SyncRun.started_at >= before.checked_at,
        )
        .limit(1)
    )
    earlier = {_mark(line) for line in before.differences or ()}
    return updated is not None and any(_mark(line) in earlier for line in row.differences or ())


def _mark(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["kind"], line["pms_appointment_id"], line["pms_patient_id"]


def _as_json(found: Difference) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "card_id": found.card_id,
        "pms_appointment_id": found.key[0],
        "pms_patient_id": found.key[1],
        "pms_practitioner_id": found.practitioner_id,
        "clinician_id": found.clinician_id,
        "start_at": utc_text(found.start_at),
        "fields": list(found.fields),
    }


def _view(row: Receipt) -> ReceiptView:
    return ReceiptView(
        id=row.id,
        connection_id=row.connection_id,
        date=row.date,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        checked_at=row.checked_at,
        outcome=row.outcome,
        error_code=row.error_code,
        expected=row.expected,
        matched=row.matched,
        differences=tuple(row.differences or ()),
        apart=row.apart or {},
        is_confirmed=row.is_confirmed,
    )
