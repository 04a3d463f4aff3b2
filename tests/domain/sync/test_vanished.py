"""Cards that a complete list no longer shows: what a look-up says, and the brake on many at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.appointment import AppointmentStatus, UnifiedAppointment
from pmsapp.domain.sync.reconcile import StoredKey
from pmsapp.domain.sync.vanished import (
    LookupOutcome,
    VanishedPlan,
    brake_holds,
    brake_limit,
    lookup_outcome,
    plan_vanished,
)
from tests.domain.sync.pairs import ZONE, at, incoming, key, pair
from tests.support import tables

LIMITS = """
cards on the clinician-day | may go unasked
0   | 3
1   | 3
5   | 3
10  | 3
11  | 3
13  | 3
14  | 4
20  | 6
100 | 30
"""


@pytest.mark.parametrize("row", tables.rows(LIMITS), ids=tables.case)
def test_the_brake(row: dict[str, str]) -> None:
    cards, limit = (int(cell) for cell in row.values())
    assert brake_limit(cards) == limit
    for gone in (limit, limit + 1):
        fates = dict.fromkeys(range(gone), LookupOutcome.GONE)
        assert brake_holds(fates, cards) is (gone > limit)
        assert not brake_holds(fates, cards, closed_day=True)


LOOK_UPS: dict[str, list[UnifiedAppointment]] = {
    "the same, still there": [pair()],
    "another time, same day": [pair(start_at=at("17:00"))],
    "tomorrow": [pair(start_at=at("09:00", 24))],
    "Dr Ben": [pair(practitioner_external_id="ben")],
    "cancelled": [pair(status=AppointmentStatus.CANCELLED)],
    "another patient": [pair("bo")],
    "the patient and another": [pair("bo"), pair()],
    "nobody": [pair(None)],
    "nothing": [],
}
FATES = """
the PMS answers         | so the card is
the same, still there   | still_here
another time, same day  | still_here
the patient and another | still_here
tomorrow                | elsewhere
Dr Ben                  | elsewhere
cancelled               | elsewhere
another patient         | other_patient
nobody                  | other_patient
nothing                 | other_patient
"""


@pytest.mark.parametrize("row", tables.rows(FATES), ids=tables.case)
def test_what_a_look_up_says(row: dict[str, str]) -> None:
    assert lookup_outcome(key(), LOOK_UPS[row["the PMS answers"]], ZONE) == row["so the card is"]


def test_the_day_of_a_look_up_is_the_clinics() -> None:
    late = key(incoming(start_at=at("23:30")))
    assert lookup_outcome(late, [pair(start_at=at("23:45"))], ZONE) is LookupOutcome.STILL_HERE
    assert lookup_outcome(late, [pair(start_at=at("00:00", 24))], ZONE) is LookupOutcome.ELSEWHERE


# Letters: g gone, p another patient, e elsewhere, s still here, u could not be asked, - not asked.
LETTERS = {
    "g": LookupOutcome.GONE,
    "p": LookupOutcome.OTHER_PATIENT,
    "e": LookupOutcome.ELSEWHERE,
    "s": LookupOutcome.STILL_HERE,
    "u": LookupOutcome.UNKNOWN,
}
PLANS = """
looked up | cards | closed day | deleted | held | stay, in doubt | applied | scope is complete
g         | 10    | no         | 1       | 0    | 0              | 0       | yes
p         | 10    | no         | 1       | 0    | 0              | 0       | yes
ggg       | 10    | no         | 3       | 0    | 0              | 0       | yes
gggg      | 10    | no         | 0       | 4    | 0              | 0       | yes
gggp      | 10    | no         | 0       | 4    | 0              | 0       | yes
gggg      | 10    | yes        | 4       | 0    | 0              | 0       | yes
gggg.     | 10    | no         | 0       | 5    | 0              | 0       | yes
gggeee    | 10    | no         | 3       | 0    | 0              | 3       | yes
eeee      | 10    | no         | 0       | 0    | 0              | 4       | yes
gs        | 10    | no         | 0       | 0    | 1              | 1       | no
gu        | 10    | no         | 0       | 0    | 2              | 0       | no
g.        | 10    | no         | 0       | 0    | 2              | 0       | no
ggggu     | 10    | no         | 0       | 4    | 1              | 0       | no
gggg      | 20    | no         | 4       | 0    | 0              | 0       | yes
"""


@pytest.mark.parametrize("row", tables.rows(PLANS), ids=tables.case)
def test_what_becomes_of_them(row: dict[str, str]) -> None:
    vanished = [key(number=number) for number in range(len(row["looked up"]))]
    fates = {
        card.id: LETTERS[letter]
        for card, letter in zip(vanished, row["looked up"], strict=True)
        if letter != "."
    }
    plan = plan_vanished(vanished, fates, int(row["cards"]), closed_day=row["closed day"] == "yes")
    counts = [len(cards) for cards in (plan.delete, plan.hold, plan.unknown, plan.found)]
    assert counts == [int(row[name]) for name in ("deleted", "held", "stay, in doubt", "applied")]
    assert plan.is_doubtful is (row["scope is complete"] == "no")


def test_where_nothing_vanished_there_is_nothing_to_do() -> None:
    plan = plan_vanished([], {}, 10)
    assert plan == VanishedPlan()
    assert not plan.is_doubtful


def test_a_day_counts_as_open_unless_it_is_known_to_be_closed() -> None:
    vanished = [key(number=number) for number in range(4)]
    plan = plan_vanished(vanished, {card.id: LookupOutcome.GONE for card in vanished}, 10)
    assert (plan.hold, plan.delete) == (vanished, [])


@given(
    letters=st.lists(st.sampled_from("gpesu."), max_size=40),
    others=st.integers(0, 40),
    closed=st.booleans(),
)
def test_every_vanished_card_has_exactly_one_fate_and_the_brake_holds(
    letters: list[str], others: int, closed: bool
) -> None:
    vanished: list[StoredKey] = [key(number=number) for number in range(len(letters))]
    fates = {
        card.id: LETTERS[letter] for card, letter in zip(vanished, letters, strict=True) if letter != "."
    }
    on_sheet = len(vanished) + others
    plan = plan_vanished(vanished, fates, on_sheet, closed_day=closed)
    every = [*plan.delete, *plan.hold, *plan.unknown, *plan.found]
    assert sorted(card.id for card in every) == [card.id for card in vanished]
    assert closed or len(plan.delete) <= brake_limit(on_sheet)
    assert not (plan.delete and plan.is_doubtful)
    assert not (plan.delete and plan.hold)
    for card in plan.delete:
        assert fates[card.id] in (LookupOutcome.GONE, LookupOutcome.OTHER_PATIENT)
