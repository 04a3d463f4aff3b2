"""A patient who could not be read costs a card nothing: what was known of them stays, and nothing is written twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pmsapp.domain.appointment import AppointmentStatus, Patient, Presence, UnifiedAppointment
from pmsapp.domain.sync.merge import Override, OverrideState
from pmsapp.domain.sync.reconcile import (
    Change,
    Incoming,
    SortedPairs,
    StoredCard,
    StoredKey,
    incoming_of,
    keep_patient,
    plan_updates,
    sort_pairs,
)
from pmsapp.domain.sync.rules import MappingDecision, Rules

ANNE = Patient("p1", "Anne Quoll", date(1984, 2, 29), "+61491570156", "anne@example.com")
UNREAD = Patient("p1", None)
RULES = Rules("Australia/Melbourne", True, {"dr": (MappingDecision.MAPPED, 7)}, {})
VISIT = UnifiedAppointment(
    external_id="a1",
    practitioner_external_id="dr",
    patient=ANNE,
    start_at=datetime(2026, 11, 22, 22, 0, tzinfo=UTC),
    duration_min=15,
    status=AppointmentStatus.BOOKED,
)


def visit(patient: Patient = ANNE, **more: Any) -> UnifiedAppointment:
    return VISIT._replace(patient=patient, **more)


def incoming(patient: Patient = ANNE, **more: Any) -> Incoming:
    return incoming_of(visit(patient, **more), RULES)


def stored(patient: Patient = ANNE, **more: Any) -> tuple[StoredKey, StoredCard]:
    """A card as an earlier read left it; `more` changes the light key."""
    read = incoming(patient)
    known = StoredKey(1, "a1", "p1", read.digest, Presence.ON_SHEET, "dr", read.values.pms_date, None)
    known = known._replace(**more)
    return known, StoredCard(1, read.values, Presence(known.presence), read.values.pms_date)


def plan(pair: UnifiedAppointment, known: StoredKey, card: StoredCard) -> tuple[SortedPairs, list[Any]]:
    pairs = sort_pairs([pair], {known.key: known}, RULES)
    return pairs, plan_updates(pairs, {card.id: card})


# What each detail becomes: read earlier, read now, shown.
DETAILS: tuple[tuple[Patient, Patient, Patient], ...] = (
    (ANNE, UNREAD, ANNE),
    (UNREAD, UNREAD, UNREAD),
    (UNREAD, ANNE, ANNE),
    (ANNE, ANNE._replace(phone=None, email=None), ANNE._replace(phone=None, email=None)),
    (ANNE, UNREAD._replace(phone="+61491570157"), ANNE._replace(phone="+61491570157")),
    (ANNE._replace(email=None), UNREAD, ANNE._replace(email=None)),
)


@pytest.mark.parametrize(("before", "now", "shown"), DETAILS)
def test_what_a_card_knows_of_a_patient(before: Patient, now: Patient, shown: Patient) -> None:
    kept = keep_patient(incoming(before).values, incoming(now))
    assert kept.values == incoming(shown).values
    assert kept.digest == incoming(shown).digest


def test_an_unread_patient_alone_changes_nothing() -> None:
    known, card = stored()
    pairs, updates = plan(visit(UNREAD), known, card)
    assert (updates, pairs.unchanged, pairs.changed) == ([], [known], [])
    assert pairs.fetched == 1


def test_what_did_change_is_written_and_the_patient_stays() -> None:
    known, card = stored()
    later = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    _, (update,) = plan(visit(UNREAD, start_at=later), known, card)
    assert update.change is Change.MOVED_TIME
    assert update.fields == ("start_at",)
    assert update.incoming.values == incoming(start_at=later).values
    assert update.incoming.digest == incoming(start_at=later).digest


def test_a_card_without_a_name_stays_as_it_is_until_there_is_one() -> None:
    known, card = stored(UNREAD)
    assert sort_pairs([visit(UNREAD)], {known.key: known}, RULES).unchanged == [known]
    _, (update,) = plan(visit(ANNE), known, card)
    assert set(update.fields) == {"patient_name", "patient_dob", "patient_phone", "patient_email"}


def test_a_new_card_of_an_unread_patient_has_no_name() -> None:
    (new,) = sort_pairs([visit(UNREAD)], {}, RULES).creates
    assert new.values.patient_name is None


@pytest.mark.parametrize("state", [OverrideState.ACTIVE, OverrideState.CONFLICT])
@pytest.mark.parametrize("field", ["patient_name", "patient_phone", "patient_email"])
def test_an_unread_patient_never_argues_with_what_staff_typed(field: str, state: OverrideState) -> None:
    known, card = stored()
    base = getattr(card.values, field) if state is OverrideState.ACTIVE else "earlier"
    typed = Override(5, field, "typed by staff", base, state)
    card = replace(card, overrides=(typed,))
    assert plan(visit(UNREAD), known, card)[1] == []
    _, (update,) = plan(visit(UNREAD, duration_min=30), known, card)
    assert [move.to for move in update.moves] == ([] if state is OverrideState.ACTIVE else [state])


@pytest.mark.parametrize(
    ("presence", "pair"),
    [
        (Presence.CANCELLED, visit(UNREAD, status=AppointmentStatus.CANCELLED)),
        (Presence.FILTERED, visit(UNREAD, telehealth_evidence=False)),
    ],
)
def test_a_card_that_leaves_keeps_its_patient(presence: Presence, pair: UnifiedAppointment) -> None:
    _, (update,) = plan(pair, *stored())
    assert update.presence is presence
    assert update.incoming.values.patient_name == "Anne Quoll"
    assert not {"patient_name", "patient_dob", "patient_phone", "patient_email"} & set(update.fields)


def test_a_card_to_be_compared_anew_is_written_with_its_patient() -> None:
    known, card = stored(digest=None)
    _, (update,) = plan(visit(UNREAD), known, card)
    assert (update.fields, update.incoming.digest) == ((), incoming().digest)


def test_a_card_removed_by_staff_stays_away_and_unwritten() -> None:
    known, card = stored(presence=Presence.REMOVED_BY_STAFF, tombstone_start_at=VISIT.start_at)
    pairs, updates = plan(visit(UNREAD), known, card)
    assert (updates, pairs.skipped.total()) == ([], 1)


def test_a_held_card_comes_back_with_its_patient() -> None:
    known, card = stored(presence=Presence.HELD)
    _, (update,) = plan(visit(UNREAD), known, card)
    assert update.change is Change.RESTORED
    assert update.incoming.values == card.values
