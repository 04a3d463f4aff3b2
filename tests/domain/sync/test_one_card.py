"""One card and what the PMS now says of it: whether it leaves the sheet, and each field staff typed over."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pmsapp.domain.appointment import Patient, Presence
from pmsapp.domain.sync.merge import OverrideState
from pmsapp.domain.sync.reconcile import incoming_of, plan_update, sort_pairs
from pmsapp.domain.sync.rules import SkipReason
from tests.domain.sync.pairs import RULES, at, card, incoming, key, pair, typed
from tests.support import tables

LEAVES = """
the card is      | it is then | it leaves the sheet
on_sheet         | cancelled  | yes
on_sheet         | filtered   | yes
on_sheet         | unmapped   | yes
on_sheet         | on_sheet   | no
held             | cancelled  | yes
held             | on_sheet   | no
filtered         | cancelled  | no
cancelled        | cancelled  | no
cancelled        | on_sheet   | no
removed_by_staff | cancelled  | no
"""


@pytest.mark.parametrize("row", tables.rows(LEAVES), ids=tables.case)
def test_only_a_card_that_stood_on_the_sheet_leaves_it(row: dict[str, str]) -> None:
    update = plan_update(card(presence=Presence(row["the card is"])), incoming())
    update = replace(update, presence=Presence(row["it is then"]))
    assert update.leaves is (row["it leaves the sheet"] == "yes")


def test_what_the_pms_says_of_a_card_removed_by_staff_is_noted_all_the_same() -> None:
    edit = typed("patient_phone", "typed", "+61491570006")
    removed = card(presence=Presence.REMOVED_BY_STAFF, tombstone_start_at=at("09:00"), overrides=(edit,))
    for said, presence in (
        ({"phone": "+61491570999", "duration_min": 30}, Presence.REMOVED_BY_STAFF),
        ({"phone": "+61491570999", "start_at": at("10:00")}, Presence.ON_SHEET),
    ):
        now = incoming(**said)
        update = plan_update(removed, now)
        assert (update.presence, update.incoming) == (presence, now)
        assert "patient_phone" in update.fields
        assert [(move.override, move.to) for move in update.moves] == [(edit, OverrideState.CONFLICT)]


def test_a_card_removed_by_staff_whose_start_then_is_not_known_stays_away() -> None:
    known = key(presence=Presence.REMOVED_BY_STAFF)
    assert sort_pairs([pair()], {known.key: known}, RULES).skipped == Counter(
        {SkipReason.REMOVED_BY_STAFF: 1}
    )
    update = plan_update(card(presence=Presence.REMOVED_BY_STAFF), incoming(start_at=at("10:00")))
    assert (update.presence, update.silent) == (Presence.REMOVED_BY_STAFF, True)


def test_a_card_by_itself_carries_no_marks_and_nothing_typed() -> None:
    assert (card().marks, card().overrides) == ({}, ())


TYPED: dict[str, tuple[Any, Any]] = {
    "patient_name": ("Ada B", "Ada"),
    "patient_phone": ("+61491570001", "+61491570006"),
    "patient_email": ("typed@example.com", None),
    "start_at": (at("11:00"), at("09:00")),
    "duration_minutes": (30, 15),
    "clinician_id": (9, 1),
    "is_telehealth": (False, True),
}
COMPARED = """
the PMS now says     | field typed over | then
another name         | patient_name     | conflict
the name typed       | patient_name     | agreed
another phone        | patient_phone    | conflict
the phone typed      | patient_phone    | agreed
an email             | patient_email    | conflict
the email typed      | patient_email    | agreed
10:00                | start_at         | conflict
11:00                | start_at         | agreed
45 minutes           | duration_minutes | conflict
30 minutes           | duration_minutes | agreed
Dr Ben               | clinician_id     | conflict
nothing of the kind  | is_telehealth    | conflict
no telehealth        | is_telehealth    | agreed
"""
ADA = Patient("ada", "Ada", phone="+61491570006")
NOW: dict[str, dict[str, Any]] = {
    "another name": {"patient": ADA._replace(name="Ada C")},
    "the name typed": {"patient": ADA._replace(name="Ada B")},
    "another phone": {"patient": ADA._replace(phone="+61491570999")},
    "the phone typed": {"patient": ADA._replace(phone="+61491570001")},
    "an email": {"patient": ADA._replace(email="ada@example.com")},
    "the email typed": {"patient": ADA._replace(email="typed@example.com")},
    "10:00": {"start_at": at("10:00")},
    "11:00": {"start_at": at("11:00")},
    "45 minutes": {"duration_min": 45},
    "30 minutes": {"duration_min": 30},
    "Dr Ben": {"practitioner_external_id": "ben"},
    "nothing of the kind": {"type_external_id": "plain"},
    "no telehealth": {"type_external_id": "rooms"},
}


@pytest.mark.parametrize("row", tables.rows(COMPARED), ids=tables.case)
def test_typed_fields_are_compared_one_by_one(row: dict[str, str]) -> None:
    """Every field of the card is typed over; only the one about which the PMS says something new moves."""
    edits = tuple(typed(field, *both) for field, both in TYPED.items())
    now = incoming_of(pair()._replace(**NOW[row["the PMS now says"]]), RULES)
    update = plan_update(card(overrides=edits), now)
    assert [(move.override.field, move.to) for move in update.moves] == [
        (row["field typed over"], row["then"])
    ]
