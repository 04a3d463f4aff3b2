"""Undoing a run: what would be put back, what cannot be and why, and doing it.

Put back is what the run changed of cards nobody has touched since, each whole: the PMS's side, its place, the standing
of its edits, its questions. A card the run made goes. What staff did stays in every case. The next run reads the
practice software again, so a mistake there comes back unless it is mended there or updates are paused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import is_older
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import (
    CardBefore,
    Decision,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetEvent,
    ScopeFreshness,
    SyncRun,
    SyncScope,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import before_runs, questions, timeline, versions

KIND = "run_undone"
_OVER = (RunStatus.SUCCESS, RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a card stays as it is. `kind`: edited (by staff), later_update, together (with a card that stays), changed."""

    kind: str
    by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UndoLine:
    """A card the run changed, by its place alone. `goes`: the run made it, so that undoing takes it off."""

    card_id: int
    start_at: datetime
    time_zone: str
    clinician: str | None
    kinds: tuple[str, ...]
    fields: tuple[str, ...]
    goes: bool
    obstacle: Obstacle | None


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What undoing a run comes to. `refused`: why it cannot be undone at all, in a sentence; then there are no lines."""

    run_id: int
    lines: tuple[UndoLine, ...] = ()
    refused: str | None = None

    @property
    def possible(self) -> tuple[UndoLine, ...]:
        """The cards that would be put back or go."""
        return tuple(line for line in self.lines if line.obstacle is None)

    @property
    def impossible(self) -> tuple[UndoLine, ...]:
        """The cards that would stay as they are."""
        return tuple(line for line in self.lines if line.obstacle is not None)


def plan(connection_id: int, run_id: int) -> UndoPlan:
    """What undoing this run would do, as things stand. Raises NotFound."""
    with reading() as session:
        return _plan(session, _run(session, connection_id, run_id), clock.now())


def undo(connection_id: int, run_id: int, actor: Actor) -> UndoPlan:
    """Undo a run as far as it can be. Returns what was done.

    Raises NotFound, Conflict RUN-UNDER-WAY while another one is read, NOTHING-TO-UNDO when nothing can be put back.
    """
    now = clock.now()
    with writing() as session:
        run = _run(session, connection_id, run_id)
        if _is_running(session, connection_id):
            raise Conflict("RUN-UNDER-WAY", "An update is under way. Try again when it has ended.")
        done = _plan(session, run, now)
        if not done.possible:
            raise Conflict(
                "NOTHING-TO-UNDO", done.refused or "Nothing of this update can be put back any more."
            )
        _put_back(session, run, done.possible, actor, now)
        _make_older(session, run)
        questions.count_cards_of_new_types(session, connection_id, clinic.today(session))
        questions.lapse_settled(session, connection_id, now)
        gone = [line.card_id for line in done.possible if line.goes]
        counts = {
            "put_back": len(done.possible) - len(gone),
            "taken_off": len(gone),
            "left": len(done.impossible),
        }
        run.undone = {"at": now.isoformat(), "by": actor.name, **counts}
        detail = {"connection_id": connection_id, **counts, "cards_taken_off": gone}
        audit.record(session, actor, "run.undo", f"run:{run_id}", detail)
        return done


def _run(session: Session, connection_id: int, run_id: int) -> SyncRun:
    run = session.scalar(
        select(SyncRun).where(SyncRun.id == run_id, SyncRun.pms_connection_id == connection_id)
    )
    if run is None:
        raise NotFound("run")
    return run


def _is_running(session: Session, connection_id: int) -> bool:
    running = select(SyncRun.id).where(
        SyncRun.pms_connection_id == connection_id, SyncRun.status == RunStatus.RUNNING.value
    )
    return session.scalar(running.limit(1)) is not None


def _plan(session: Session, run: SyncRun, now: datetime) -> UndoPlan:
    refused = _refusal(run, now)
    if refused:
        return UndoPlan(run.id, refused=refused)
    card, kept = RunSheetAppointment, CardBefore
    rows = session.execute(
        select(
            card.id,
            card.start_at,
            card.time_zone,
            card.row_version,
            RunSheetClinician.name.label("clinician"),
            kept.row_version.label("kept_version"),
            kept.before.is_(None).label("goes"),
        )
        .join(kept, kept.appointment_id == card.id)
        .outerjoin(RunSheetClinician, RunSheetClinician.id == card.clinician_id)
        .where(kept.run_id == run.id)
        .order_by(card.start_at, card.id)
    ).all()
    if not rows:
        return UndoPlan(run.id, refused="It changed no cards, or what they were before is kept no more.")
    touched = {row.id for row in rows if row.row_version != row.kept_version}
    obstacles = _who_came_after(session, run.id, touched)
    for tied in _ties(session, run.id, {row.id for row in rows}):
        if not touched.isdisjoint(tied):
            obstacles |= {card_id: Obstacle("together") for card_id in tied - touched}
    told = _told(session, run.id)
    return UndoPlan(
        run.id,
        tuple(
            UndoLine(
                row.id,
                row.start_at,
                row.time_zone,
                row.clinician,
                *told.get(row.id, ((), ())),
                bool(row.goes),
                obstacles.get(row.id),
            )
            for row in rows
        ),
    )


def _refusal(run: SyncRun, now: datetime) -> str | None:
    if run.dry_run:
        return "A preview changes nothing, so there is nothing to undo."
    if run.status not in _OVER or run.completed_at is None:
        return "It has not ended yet."
    if run.undone:
        return "It was undone already."
    if is_older(run.completed_at, now, before_runs.KEPT_FOR):
        return "It is more than 24 hours old; what cards were before is kept no longer."
    return None


def _who_came_after(session: Session, run_id: int, card_ids: Iterable[int]) -> dict[int, Obstacle]:
    """Of each card: what happened to it after the run."""
    found = {card_id: Obstacle("changed") for card_id in card_ids}
    event = RunSheetEvent
    last = (
        select(event.appointment_id, func.max(event.id).label("last_id"))
        .where(event.run_id == run_id)
        .group_by(event.appointment_id)
        .subquery()
    )
    rows = session.scalars(
        select(event)
        .outerjoin(last, last.c.appointment_id == event.appointment_id)
        .where(event.appointment_id.in_(found), event.id > func.coalesce(last.c.last_id, 0))
        .order_by(event.id)
    )
    for row in rows:
        if row.run_id != run_id:
            kind = "edited" if row.source == "staff" else "later_update"
            if found[row.appointment_id].kind != "edited":
                found[row.appointment_id] = Obstacle(kind, row.actor, row.at)
    return found


def _ties(session: Session, run_id: int, card_ids: set[int]) -> list[set[int]]:
    """Cards that belong together: two patients of one appointment, a visit cancelled and booked anew."""
    groups: list[set[int]] = []
    asked = session.scalars(
        select(Decision.appointment_ids).where(Decision.run_id == run_id, Decision.kind == "patient_changed")
    )
    card = RunSheetAppointment
    linked = session.execute(
        select(card.id, card.rebooked_to_id).where(card.id.in_(card_ids), card.rebooked_to_id.is_not(None))
    )
    for ids in [*(set(ids or ()) for ids in asked), *({row[0], row[1]} for row in linked)]:
        group = ids & card_ids
        for other in [other for other in groups if not other.isdisjoint(group)]:
            groups.remove(other)
            group |= other
        if len(group) > 1:
            groups.append(group)
    return groups


def _told(session: Session, run_id: int) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Of each card: what the run's lines in its timeline say, kinds and fields."""
    kinds: dict[int, dict[str, None]] = {}
    fields: dict[int, dict[str, None]] = {}
    rows = session.scalars(
        select(RunSheetEvent).where(RunSheetEvent.run_id == run_id).order_by(RunSheetEvent.id)
    )
    for row in rows:
        kinds.setdefault(row.appointment_id, {})[row.kind] = None
        fields.setdefault(row.appointment_id, {}).update(dict.fromkeys((row.data or {}).get("fields", ())))
    return {card_id: (tuple(kinds[card_id]), tuple(fields[card_id])) for card_id in kinds}


def _put_back(session: Session, run: SyncRun, lines: Sequence[UndoLine], actor: Actor, now: datetime) -> None:
    ids = [line.card_id for line in lines]
    theirs = select(CardBefore.appointment_id, CardBefore.before).where(
        CardBefore.run_id == run.id, CardBefore.appointment_id.in_(ids)
    )
    kept = {row.appointment_id: row.before for row in session.execute(theirs)}
    back = [line for line in lines if not line.goes]
    days = before_runs.put_back(session, {line.card_id: kept[line.card_id] for line in back}, now)
    days |= before_runs.take_away(session, [line.card_id for line in lines if line.goes])
    told = [
        {"appointment_id": line.card_id, "kind": KIND, "data": {"fields": list(line.fields)}} for line in back
    ]
    timeline.record(session, told, "staff", now, actor=actor.name)
    before_runs.forget(session, run.id, [line.card_id for line in back])
    versions.bump(session, days, now)


def _make_older(session: Session, run: SyncRun) -> None:
    """The lists this run was the last to read are as old as before it, and the next run compares every card again."""
    fresh, scope = ScopeFreshness, SyncScope
    session.execute(
        update(fresh)
        .where(fresh.connection_id == run.pms_connection_id)
        .values(read_state=None)
        .execution_options(synchronize_session=False)
    )
    stands = scope.run_id.in_(select(SyncRun.id).where(SyncRun.undone.is_(None)))
    lists = session.scalars(select(scope).where(scope.run_id == run.id, scope.outcome == "complete")).all()
    for read in lists:
        same = (
            scope.connection_id == run.pms_connection_id,
            scope.date == read.date,
            scope.pms_practitioner_id.is_not_distinct_from(read.pms_practitioner_id),
            scope.outcome == "complete",
            stands,
        )
        if session.scalar(select(scope.id).where(*same, scope.run_id > run.id).limit(1)) is not None:
            continue
        earlier = session.scalar(select(func.max(scope.checked_at)).where(*same, scope.run_id < run.id))
        row = session.scalar(
            select(fresh).where(
                fresh.connection_id == run.pms_connection_id,
                fresh.date == read.date,
                fresh.pms_practitioner_id == (read.pms_practitioner_id or ""),
            )
        )
        if row is not None and earlier is None:
            session.delete(row)
        elif row is not None and earlier is not None:
            row.as_of = min(row.as_of, earlier)
    session.flush()
