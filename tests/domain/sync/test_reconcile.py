"""What a read means for the cards: changes, removals by staff, patients who change, and what counts as unchanged."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.appointment import AppointmentStatus, Presence
from pmsapp.domain.sync.reconcile import (
    Change,
    SortedPairs,
    StoredKey,
    incoming_of,
    newcomers,
    plan_update,
    sort_pairs,
    swapped_patients,
)
from pmsapp.domain.sync.rules import MappingDecision, Placement, SkipReason, TypeRule, values_of
from pmsapp.domain.sync.values import digest
from tests.domain.sync.pairs import RULES, at, card, incoming, key, pair, with_rules
from tests.support import tables

CHANGES = """
the card is     | the PMS now says               | it is then | in one word
on_sheet        | another phone                  | on_sheet   | changed
on_sheet        | 10:00                          | on_sheet   | moved_time
on_sheet        | tomorrow                       | on_sheet   | moved_day
on_sheet        | Dr Ben                         | on_sheet   | moved_clinician
on_sheet        | tomorrow, Dr Ben               | on_sheet   | moved_day
on_sheet        | cancelled                      | cancelled  | cancelled
on_sheet        | no_show                        | on_sheet   | changed
on_sheet        | in the rooms                   | filtered   | filtered
on_sheet        | Dr Ida, who is not shown       | unmapped   | unmapped
cancelled       | booked                         | on_sheet   | restored
deleted         | booked                         | on_sheet   | restored
deleted         | cancelled                      | cancelled  | cancelled
held            | booked                         | on_sheet   | restored
filtered        | video again                    | on_sheet   | restored
unmapped        | Dr Ben                         | on_sheet   | restored
removed_by_staff| another phone                  | removed_by_staff | changed
removed_by_staff| 10:00                          | on_sheet   | returned
removed_by_staff| 10:00, cancelled               | removed_by_staff | changed
removed_by_staff| 10:00, in the rooms            | removed_by_staff | changed
removed_by_staff| Dr Ben                         | removed_by_staff | changed
"""
SAYS: dict[str, dict[str, Any]] = {
    "another phone": {"phone": "+61491570999"},
    "10:00": {"start_at": at("10:00")},
    "tomorrow": {"start_at": at("09:00", 24)},
    "Dr Ben": {"practitioner_external_id": "ben"},
    "Dr Ida, who is not shown": {"practitioner_external_id": "ida"},
    "cancelled": {"status": AppointmentStatus.CANCELLED},
    "no_show": {"status": AppointmentStatus.NO_SHOW},
    "booked": {},
    "video again": {},
    "in the rooms": {"type_external_id": "rooms"},
}


def says(text: str) -> dict[str, Any]:
    if text in SAYS:
        return dict(SAYS[text])
    return {name: value for part in text.split(", ") for name, value in SAYS[part].items()}


@pytest.mark.parametrize("row", tables.rows(CHANGES), ids=tables.case)
def test_one_card(row: dict[str, str]) -> None:
    now = incoming(**says(row["the PMS now says"]))
    stood = card(presence=Presence(row["the card is"]), tombstone_start_at=at("09:00"))
    update = plan_update(stood, now)
    assert (update.presence, update.change) == (row["it is then"], row["in one word"])
    assert update.silent is (update.presence is Presence.REMOVED_BY_STAFF)


MOVES = """
the card is      | what changed   | it has moved
on_sheet         | 10:00          | yes
on_sheet         | tomorrow       | yes
on_sheet         | Dr Ben         | yes
on_sheet         | another phone  | no
cancelled        | 10:00          | yes
unmapped         | 10:00          | no
removed_by_staff | 10:00          | no
"""


@pytest.mark.parametrize("row", tables.rows(MOVES), ids=tables.case)
def test_a_move_is_only_what_somebody_could_have_seen(row: dict[str, str]) -> None:
    stood = card(presence=Presence(row["the card is"]), tombstone_start_at=at("09:00"))
    update = plan_update(stood, incoming(**says(row["what changed"])))
    assert update.has_moved is (row["it has moved"] == "yes")


def test_another_column_for_the_same_practitioner_is_no_move() -> None:
    rules = with_rules(practitioners={"anna": (MappingDecision.MAPPED, 7)})
    update = plan_update(card(), incoming(rules))
    assert (update.change, update.has_moved) == (Change.CHANGED, False)
    assert update.fields == ("clinician_id",)


def test_everything_of_an_appointment_reaches_its_card() -> None:
    read = pair(
        type_external_id="rooms",
        status=AppointmentStatus.CANCELLED,
        cancelled_at=at("08:00"),
        cancellation_reason="Feeling better",
    )
    said = incoming_of(read, with_rules(telehealth_only=False))
    assert said.key == ("v1", "ada")
    assert said.verdict == Placement(Presence.CANCELLED)
    assert (said.cancelled_at, said.cancellation_reason) == (at("08:00"), "Feeling better")
    assert said.values == values_of(read, False, RULES)
    assert said.digest == digest(said.values)


def test_a_row_without_a_patient_becomes_no_card() -> None:
    with pytest.raises(ValueError, match=r"^A row without a patient has no card\.$"):
        incoming_of(pair(None), RULES)


SAME = """
the card is      | kept by staff | start at removal | read again | sorted as
on_sheet         | no            | -                | the same   | unchanged
on_sheet         | yes           | -                | the same   | changed
deleted          | no            | -                | the same   | changed
held             | no            | -                | the same   | changed
unmapped         | no            | -                | the same   | changed
removed_by_staff | no            | 09:00            | the same   | removed_by_staff
removed_by_staff | no            | 08:00            | the same   | changed
removed_by_staff | no            | -                | the same   | removed_by_staff
"""


@pytest.mark.parametrize("row", tables.rows(SAME), ids=tables.case)
def test_what_needs_a_second_look(row: dict[str, str]) -> None:
    removed_at = at(row["start at removal"]) if row["start at removal"] else None
    known = key(
        presence=Presence(row["the card is"]),
        kept_digest="missing" if row["kept by staff"] == "yes" else None,
        tombstone_start_at=removed_at,
    )
    found = sort_pairs([pair()], {known.key: known}, RULES)
    kinds = {
        "unchanged": len(found.unchanged),
        "changed": len(found.changed),
        "removed_by_staff": found.skipped[SkipReason.REMOVED_BY_STAFF],
    }
    assert [kind for kind, count in kinds.items() if count] == [row["sorted as"]]


def test_a_removed_card_whose_start_changed_while_it_was_filtered_returns_when_its_type_is_shown_again() -> (
    None
):
    said = incoming(start_at=at("10:00"), type_external_id="off")
    known = key(said, Presence.REMOVED_BY_STAFF, tombstone_start_at=at("09:00"))
    again = pair(start_at=at("10:00"), type_external_id="off")
    assert not sort_pairs([again], {known.key: known}, RULES).changed
    shown = with_rules(types={**RULES.types, "off": TypeRule("Hidden")})
    same = key(incoming(shown, start_at=at("10:00"), type_external_id="off"), Presence.REMOVED_BY_STAFF)
    known = same._replace(tombstone_start_at=at("09:00"))
    assert sort_pairs([again], {known.key: known}, shown).changed


NEVER_SEEN = """
the PMS says      | makes a card | because
booked            | yes          | -
no_show           | yes          | -
cancelled         | no           | cancelled_before_seen
in the rooms      | no           | not_telehealth
Dr Ida, who is not shown | no    | practitioner_ignored
"""


@pytest.mark.parametrize("row", tables.rows(NEVER_SEEN), ids=tables.case)
def test_an_appointment_never_seen_before(row: dict[str, str]) -> None:
    found = sort_pairs([pair(**says(row["the PMS says"]))], {}, RULES)
    assert len(found.creates) == (row["makes a card"] == "yes")
    assert found.skipped == (Counter({row["because"]: 1}) if row["because"] else Counter())


def test_every_pair_read_is_counted_under_what_became_of_it() -> None:
    """Two of each kind: new, as it was, changed, filtered (new and known), removed by staff, without a patient."""
    ada, bo = ("ada", "bo")
    known = [
        key(incoming(patient=ada, external_id="same"), number=1),
        key(incoming(patient=bo, external_id="same"), number=2),
        key(incoming(patient=ada, external_id="later"), number=3),
        key(incoming(patient=bo, external_id="later"), number=4),
        key(incoming(patient=ada, external_id="rooms", type_external_id="rooms"), Presence.FILTERED, 5),
        key(incoming(patient=bo, external_id="rooms", type_external_id="rooms"), Presence.FILTERED, 6),
        key(incoming(patient=ada, external_id="removed"), Presence.REMOVED_BY_STAFF, 7),
        key(incoming(patient=bo, external_id="removed"), Presence.REMOVED_BY_STAFF, 8),
    ]
    read = [
        pair(name, external_id=visit, **more)
        for name in (ada, bo)
        for visit, more in {
            "new": {},
            "same": {},
            "later": {"start_at": at("10:00")},
            "rooms": {"type_external_id": "rooms"},
            "new in the rooms": {"type_external_id": "rooms"},
            "off": {"type_external_id": "off"},
            "removed": {},
        }.items()
    ]
    nobody = [pair(None, external_id=visit) for visit in ("empty", "blocked")]
    found = sort_pairs([*read, *nobody], {card.key: card for card in known}, RULES)
    assert [incoming.key[0] for incoming in found.creates] == ["new", "new"]
    assert [card.id for card in found.unchanged] == [1, 2]
    assert [(card.id, said.values.start_at) for card, said in found.changed] == [
        (3, at("10:00")),
        (4, at("10:00")),
    ]
    assert found.skipped == Counter(
        {
            "not_telehealth": 4,
            "type_off": 2,
            "removed_by_staff": 2,
            "no_patient": 2,
        }
    )
    assert found.fetched == 16


def test_a_row_without_a_patient_is_counted_once() -> None:
    found = sort_pairs([pair(None), pair(None)], {}, RULES)
    assert found.skipped == Counter({SkipReason.NO_PATIENT: 1})
    assert found.appointments == {"v1": {}}


def test_a_pair_listed_twice_counts_once_and_the_later_reading_wins() -> None:
    found = sort_pairs([pair(), pair(start_at=at("10:00"))], {}, RULES)
    assert [incoming.values.start_at for incoming in found.creates] == [at("10:00")]
    assert found.fetched == 1


def test_a_group_gives_one_card_per_patient() -> None:
    found = sort_pairs([pair("ada"), pair("bo"), pair("cy")], {}, RULES)
    assert [incoming.key for incoming in found.creates] == [("v1", "ada"), ("v1", "bo"), ("v1", "cy")]


@given(st.permutations([pair(name) for name in ("ada", "bo", "cy", None)]), st.booleans())
def test_order_and_repetition_of_a_list_change_nothing(listed: list[object], doubled: bool) -> None:
    known = {("v1", "bo"): key(incoming(patient="bo"), number=2)}
    found = sort_pairs(listed * (2 if doubled else 1), known, RULES)  # type: ignore[arg-type]
    assert sorted(incoming.key for incoming in found.creates) == [("v1", "ada"), ("v1", "cy")]
    assert [card.id for card in found.unchanged] == [2]
    assert found.fetched == 4


# Each line: who had a card (a star: kept by staff as things stand; "old star": kept as they stood before), whom the
# appointment names now, who of those is new on the sheet, and what becomes of the others.
SWAPS = """
had cards   | named now | new   | held | left
ada         | bo        | bo    | ada  | -
ada         | -         | -     | -    | ada
ada bo      | ada       | -     | -    | bo
ada bo      | ada cy    | cy    | -    | bo
ada bo cy   | ada di    | di    | -    | bo cy
ada bo      | cy di     | cy di | ada bo | -
bo          | ada       | ada   | bo   | -
ada         | ada       | -     | -    | -
ada*        | bo        | -     | -    | -
ada* bo     | cy        | cy    | bo ada | -
ada(old*)   | bo        | -     | ada  | -
ada(old*)   | -         | -     | -    | ada
"""


@pytest.mark.parametrize("row", tables.rows(SWAPS), ids=tables.case)
def test_patients_who_change(row: dict[str, str]) -> None:
    named = row["named now"].split()
    found = sort_pairs([pair(name) for name in named] or [pair(None)], {}, RULES)
    now = found.marker_of("v1")
    # "as things stand" for a star is what the appointment named before this change.
    before = sort_pairs([pair("bo")], {}, RULES).marker_of("v1")
    stored = []
    for number, text in enumerate(row["had cards"].split(), 1):
        name = text.split("*")[0].split("(")[0]
        kept = "visit:earlier" if "(old" in text else (before if "*" in text else None)
        stored.append(key(incoming(patient=name), number=number, kept_digest=kept))
    fresh = {("v1", name) for name in row["new"].split()}
    swaps, left = swapped_patients(found, stored, fresh)
    assert {swap.old.patient_id for swap in swaps} == set(row["held"].split())
    assert {card.patient_id for card in left} == set(row["left"].split())
    for swap in swaps:
        assert {name for _, name in swap.new_keys} <= set(named)
        assert swap.marker == now


def test_only_a_card_that_stands_on_the_sheet_is_held() -> None:
    found = sort_pairs([pair("bo")], {}, RULES)
    for presence in set(Presence) - {Presence.ON_SHEET}:
        assert swapped_patients(found, [key(presence=presence)], {("v1", "bo")}) == ([], [])


def test_an_answer_to_keep_one_card_says_nothing_about_the_next() -> None:
    found = sort_pairs([pair("cy")], {}, RULES)
    kept = key(incoming(patient="ada"), number=1, kept_digest=found.marker_of("v1"))
    other = key(incoming(patient="bo"), number=2)
    swaps, left = swapped_patients(found, [kept, other], {("v1", "cy")})
    assert ([swap.old for swap in swaps], left) == ([other], [])


def test_an_appointment_that_was_not_read_holds_and_lets_go_nobody() -> None:
    found = sort_pairs([pair("bo", external_id="v2")], {}, RULES)
    assert swapped_patients(found, [key()], {("v2", "bo")}) == ([], [])


def test_a_patient_who_comes_back_counts_as_new_on_the_sheet() -> None:
    back = plan_update(card(presence=Presence.HELD), incoming())
    assert newcomers([], [back]) == {("v1", "ada")}
    same = plan_update(card(), incoming(start_at=at("10:00")))
    assert newcomers([], [same]) == set()
    cancelled = plan_update(card(presence=Presence.HELD), incoming(status=AppointmentStatus.CANCELLED))
    assert newcomers([], [cancelled]) == set()


def test_what_the_pms_says_about_an_appointment_is_one_text() -> None:
    def marker(*pairs: object) -> str:
        return sort_pairs(pairs, {}, RULES).marker_of("v1")  # type: ignore[arg-type]

    base = marker(pair("ada"), pair("bo"))
    assert marker(pair("bo"), pair("ada")) == base
    assert marker(pair("ada")) != base
    assert marker(pair("ada"), pair("bo", start_at=at("10:00"))) != base
    assert marker(pair("ada"), pair("bo", status=AppointmentStatus.CANCELLED)) != base
    assert marker(pair("ada"), pair("bo", practitioner_external_id="ben")) != base
    assert SortedPairs().marker_of("v1") == marker(pair(None))


def test_a_marker_stored_by_an_earlier_release_still_holds() -> None:
    """Staff's answer to keep a card stands until the PMS says something else, not until the next upgrade."""
    found = sort_pairs([pair("bo"), pair("ada", status=AppointmentStatus.CANCELLED)], {}, RULES)
    nine = "2026-11-22T22:00:00.000000+00:00"
    text = f"[('ada', '{nine} anna True'), ('bo', '{nine} anna False')]"
    assert found.marker_of("v1") == "visit:" + blake2b(text.encode(), digest_size=12).hexdigest()


NAMES = st.sets(st.sampled_from(("ada", "bo", "cy", "di")), max_size=4)


@given(had=NAMES, named=NAMES)
def test_every_patient_is_kept_held_or_let_go_and_nobody_is_merged(had: set[str], named: set[str]) -> None:
    stored = [key(incoming(patient=name), number=number) for number, name in enumerate(sorted(had), 1)]
    known: dict[tuple[str, str], StoredKey] = {card.key: card for card in stored}
    found = sort_pairs([pair(name) for name in sorted(named)] or [pair(None)], known, RULES)
    swaps, left = swapped_patients(found, stored, newcomers(found.creates, []))
    gone = {swap.old.patient_id for swap in swaps} | {card.patient_id for card in left}
    assert gone == had - named
    assert {incoming.key[1] for incoming in found.creates} == named - had
    assert not (swaps and left), "one appointment's leavers are all held, or all looked up"
    # While others stay, who leaves a group and who joins it have nothing to do with each other.
    assert bool(swaps) == bool(had - named and named - had and not had & named)
