"""Ask the PMS about one appointment now: a card somebody doubts, or a record that was kept aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence, UnifiedAppointment
from pmsapp.domain.errors import NotFoundError, RetryLaterError
from pmsapp.domain.runsheet import Card
from pmsapp.domain.sync.reconcile import Change
from pmsapp.domain.window import day_of
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection, Quarantine, RunSheetAppointment
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.scopes import duplicates, known_patients, rebooked
from pmsapp.services.scopes.context import ReadTarget, RunContext
from pmsapp.services.scopes.plan import plan_pairs
from pmsapp.services.scopes.reading import INCOMPLETE, ScopeRead
from pmsapp.services.scopes.record import take_back
from pmsapp.services.scopes.vanished import GONE_REASON, LEFT_REASON
from pmsapp.services.scopes.write import Writer, take_off, write_plan
from pmsapp.services.sheet import days, versions
from pmsapp.services.sheet.placement import load_rules
from pmsapp.services.sync import unlisted
from pmsapp.services.vendors import adapters as vendor_adapters

ANSWER_WITHIN_S = 1.8


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """A record kept aside: why, and its shape without values."""

    id: int
    connection_id: int
    pms_appointment_id: str | None
    date: date | None
    reason: str
    shape: str
    first_seen_at: datetime
    last_seen_at: datetime


def recheck_card(card_id: int, actor: Actor) -> Card:
    """Read one card's appointment again and apply what the PMS says. Answers within two seconds.

    Raises NotFound, Conflict MANUAL-CARD for a card without a PMS, and the PMSError family when it cannot be asked.
    """
    card = days.get_card(card_id, actor)
    if card.pms_connection_id is None or card.pms_appointment_id is None:
        raise Conflict(
            "MANUAL-CARD", "This card was added by hand; there is nothing to ask the practice software."
        )
    found = _ask(card.pms_connection_id, card.pms_appointment_id)
    pairs, now = found.pairs, clock.now()
    with writing() as session:
        writer = Writer(session, key_ring(), card.pms_connection_id, None, now)
        days_changed = _apply(session, writer, found)
        named = {pair.patient.external_id for pair in pairs if pair.patient}
        presence = session.scalar(
            select(RunSheetAppointment.presence).where(RunSheetAppointment.id == card_id)
        )
        if (card.pms_patient_id or "") not in named and presence == Presence.ON_SHEET:
            reason, change = (LEFT_REASON, Change.LEFT) if pairs else (GONE_REASON, Change.DELETED)
            days_changed |= take_off(writer, [card_id], Presence.DELETED, reason, change)
            pms_date = session.scalar(
                select(RunSheetAppointment.pms_date).where(RunSheetAppointment.id == card_id)
            )
            gone = {(card.pms_patient_id or "", pms_date)} if pms_date else set()
            days_changed |= rebooked.link(session, rebooked.find(session, card.pms_connection_id, gone), now)
        versions.bump(session, days_changed, now)
        audit.record(session, actor, "card.recheck", f"card:{card_id}")
    return days.get_card(card_id)


def list_quarantined(connection_id: int | None = None) -> list[QuarantineView]:
    """What is kept aside, newest first."""
    query = select(Quarantine).where(Quarantine.resolved_at.is_(None))
    if connection_id is not None:
        query = query.where(Quarantine.connection_id == connection_id)
    with reading() as session:
        return [
            _view(row) for row in session.scalars(query.order_by(Quarantine.last_seen_at.desc()).limit(200))
        ]


def retry_quarantined(quarantine_id: int, actor: Actor) -> bool:
    """Read one kept-aside record again. True when it was understood this time (or is gone at the PMS).

    Raises NotFound, Conflict NO-ID when the record had no id to ask for, and the PMSError family.
    """
    with reading() as session:
        row = session.get(Quarantine, quarantine_id)
    if row is None or row.resolved_at is not None:
        raise NotFound("record")
    if row.pms_appointment_id is None:
        raise Conflict("NO-ID", "The record had no id; the next update reads the whole list again.")
    found = _ask(row.connection_id, row.pms_appointment_id)
    now = clock.now()
    with writing() as session:
        writer = Writer(session, key_ring(), row.connection_id, None, now)
        versions.bump(session, _apply(session, writer, found), now)
        take_back(session, row.connection_id, {row.pms_appointment_id}, now)
        audit.record(session, actor, "quarantine.retry", f"quarantine:{quarantine_id}")
    return True


@dataclass(frozen=True, slots=True)
class _Found:
    """An appointment asked for by id: its pairs (none: it is gone), and whom they name that nobody knows."""

    pairs: list[UnifiedAppointment]
    met: unlisted.Unlisted
    lists: unlisted.Lists


def _ask(connection_id: int, appointment_id: str) -> _Found:
    """Network only."""
    met = unlisted.Unlisted()
    adapter = vendor_adapters.adapter_for(connection_id, deadline=Deadline(ANSWER_WITHIN_S))
    try:
        pairs = adapter.get_appointment(appointment_id)
        with reading() as session:
            met.meet(pairs, load_rules(session, connection_id))
        return _Found(pairs, met, unlisted.fetch(adapter, met))
    except NotFoundError:
        return _Found([], met, unlisted.Lists())
    except RetryLaterError as error:
        if error.code == "RUN-DEADLINE":  # that is about updates; here nobody waits for longer
            raise RetryLaterError("PMS-SLOW", pms=error.pms) from error
        raise
    finally:
        adapter.client.close()


def _apply(session: Session, writer: Writer, found: _Found) -> set[date]:
    pairs = found.pairs
    if not pairs:
        return set()
    unlisted.ask_about(session, writer.connection_id, found.met, found.lists, writer.now)
    rules = load_rules(session, writer.connection_id)
    connection = session.get_one(PMSConnection, writer.connection_id)
    context = RunContext(
        run_id=0, connection_id=connection.id, pms_type=connection.pms_type, rules=rules, targets=(), days=()
    )
    first = pairs[0]
    target = ReadTarget(first.practitioner_external_id, None, None)
    read = ScopeRead(target, day_of(first.start_at, rules.zone), INCOMPLETE, writer.now, pairs=pairs)
    plan = plan_pairs(session, writer.ring, context, read)
    changed = write_plan(writer, plan)
    if known_patients.are_asked_for(connection.pms_type):
        known_patients.note_read(session, connection.id, pairs, writer.now)
    duplicates.suggest_duplicates(writer, plan.sorted.creates)
    return changed


def _view(row: Quarantine) -> QuarantineView:
    return QuarantineView(
        id=row.id,
        connection_id=row.connection_id,
        pms_appointment_id=row.pms_appointment_id,
        date=row.date,
        reason=row.reason,
        shape=row.shape,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
    )
