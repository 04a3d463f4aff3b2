"""The run sheet of a day, as everybody reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import (
    NOT_SHOWN,
    Card,
    Column,
    Freshness,
    Sheet,
    Thresholds,
    Undecided,
    arrange,
    in_time_order,
    stays_in_view,
)
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.domain.sync_state import MappedList, freshness_of, next_ageing
from pmsapp.domain.window import day_of, day_start
from pmsapp.domain.worklist.patients import PatientOfDay, similar_names
from pmsapp.extensions import key_ring
from pmsapp.models import RunSheetClinician
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic, opening_hours, snapshot
from pmsapp.services.clinic.snapshot import UNASSIGNED, Feed, Snapshot
from pmsapp.services.sheet import etag
from pmsapp.services.sheet.cards import load_cards, may_see
from pmsapp.services.sheet.questions import practitioner_subject
from pmsapp.services.sheet.stored_cards import CARDS, IN_FORCE, OVERRIDES

_FOR_EVER = 0


@dataclass(frozen=True, slots=True)
class DayRead:
    """A sheet and the snapshot it was read in, in one view of the database."""

    sheet: Sheet
    snapshot: Snapshot


def get_sheet(day: date, *, include_not_shown: bool = False, clinician_id: int | None = None) -> Sheet:
    """One day. `clinician_id` narrows it to that column (a clinician sees their own)."""
    return read_day(day, include_not_shown=include_not_shown, clinician_id=clinician_id).sheet


def read_day(
    day: date | None = None,
    *,
    include_not_shown: bool = False,
    clinician_id: int | None = None,
    viewer: Actor | None = None,
) -> DayRead:
    """One day (None: the clinic's today) and how everything stands; `viewer`: for whom changes are marked.

    Four statements, whatever the number of cards, clinicians and connections.
    """
    now = clock.now()
    with reading() as session:
        loaded = snapshot.load(session, now, day=day)
        day = day or day_of(now, loaded.clinic.time_zone)
        stamp = etag.read(session, day)
        cards = _cautioned(_cards_of(session, stamp.sheet_id, day, viewer))
        ages = _Ages(loaded, day, now)
        heads = _heads(session, cards, ages, day)
    if clinician_id is not None:
        heads = [head for head in heads if head.id == clinician_id]
        cards = [card for card in cards if card.clinician_id == clinician_id]
    sheet_cards = [card for card in cards if card.date == day]
    shown = [card for card in sheet_cards if stays_in_view(card)]
    hidden = [card for card in sheet_cards if card.presence in NOT_SHOWN and not stays_in_view(card)]
    moved = [card for card in cards if card.date != day]
    acknowledged = [card for card in sheet_cards if card.is_gone and card.acknowledged_at is not None]
    columns, unassigned = arrange(shown, [(head.id, head.name, head.freshness) for head in heads])
    columns = tuple(replace(head, cards=column.cards) for head, column in zip(heads, columns, strict=True))
    sheet = Sheet(
        date=day,
        time_zone=loaded.clinic.time_zone,
        version=stamp.version,
        freshness=ages.whole(),
        columns=columns,
        unassigned=unassigned if clinician_id is None else (),
        not_shown=_not_shown_counts(hidden, moved),
        not_shown_cards=in_time_order([*hidden, *moved]) if include_not_shown else None,
        etag=stamp.mark,
        ages_next=ages.next,
        in_person_not_shown=ages.not_shown,
        undecided=ages.undecided,
        open_decisions=stamp.open_decisions,
        questions=stamp.questions,
        acknowledged=in_time_order(acknowledged),
        connections=_names_of(loaded),
    )
    return DayRead(sheet, loaded)


def get_card(card_id: int, actor: Actor | None = None) -> Card:
    """One card whatever its presence, marked for the one asking. Raises NotFound, also when it is not theirs to see."""
    with reading() as session:
        found = load_cards(session, key_ring(), [CARDS.c.id == card_id], viewer=actor)
        if not found or (actor is not None and not may_see(actor, found[0])):
            raise NotFound("appointment")
        card = found[0]
        if card.presence is not Presence.ON_SHEET or card.identity_check is not None:
            return card
        others = similar_names(_patients_beside(session, card))
    return replace(card, similar_names=others.get(card.id, ()))


def _patients_beside(session: Session, card: Card) -> list[PatientOfDay]:
    """The patients on the sheet of a card's day, under the names that show."""
    typed = and_(
        OVERRIDES.c.appointment_id == CARDS.c.id,
        OVERRIDES.c.field == "patient_name",
        OVERRIDES.c.state.in_(IN_FORCE),
    )
    own_sheet = select(CARDS.c.run_sheet_id).where(CARDS.c.id == card.id).scalar_subquery()
    rows = session.execute(
        select(
            CARDS.c.id,
            CARDS.c.patient_name,
            CARDS.c.patient_dob,
            CARDS.c.pms_connection_id,
            CARDS.c.pms_patient_id,
            OVERRIDES.c.value,
        )
        .select_from(CARDS.outerjoin(OVERRIDES, typed))
        .where(CARDS.c.run_sheet_id == own_sheet, CARDS.c.presence == Presence.ON_SHEET.value)
    )
    return [
        PatientOfDay(
            row.id,
            row.value or row.patient_name,
            row.patient_dob,
            (row.pms_connection_id, row.pms_patient_id) if row.pms_patient_id else None,
        )
        for row in rows
    ]


def _cautioned(cards: Sequence[Card]) -> list[Card]:
    """Cards whose patient is easily taken for another of the day say so until the identity was checked."""
    standing = [
        PatientOfDay(
            card.id,
            card.patient_name,
            card.patient_dob,
            (card.pms_connection_id, card.pms_patient_id) if card.pms_patient_id else None,
        )
        for card in cards
        if card.presence is Presence.ON_SHEET
    ]
    similar = similar_names(standing)
    return [
        replace(card, similar_names=similar[card.id])
        if card.id in similar and card.identity_check is None
        else card
        for card in cards
    ]


def sheet_etag(day: date) -> str:
    """The sheet's `etag` as it is now, in one statement."""
    with reading() as session:
        return etag.read(session, day).mark


def tag_of(sheet: Sheet) -> str:
    """What a program keeps beside a sheet, to ask later whether it still holds."""
    until = int(sheet.ages_next.timestamp()) if sheet.ages_next else _FOR_EVER
    return f"{sheet.date:%Y%m%d}.{until}.{sheet.etag}"


def is_current(tag: str, day: date | None) -> bool:
    """True while the sheet of `day` (None: the clinic's today) is the one with this tag. One statement for a day."""
    parts = tag.split(".")
    if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit()):
        return False
    until = int(parts[1])
    if until != _FOR_EVER and clock.now().timestamp() >= until:
        return False
    with reading() as session:
        wanted = day or clinic.today(session)
        return parts[0] == f"{wanted:%Y%m%d}" and etag.read(session, wanted).mark == parts[2]


def _cards_of(session: Session, sheet_id: int | None, day: date, viewer: Actor | None) -> list[Card]:
    """Cards shown on the day, and those that moved away from it: in the PMS, or because staff typed another start."""
    typed = select(OVERRIDES.c.appointment_id).where(
        OVERRIDES.c.field == "start_at", OVERRIDES.c.state.in_(IN_FORCE)
    )
    here = or_(CARDS.c.moved_from_date == day, and_(CARDS.c.id.in_(typed), CARDS.c.pms_date == day))
    where = or_(CARDS.c.run_sheet_id == sheet_id, here) if sheet_id else here
    return load_cards(session, key_ring(), [where], viewer=viewer)


def _heads(session: Session, cards: Iterable[Card], ages: _Ages, day: date) -> list[Column]:
    """Active columns in their order, and inactive ones that still have cards; the cards come later."""
    used = {card.clinician_id for card in cards}
    rows = session.scalars(
        select(RunSheetClinician).order_by(
            RunSheetClinician.sort_order, RunSheetClinician.name, RunSheetClinician.id
        )
    )
    return [
        Column(
            row.id,
            row.name,
            ages.of(row.id),
            (),
            row.running_late_minutes if row.running_late_on == day else 0,
            Thresholds(row.notice_after_minutes, row.warn_after_minutes, row.urgent_after_minutes),
        )
        for row in rows
        if row.active or row.id in used
    ]


def _not_shown_counts(hidden: Sequence[Card], moved: Sequence[Card]) -> dict[str, int]:
    counts = Counter(card.presence for card in hidden)
    return {
        "moved": len(moved),
        "filtered": counts[Presence.FILTERED],
        "unmapped": counts[Presence.UNMAPPED],
        "removed_by_staff": counts[Presence.REMOVED_BY_STAFF],
    }


class _Ages:
    """How old each list of the day is, by the column it fills. A day that is over no longer ages.

    `next`: when any of it may age next.
    """

    def __init__(self, loaded: Snapshot, day: date, now: datetime) -> None:
        self._hours = opening_hours.hours_of(loaded.clinic, now)
        self._now, self._over = now, day_start(day + timedelta(days=1), self._hours.zone)
        self._lists = [listed for source in loaded.connections for listed in source.lists(day)]
        self.next = next_ageing(self._lists, now, self._hours) if now < self._over else None
        feeds = [
            (source, feed) for source in loaded.connections for feed in source.feeds if day in feed.readings
        ]
        self.not_shown = sum(feed.readings[day].not_shown for _, feed in feeds if _is_shown(feed))
        self.undecided = tuple(
            Undecided(
                feed.name or feed.practitioner_id,
                feed.readings[day].fetched,
                practitioner_subject(source.row.id, feed.practitioner_id),
            )
            for source, feed in feeds
            if feed.decision is MappingDecision.UNDECIDED and feed.readings[day].fetched
        )

    def of(self, clinician_id: int) -> Freshness:
        """A column's age; NONE when no list fills it."""
        own = [listed for listed in self._lists if listed.clinician_id == clinician_id]
        return self._fold(own, of_column=True)

    def whole(self) -> Freshness:
        """The sheet's age."""
        return self._fold(self._lists)

    def _fold(self, lists: Sequence[MappedList], *, of_column: bool = False) -> Freshness:
        return freshness_of(lists, self._now, self._hours, over=self._over, of_column=of_column)


def _names_of(loaded: Snapshot) -> tuple[str, ...]:
    """What the sheet is read from; connections in set-up only where there is no other."""
    in_use = tuple(source.row.display_name for source in loaded.connections if not source.in_setup)
    return in_use or tuple(source.row.display_name for source in loaded.connections)


def _is_shown(feed: Feed) -> bool:
    return feed.decision is MappingDecision.MAPPED or feed.practitioner_id == UNASSIGNED
