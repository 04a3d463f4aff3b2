"""How cards stood before a run changed them, kept for a day, and putting them back. No decisions about which.

What is kept is the PMS's side and the card's place. Notes, state, checks and whatever else staff did stay on the card
and are never part of it; of what staff typed over the PMS only whether it stands or conflicts is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, insert, literal, select, update
from sqlalchemy.orm import Session

from pmsapp.models import CardBefore, Decision, PatientRead
from pmsapp.models.bulk import among
from pmsapp.models.column_types import from_json
from pmsapp.models.upsert import table_of
from pmsapp.services.sheet import questions, versions
from pmsapp.services.sheet.stored_cards import CARDS, IN_FORCE, OVERRIDES
from pmsapp.services.sheet.timeline import EVENTS

KEPT_FOR = timedelta(hours=24)
_BEFORE = table_of(CardBefore)
# What no run writes: the card's key, its versions, and what is staff's alone.
_STAYS = frozenset(
    {
        "id",
        "pms_connection_id",
        "pms_appointment_id",
        "pms_patient_id",
        "removed_at",
        "removed_by",
        "removed_reason",
        "taken_over_at",
        "notes",
        "state",
        "state_since",
        "waiting_since",
        "attempts",
        "identity_check",
        "claimed_key",
        "claimed_by",
        "claimed_at",
        "row_version",
        "created_at",
        "updated_at",
    }
)
_COLUMNS = tuple(column for column in CARDS.columns if column.name not in _STAYS)
_SHOWN = ("date", "clinician_id", "appointment_ids", "field", "ours", "theirs", "marker")


@contextmanager
def keeping(session: Session, run_id: int | None, card_ids: Collection[int], now: datetime) -> Iterator[None]:
    """Keep how these cards stand, where the block changes them, for the undoing of this run.

    What the run found first counts, however often it writes a card. Without a run nothing is kept.
    """
    if run_id is None or not card_ids:
        yield
        return
    session.flush()
    images = _images(session, card_ids)
    yield
    session.flush()
    after = _row_versions(session, list(images))
    theirs = select(_BEFORE.c.appointment_id, _BEFORE.c.row_version).where(
        _BEFORE.c.run_id == run_id, among(session, _BEFORE.c.appointment_id, list(images))
    )
    known = {row.appointment_id: row.row_version for row in session.execute(theirs)}
    fresh = []
    for card_id, (version, image) in images.items():
        if after.get(card_id) in (None, version):
            continue
        if card_id not in known:
            fresh.append({"appointment_id": card_id, "before": image, "row_version": after[card_id]})
        elif known[card_id] == version:
            session.execute(
                update(_BEFORE)
                .where(_BEFORE.c.run_id == run_id, _BEFORE.c.appointment_id == card_id)
                .values(row_version=after[card_id])
            )
    if fresh:
        session.execute(insert(_BEFORE), [row | {"run_id": run_id, "at": now} for row in fresh])


def keep_created(session: Session, run_id: int | None, now: datetime) -> None:
    """Keep that this run made the cards whose timelines say so."""
    if run_id is None:
        return
    made = select(
        literal(run_id), EVENTS.c.appointment_id, literal(1), literal(now, CARDS.c.created_at.type)
    ).where(
        EVENTS.c.run_id == run_id,
        EVENTS.c.kind == "created",
        ~exists().where(_BEFORE.c.run_id == run_id, _BEFORE.c.appointment_id == EVENTS.c.appointment_id),
    )
    session.execute(insert(_BEFORE).from_select(["run_id", "appointment_id", "row_version", "at"], made))


def forget(session: Session, run_id: int, card_ids: Collection[int]) -> None:
    """These cards of the run are put back; nothing of them is kept any more."""
    session.execute(
        delete(_BEFORE).where(
            _BEFORE.c.run_id == run_id, among(session, _BEFORE.c.appointment_id, list(card_ids))
        )
    )


def put_back(session: Session, images: Mapping[int, Mapping[str, Any]], now: datetime) -> set[date]:
    """Write cards as they were, their edits' standing and their questions too. Returns the days whose sheet changed.

    Their patients are asked for anew by the next run, where the vendor has to be asked for each.
    """
    days = versions.days_of(session, images)
    for card_id, image in images.items():
        values = {
            column.name: from_json(column.type, image["card"][column.name])
            for column in _COLUMNS
            if column.name in image["card"]
        }
        session.execute(
            update(CARDS)
            .where(CARDS.c.id == card_id)
            .values(**values, row_version=CARDS.c.row_version + 1, updated_at=now)
        )
        _still_untouched(session, card_id, image["row_version"])
        for override_id, state in image["overrides"].items():
            session.execute(
                update(OVERRIDES)
                .where(OVERRIDES.c.id == int(override_id), OVERRIDES.c.state != "dropped")
                .values(state=state)
            )
    asked = {key: shown for image in images.values() for key, shown in image["questions"].items()}
    _ask_again(session, {int(key): shown for key, shown in asked.items()}, now)
    reads = table_of(PatientRead)
    session.execute(delete(reads).where(among(session, reads.c.appointment_id, list(images))))
    return days | versions.days_of(session, images)


def take_away(session: Session, card_ids: Collection[int]) -> set[date]:
    """Delete cards that the run made, with their timelines. Returns the days whose sheet changed."""
    if not card_ids:
        return set()
    days = versions.days_of(session, card_ids)
    session.execute(delete(CARDS).where(among(session, CARDS.c.id, list(card_ids))))
    return days


def _images(session: Session, card_ids: Collection[int]) -> dict[int, tuple[int, dict[str, Any]]]:
    wanted = list(card_ids)
    rows = session.execute(
        select(CARDS.c.id, CARDS.c.row_version, *_COLUMNS).where(among(session, CARDS.c.id, wanted))
    ).all()
    images: dict[int, tuple[int, dict[str, Any]]] = {}
    for row in rows:
        card = {column.name: _plain(row._mapping[column.name]) for column in _COLUMNS}
        image = {"card": card, "row_version": row.row_version, "overrides": {}, "questions": {}}
        images[row.id] = (row.row_version, image)
    typed = select(OVERRIDES.c.id, OVERRIDES.c.appointment_id, OVERRIDES.c.state).where(
        among(session, OVERRIDES.c.appointment_id, wanted), OVERRIDES.c.state.in_(IN_FORCE)
    )
    for override in session.execute(typed):
        images[override.appointment_id][1]["overrides"][str(override.id)] = override.state
    for question in session.scalars(select(Decision).where(Decision.state == "open")):
        shown = {name: _plain(getattr(question, name)) for name in _SHOWN}
        for card_id in question.appointment_ids or ():
            if card_id in images:
                images[card_id][1]["questions"][str(question.id)] = shown
    return images


def _still_untouched(session: Session, card_id: int, before: int) -> None:
    """A run before this one was the last to write the card then, so it can be undone now as it could then."""
    now = select(CARDS.c.row_version).where(CARDS.c.id == card_id).scalar_subquery()
    session.execute(
        update(_BEFORE)
        .where(_BEFORE.c.appointment_id == card_id, _BEFORE.c.row_version == before)
        .values(row_version=now)
    )


def _ask_again(session: Session, asked: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    """Questions that were open before the run and that nobody has answered are open again, about what they were."""
    for question_id, shown in asked.items():
        row = session.get(Decision, question_id)
        if row is None or row.state == "decided" or row.choice is not None:
            continue
        if row.state != "open":
            questions.lapse(session, [row.subject], now)
        row.state, row.decided_at = "open", None
        for name in _SHOWN:
            value = shown[name]
            setattr(row, name, date.fromisoformat(value) if name == "date" and value else value)
        session.flush()


def _row_versions(session: Session, card_ids: list[int]) -> dict[int, int]:
    rows = session.execute(
        select(CARDS.c.id, CARDS.c.row_version).where(among(session, CARDS.c.id, card_ids))
    )
    return {row.id: row.row_version for row in rows}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
