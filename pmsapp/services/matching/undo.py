"""Undoing a change of matches or types within a day: the same decisions, and the same sheet at once.

Cards go back where they stood, with what staff typed, chose and noted before and since. What the practice software
said since stays said; an update that follows at once reads the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.compare import same_meaning
from pmsapp.domain.sync.merge import Override, OverrideState, as_stored, merge
from pmsapp.domain.sync.rules import Rules
from pmsapp.domain.sync.values import digest
from pmsapp.domain.sync_state import is_paused
from pmsapp.domain.window import instant_of
from pmsapp.extensions import key_ring
from pmsapp.models import (
    Decision,
    MatchingChange,
    PMSClinicianMapping,
    PMSConnection,
    RunSheetClinician,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections.rows import get_row
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sheet import matching_changes, placement, questions, timeline, versions
from pmsapp.services.sheet.matching_changes import DECIDED_FIELDS, PRACTITIONERS
from pmsapp.services.sheet.placement import load_rules, placement_of_row, words_of
from pmsapp.services.sheet.stored_cards import CARDS, IN_FORCE, OVERRIDES, chunks, pms_values

UNDONE = "matching_undone"
# Where a change of matches or types alone can have put a card.
_BY_DECISION = (Presence.ON_SHEET.value, Presence.FILTERED.value, Presence.UNMAPPED.value)


@dataclass(frozen=True, slots=True)
class Subject:
    """One practitioner or type of a change: what was decided, and what is since. A column by its name."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Undoable:
    """A change that can be undone until `until`; `why_not`: what has come in between, in words."""

    id: int
    what: str
    subjects: tuple[Subject, ...]
    by: str
    at: datetime
    until: datetime
    why_not: str | None = None


def list_undoable(connection_id: int) -> list[Undoable]:
    """The changes of the last day that were not undone, the latest first."""
    now = clock.now()
    with reading() as session:
        changes = session.scalars(
            select(MatchingChange)
            .where(
                MatchingChange.connection_id == connection_id,
                MatchingChange.expires_at > now,
                MatchingChange.undone_at.is_(None),
            )
            .order_by(MatchingChange.at.desc(), MatchingChange.id.desc())
        ).all()
        listed = session.execute(select(RunSheetClinician.id, RunSheetClinician.name)).all()
        columns: dict[int, str] = {row.id: row.name for row in listed}
        return [
            Undoable(
                change.id,
                change.what,
                tuple(
                    Subject(
                        subject["name"], _said(subject["before"], columns), _said(subject["after"], columns)
                    )
                    for subject in change.kept["subjects"].values()
                ),
                change.by,
                change.at,
                change.expires_at,
                _why_not(session, change),
            )
            for change in changes
        ]


def undo(connection_id: int, change_id: int, actor: Actor) -> None:
    """Take a change back. Raises NotFound once its day is over, and Conflict CANNOT-UNDO with what is in the way."""
    now = clock.now()
    with writing() as session:
        connection = get_row(session, connection_id, lock=True)
        change = session.get(MatchingChange, change_id)
        if change is None or change.connection_id != connection_id or change.expires_at <= now:
            raise NotFound("change")
        if change.undone_at is not None:
            raise Conflict("CANNOT-UNDO", f"{change.undone_by or 'Somebody'} has undone this already.")
        why_not = _why_not(session, change)
        if why_not is not None:
            raise Conflict("CANNOT-UNDO", why_not)
        put_back(session, connection, change, actor, now)
        change.undone_by, change.undone_at = actor.name, now
        audit.record(
            session,
            actor,
            "connection.matching_undone",
            f"connection:{connection_id}",
            {"change": change.id, "what": change.what},
        )
        reads_on = connection.sync_enabled and not is_paused(connection.paused_until, now)
    if reads_on:
        run_requests.start(connection_id, actor)


def put_back(
    session: Session, connection: PMSConnection, change: MatchingChange, actor: Actor, now: datetime
) -> None:
    """The decisions as they were, the cards where they stood, the questions open again."""
    subjects: dict[str, dict[str, Any]] = change.kept["subjects"]
    for key, row in matching_changes.rows(session, connection.id, change.what, subjects).items():
        for name, value in subjects[key]["before"].items():
            setattr(row, name, instant_of(value) if name == "decided_at" else value)
    session.flush()
    _switch_off(session, change.kept["made_columns"])
    connection.config_version += 1
    connection.updated_at = now
    _reopen(session, change)
    session.flush()
    _put_cards_back(session, connection.id, change, actor, now)


def _why_not(session: Session, change: MatchingChange) -> str | None:
    """What has come in between, naming it; None when the change is as it was left."""
    subjects: dict[str, dict[str, Any]] = change.kept["subjects"]
    known = matching_changes.decided(session, change.connection_id, change.what, subjects)
    for key, subject in subjects.items():
        if key not in known:
            return f"{subject['name']} is no longer known here, so there is nothing to put back."
        if not matching_changes.same(known[key]["decided"], subject["after"]):
            by = known[key]["decided"].get("decided_by")
            return f"{known[key]['name']} was decided about again since{f', by {by}' if by else ''}. Undo that first, or change it by hand."
    return None


def _said(decided: Mapping[str, Any], columns: Mapping[int, str]) -> str:
    """What was decided, in words: "column Dr Lee", "not shown", "telehealth"."""
    if "decision" in decided:
        column = columns.get(decided["run_sheet_clinician_id"] or 0)
        return (
            f"column {column}" if column else {"ignored": "not shown"}.get(decided["decision"], "undecided")
        )
    mark = {True: "telehealth", False: "not telehealth", None: "as the practice software says"}
    return mark[decided["is_telehealth"]] if decided["sync_enabled"] else "not on the sheet"


def _switch_off(session: Session, column_ids: list[int]) -> None:
    """A column that the change made goes with it, unless somebody else stands in it by now."""
    for column_id in column_ids:
        taken = session.scalar(
            select(PMSClinicianMapping.id)
            .where(PMSClinicianMapping.run_sheet_clinician_id == column_id)
            .limit(1)
        )
        column = session.get(RunSheetClinician, column_id)
        if column is not None and taken is None:
            column.active = False


def _reopen(session: Session, change: MatchingChange) -> None:
    """What the change answered is asked again; what settled itself since is found out by the next update."""
    for row in session.scalars(select(Decision).where(Decision.id.in_(change.kept["answered"]))).all():
        again = select(Decision.id).where(Decision.subject == row.subject, Decision.state == "open")
        if row.state == "decided" and session.scalar(again) is None:
            row.state, row.choice, row.undo = "open", None, None
            row.decided_by = row.decided_at = None
            session.flush()


def _put_cards_back(
    session: Session, connection_id: int, change: MatchingChange, actor: Actor, now: datetime
) -> None:
    rules = load_rules(session, connection_id)
    stood = {card["id"]: card for card in change.kept["cards"]}
    ids = matching_changes.card_ids(session, connection_id, change.what, change.kept["subjects"])
    touched: list[int] = []
    for part in chunks(ids):
        edits = _edits(session, part)
        for row in session.execute(select(CARDS).where(CARDS.c.id.in_(part)).with_for_update()).all():
            before = stood.get(row.id)
            columns = _columns(rules, change.what, row, before, now)
            moved = _put_edits_back(session, edits.get(row.id, []), row, columns, before, now)
            if not columns and not moved:
                continue
            touched.append(row.id)
            values = pms_values(row, key_ring())._replace(
                **{name: columns[name] for name in DECIDED_FIELDS if name in columns}
            )
            session.execute(
                update(CARDS)
                .where(CARDS.c.id == row.id)
                .values(
                    **columns,
                    pms_digest=digest(values) if row.pms_digest is not None else None,
                    row_version=CARDS.c.row_version + 1,
                    updated_at=now,
                )
            )
            if columns.get("presence") == Presence.HELD.value:
                _ask_again_who(session, row.id, change.at)
    lines = [{"appointment_id": card_id, "kind": UNDONE, "data": None} for card_id in touched]
    timeline.record(session, lines, "staff", now, actor=actor.name)
    session.expire_all()
    versions.bump(session, versions.days_of(session, touched), now)


def _columns(
    rules: Rules, what: str, row: Any, before: Mapping[str, Any] | None, now: datetime
) -> dict[str, Any]:
    """What has to be written so that a card stands where the restored decisions put it, as it stood before."""
    found: dict[str, Any] = {}
    if what == PRACTITIONERS:
        found["clinician_id"] = rules.practitioners.get(row.pms_practitioner_id or "", (None, None))[1]
        is_telehealth = row.is_telehealth
    else:
        rule = rules.types.get(row.pms_type_id or "")
        decision = rule.decision if rule else None
        # What the practice software says of a visit that came since, only the update that follows can tell.
        flag = rule.pms_is_telehealth if rule else None
        told_before = before["is_telehealth"] if before else flag
        is_telehealth = told_before if decision is None else decision
        found["is_telehealth"] = is_telehealth
    if row.presence in _BY_DECISION:
        found |= _place(rules, row, is_telehealth, before, now)
    return {name: value for name, value in found.items() if value != row._mapping[name]}


def _place(
    rules: Rules, row: Any, is_telehealth: bool | None, before: Mapping[str, Any] | None, now: datetime
) -> dict[str, Any]:
    verdict = placement_of_row(rules, row, is_telehealth)
    presence = verdict.presence.value
    if before is not None and before["presence"] not in (*_BY_DECISION, Presence.REMOVED_BY_STAFF.value):
        presence = before["presence"]  # it had left by another cause, which still holds
    if before is not None and presence == before["presence"]:
        return {**placement.columns_as_kept(before), "kept_digest": before["kept_digest"]}
    if presence == row.presence:
        return {}
    return {
        "presence": presence,
        **placement.reason_columns(words_of(verdict), now),
        "acknowledged_at": None,
        "acknowledged_by": None,
    }


def _edits(session: Session, card_ids: list[int]) -> dict[int, list[Any]]:
    """What staff typed into the fields that decisions shape, in force or not, by card."""
    found: dict[int, list[Any]] = {}
    query = select(OVERRIDES).where(
        OVERRIDES.c.appointment_id.in_(card_ids), OVERRIDES.c.field.in_(DECIDED_FIELDS)
    )
    for edit in session.execute(query.order_by(OVERRIDES.c.id)):
        found.setdefault(edit.appointment_id, []).append(edit)
    return found


def _put_edits_back(
    session: Session,
    edits: list[Any],
    row: Any,
    columns: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    now: datetime,
) -> bool:
    """What staff typed stands over the restored value as it stood over the other one. True when anything moved."""
    kept = {edit_id: (state, base) for edit_id, state, base in (before["typed"] if before else ())}
    in_force = {edit.field for edit in edits if edit.state in IN_FORCE}
    moved = False
    for edit in edits:
        if edit.field not in columns:
            continue
        is_back = edit.state == OverrideState.AGREED.value and edit.id in kept and edit.field not in in_force
        if not is_back and edit.state not in IN_FORCE:
            continue
        shown = as_stored(row._mapping[edit.field])
        restored = as_stored(columns[edit.field])
        base = edit.base_value
        if edit.id in kept:
            base = kept[edit.id][1]
        elif same_meaning(edit.field, base, shown):
            base = restored  # typed since: over what the change had made of it
        state = OverrideState.ACTIVE if is_back else OverrideState(edit.state)
        move = merge(Override(edit.id, edit.field, edit.value, base, state), restored)
        state = move.to if move else state
        if (state.value, base) == (edit.state, edit.base_value):
            continue
        moved = True
        session.execute(
            update(OVERRIDES).where(OVERRIDES.c.id == edit.id).values(state=state.value, base_value=base)
        )
        if state is not OverrideState.CONFLICT:
            questions.lapse(session, [questions.field_subject(row.id, edit.field)], now)
    return moved


def _ask_again_who(session: Session, card_id: int, since: datetime) -> None:
    """A held card that stood off the sheet for a while: its question had settled itself meanwhile."""
    row = session.scalar(
        select(Decision)
        .where(
            Decision.subject == questions.patient_subject(card_id),
            Decision.state == "lapsed",
            Decision.decided_at >= since,
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )
    if row is not None:
        row.state, row.decided_at = "open", None
        session.flush()
