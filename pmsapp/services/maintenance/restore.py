"""Putting a backup back, so that nothing goes back in time unnoticed.

The copy is made ready beside the live file and takes its place in one step; the file that was there is kept. What
must never go back is carried over from it or raised: fences and versions, ids already given out, and what lets somebody
in (kept_access). Everybody signs in again, and the next updates read everything anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import ConfigurationError
from pmsapp.domain.sync.run_status import error_details
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import (
    AlertDelivery,
    AuditEvent,
    Incident,
    PMSConnection,
    RunSheet,
    RunSheetAppointment,
    ScopeFreshness,
    SyncRun,
    User,
)
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.audit import AuditEntry
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import audit_watch, backup, database, erasure, kept_access, key_rotation
from pmsapp.services.maintenance.erasure import Erased
from pmsapp.services.maintenance.kept_access import Access
from pmsapp.services.people import sessions

_EPOCHS_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy holds, once it was found whole. `unreadable`: sealed texts that open with none of the keys."""

    version: str
    cards: int
    people: int
    last_event_id: int
    last_event_hash: str
    last_event_at: datetime | None
    unreadable: int


@dataclass(frozen=True, slots=True)
class Present:
    """What the database that will be replaced knows and the copy does not.

    `done_since`: everything done after the copy was made, oldest first. `related` False: the copy is no earlier state
    of this database, so nothing is carried over but numbers.
    """

    related: bool = True
    done_since: tuple[AuditEntry, ...] = ()
    fences: dict[int, int] = field(default_factory=dict)
    given_ids: dict[str, int] = field(default_factory=dict)
    access: Access | None = None
    erased: tuple[Erased, ...] = ()


def require_ours(file: Path) -> None:
    """Raise ConfigurationError, naming `file`, unless the open database is one of this program's."""
    try:
        found = database.versions().found
    except SQLAlchemyError:
        found = None
    if found is None:
        raise ConfigurationError(f"{file} is no backup of pmsapp.")


def examine() -> Copy:
    """Read the open database from end to end. Raises ConfigurationError in one sentence unless it is whole."""
    with reading() as session:
        found = session.connection().exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        strays = session.connection().exec_driver_sql("PRAGMA foreign_key_check").first()
        if found != "ok" or strays is not None:
            raise ConfigurationError("This copy is damaged and cannot be put back; take an earlier one.")
        return _contents(session)


def examine_postgres() -> Copy:
    """What the open PostgreSQL database, put back by its own tools, holds. Raises ConfigurationError unless the log of
    who did what is whole."""
    with reading() as session:
        return _contents(session)


def _contents(session: Session) -> Copy:
    verdict = audit_chain.verify()
    if not verdict.ok:
        raise ConfigurationError(
            f"The log of who did what was changed in this copy (row {verdict.first_bad_id}: {verdict.reason})."
        )
    return Copy(
        version=database.versions().found or "",
        cards=session.scalar(select(func.count()).select_from(RunSheetAppointment)) or 0,
        people=session.scalar(select(func.count()).select_from(User)) or 0,
        last_event_id=verdict.last_id or 0,
        last_event_hash=verdict.last_hash,
        last_event_at=session.scalar(select(func.max(AuditEvent.at))),
        unreadable=key_rotation.unreadable(),
    )


def look_at_present(copy: Copy) -> Present | None:
    """Read the open, live database before `copy` takes its place. None when it cannot be read any more, or not by
    this version."""
    try:
        return _look(copy)
    except SQLAlchemyError:
        return None


def _look(copy: Copy) -> Present:
    with reading() as session:
        same = session.scalar(select(AuditEvent.hash).where(AuditEvent.id == copy.last_event_id))
        related = copy.last_event_id == 0 or same == copy.last_event_hash
        return Present(
            related=related,
            done_since=_events_after(session, copy.last_event_id) if related else (),
            fences={
                row.id: row.fence for row in session.execute(select(PMSConnection.id, PMSConnection.fence))
            },
            given_ids={
                row.name: row.seq for row in session.execute(text("SELECT name, seq FROM sqlite_sequence"))
            },
            access=kept_access.read(session) if related else None,
            erased=erasure.all_erased(session) if related else (),
        )


def adopt(copy: Copy, present: Present | None, name: str, actor: Actor) -> int:
    """Make the open copy fit to take over, in one transaction. `present` is None when there is none to be read.

    Returns the epoch: a number above that of every earlier restore, by which versions and fences rise.
    """
    now = clock.now()
    epoch = int((now - _EPOCHS_BEGIN).total_seconds())
    known = present or Present()
    with writing() as session:
        _raise_numbers(session, epoch, known)
        _forget_what_went_on(session, now)
        if known.access is not None:
            kept_access.keep(session, known.access, now)
        erasure.erase_again(session, known.erased, now)
        sessions.end_where(session, actor, "restored")
        detail = {
            "backup": name,
            "epoch": epoch,
            "from_event": copy.last_event_id,
            "undone_events": len(known.done_since),
        }
        audit.record(session, actor, "database.restored", "clinic:1", detail)
    audit_watch.forget_after(copy.last_event_id)
    return epoch


def _raise_numbers(session: Session, epoch: int, known: Present) -> None:
    """Versions, so that no page or program that saw the lost time takes an old answer for a new one; fences, so that
    no worker of that time writes; ids, so that none is given to another thing."""
    _all(session, update(RunSheet).values(version=RunSheet.version + epoch))
    _all(
        session,
        update(RunSheetAppointment).values(row_version=RunSheetAppointment.row_version + epoch),
    )
    for row in session.scalars(select(PMSConnection)):
        row.fence = max(row.fence, known.fences.get(row.id, 0)) + epoch
        row.config_version += epoch
    session.flush()
    for name, seq in known.given_ids.items():
        changed = session.execute(
            text("UPDATE sqlite_sequence SET seq = max(seq, :seq) WHERE name = :name RETURNING seq"),
            {"seq": seq, "name": name},
        ).first()
        if changed is None:
            session.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"),
                {"name": name, "seq": seq},
            )


def _forget_what_went_on(session: Session, now: datetime) -> None:
    """Runs that were going on are interrupted, every list is read in full at once, old news is not sent any more."""
    _all(
        session,
        update(SyncRun)
        .where(SyncRun.status.in_((RunStatus.QUEUED.value, RunStatus.RUNNING.value)))
        .values(
            status=RunStatus.INTERRUPTED.value,
            completed_at=now,
            error_code="RUN-INTERRUPTED",
            error_message="The update stopped half way",
            error_details=error_details("RUN-INTERRUPTED", ()),
        ),
    )
    _all(session, update(ScopeFreshness).values(read_state=None))
    _all(
        session,
        update(PMSConnection)
        .where(PMSConnection.sync_enabled.is_(True))
        .values(next_sync_at=now, next_sync_reason="reading anew after a backup was put back"),
    )
    _all(session, update(Incident).where(Incident.ended_at.is_(None)).values(ended_at=now))
    _all(
        session,
        update(AlertDelivery)
        .where(AlertDelivery.next_try_at.is_not(None))
        .values(next_try_at=None, note="from before a backup was put back"),
    )


def _all(session: Session, statement: Any) -> None:
    session.execute(statement.execution_options(synchronize_session=False))


def _events_after(session: Session, event_id: int) -> tuple[AuditEntry, ...]:
    rows = session.scalars(select(AuditEvent).where(AuditEvent.id > event_id).order_by(AuditEvent.id))
    return tuple(audit.view(row) for row in rows)


def put_in_place(ready: Path, live: Path) -> Path | None:
    """Let the copy take the live file's place in one step. Returns where the file that was there is kept."""
    kept: Path | None = None
    if live.exists():
        kept = live.parent / backup.FOLDER / f"replaced-{clock.now():%Y%m%d-%H%M%S}.sqlite3"
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        os.link(live, kept)
        for suffix in ("-wal", "-shm", "-journal"):
            left = Path(f"{live}{suffix}")
            if left.exists():
                left.rename(f"{kept}{suffix}")
    with ready.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(ready, live)
    folder = os.open(live.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return kept
