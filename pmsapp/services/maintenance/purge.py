"""The nightly purge of what has served its time, each step whole with its receipt, a row of the log.

Stopped half way it leaves whole steps behind, and the next one goes on. What is still needed stays: a card somebody
has to decide about, notes within the law's minimum, the newest copy of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import SYSTEM
from pmsapp.extensions import current_settings
from pmsapp.models import (
    AuditEvent,
    CardBefore,
    Decision,
    HandOver,
    RunSheet,
    RunSheetAppointment,
    RunSheetEvent,
    RunSheetOverride,
)
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.failpoints import failpoint
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.maintenance import backup, erasure, periods
from pmsapp.services.maintenance.periods import Periods
from pmsapp.services.sheet import before_runs

PURGED = "retention.purged"
STEP_ROWS = 200
_LOG_ROWS = 5_000
_IN_FORCE = ("active", "conflict")
_STAMP = re.compile(r"(\d{8})-?T?(\d{6})")


@dataclass(frozen=True, slots=True)
class Due:
    """Cards that the next purge takes: how many, and the days they stand on."""

    cards: int = 0
    first_on: date | None = None
    last_on: date | None = None


def due(today: date) -> Due:
    """What a purge on `today` takes of the cards."""
    with reading() as session:
        days = [day for _, day in _cards_due(session, today, periods.of(current_settings()))]
    return Due(len(days), min(days), max(days)) if days else Due()


def purge_records() -> dict[str, int]:
    """Purge cards, empty days, answered questions, overrides, timelines, the log, and files. Kind -> how many."""
    kept, now, today = periods.of(current_settings()), clock.now(), clinic.today()
    gone = {
        "cards": _purge_cards(today, kept),
        "days": _in_steps("days", lambda s: _empty_days(s, today - kept.cards), RunSheet),
        "hand-overs": _in_steps("hand-overs", lambda s: _old_hand_overs(s, today - kept.notes), HandOver),
        "decisions": _in_steps("decisions", lambda s: _answered(s, now - kept.cards), Decision),
        "overrides": _in_steps(
            "overrides", lambda s: _old_overrides(s, now - kept.overrides), RunSheetOverride
        ),
        "timeline lines": _in_steps(
            "timelines", lambda s: _old_lines(s, now - kept.timelines), RunSheetEvent
        ),
        "cards kept for undoing": _in_steps(
            "undoing", lambda s: _kept_for_undoing(s, now - before_runs.KEPT_FOR), CardBefore
        ),
        "log rows": _purge_log(now - kept.audit),
        "files": _purge_files(now, kept),
    }
    with reading() as session:
        owed = erasure.is_scrub_owed(session)
    if owed or gone["cards"]:
        erasure.scrub()
    return gone


def _purge_cards(today: date, kept: Periods) -> int:
    total = 0
    while True:
        with writing() as session:
            found = _cards_due(session, today, kept)[:STEP_ROWS]
            if not found:
                return total
            days = [day for _, day in found]
            erasure.remove_cards(session, [card_id for card_id, _ in found], clock.now())
            failpoint("purge_cards")
            _receipt(session, "cards", len(found), min(days), max(days))
        total += len(found)


def _cards_due(session: Session, today: date, kept: Periods) -> list[tuple[int, date]]:
    """Cards whose time is over and that nobody has to decide about, with their days, the oldest first."""
    card = RunSheetAppointment
    has_notes = or_(
        func.coalesce(card.notes, "") != "", card.attempts.is_not(None), card.identity_check.is_not(None)
    )
    has_overrides = exists().where(RunSheetOverride.appointment_id == card.id)
    rows = session.execute(
        select(
            card.id, RunSheet.date, card.patient_dob, has_notes.label("noted"), has_overrides.label("typed")
        )
        .join(RunSheet, RunSheet.id == card.run_sheet_id)
        .where(RunSheet.date < today - kept.cards)
        .order_by(RunSheet.date, card.id)
    )
    waiting = _in_open_decisions(session)
    return [
        (row.id, row.date)
        for row in rows
        if row.id not in waiting
        and periods.keep_until(
            row.date, row.patient_dob, kept, has_notes=bool(row.noted), has_overrides=bool(row.typed)
        )
        < today
    ]


def _in_open_decisions(session: Session) -> set[int]:
    rows = session.scalars(select(Decision.appointment_ids).where(Decision.state == "open"))
    return {card_id for ids in rows for card_id in ids or ()}


def _empty_days(session: Session, before: date) -> Any:
    return select(RunSheet.id).where(
        RunSheet.date < before, ~exists().where(RunSheetAppointment.run_sheet_id == RunSheet.id)
    )


def _old_hand_overs(session: Session, before: date) -> Any:
    return select(HandOver.id).where(HandOver.date < before)


def _answered(session: Session, before: datetime) -> Any:
    at = func.coalesce(Decision.decided_at, Decision.since)
    return select(Decision.id).where(Decision.state != "open", at < before)


def _old_overrides(session: Session, before: datetime) -> Any:
    """Those in force stay as long as their card."""
    return select(RunSheetOverride.id).where(
        RunSheetOverride.state.not_in(_IN_FORCE),
        func.coalesce(RunSheetOverride.decided_at, RunSheetOverride.at) < before,
    )


def _old_lines(session: Session, before: datetime) -> Any:
    return select(RunSheetEvent.id).where(RunSheetEvent.at < before)


def _kept_for_undoing(session: Session, before: datetime) -> Any:
    return select(CardBefore.id).where(CardBefore.at < before)


def _in_steps(what: str, find: Any, model: Any) -> int:
    total = 0
    while True:
        with writing() as session:
            ids = session.scalars(find(session).limit(STEP_ROWS)).all()
            if not ids:
                return total
            session.execute(
                delete(model).where(model.id.in_(ids)).execution_options(synchronize_session=False)
            )
            failpoint("purge_rows")
            _receipt(session, what, len(ids))
        total += len(ids)


def _purge_log(before: datetime) -> int:
    """The oldest rows of the log, up to the first that is young enough; the chain then begins after them."""
    total = 0
    while True:
        with writing() as session:
            first_kept = session.scalar(select(func.min(AuditEvent.id)).where(AuditEvent.at >= before))
            first = session.scalar(select(func.min(AuditEvent.id)))
            if first is None or first_kept is None or first >= first_kept:
                return total
            through = min(first + _LOG_ROWS, first_kept) - 1
            last_hash = session.scalar(select(AuditEvent.hash).where(AuditEvent.id == through)) or ""
            audit_chain.cut(session, audit_chain.Head(through, last_hash), audit_chain.current_key(session))
            session.execute(
                delete(AuditEvent)
                .where(AuditEvent.id <= through)
                .execution_options(synchronize_session=False)
            )
            failpoint("purge_log")
            _receipt(session, "log", through - first + 1)
        total += through - first + 1


def _purge_files(now: datetime, kept: Periods) -> int:
    """Copies of the database that are too old, but for the newest, and lists of what a restore undid."""
    newest = backup.latest()
    old = [
        path
        for path in _copies(current_settings().instance_dir)
        if _made_at(path) < now - kept.backups and (newest is None or path != newest.path)
    ]
    if not old:
        return 0
    with writing() as session:
        _receipt(session, "files", len(old))
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _copies(instance: Path) -> Iterator[Path]:
    for folder in (instance / backup.FOLDER, instance / "upgrade-backups"):
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.endswith(".part"):
                yield path


def _made_at(path: Path) -> datetime:
    """The time in its name, else when it was written."""
    found = _STAMP.search(path.name)
    if found:
        return datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def _receipt(
    session: Session, what: str, count: int, first_on: date | None = None, last_on: date | None = None
) -> None:
    detail: dict[str, Any] = {"what": what, "count": count}
    if first_on is not None and last_on is not None:
        detail |= {"from": first_on.isoformat(), "to": last_on.isoformat()}
    audit.record(session, SYSTEM, PURGED, None, detail)
