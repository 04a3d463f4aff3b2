"""What a run came to, in one word and in one sentence."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.errors import message_for
from pmsapp.domain.sync.run_status import (
    ScopeResult,
    reason_code,
    sentence,
    skipped_reasons,
    status_of,
    total,
)
from tests.support import tables

RUNS = """
scopes                                       | status  | code
-                                            | success | -
complete                                     | success | -
complete, complete                           | success | -
complete held:2                              | partial | REMOVE-HELD
complete failed:1                            | partial | REC-BAD
complete failed:1 held:1                     | partial | REMOVE-HELD
complete, failed PMS-SLOW                    | partial | READ-PART
complete, incomplete READ-ENDLESS            | partial | READ-PART
complete, failed RATE-WAIT                   | partial | RATE-WAIT
complete, incomplete AUTH-EXPIRED            | partial | AUTH-EXPIRED
incomplete PMS-SLOW                          | partial | READ-PART
failed PMS-DOWN                              | failed  | PMS-DOWN
failed PMS-DOWN, failed PMS-DOWN, failed BUG | failed  | PMS-DOWN
failed AUTH-REFUSED, failed AUTH-REFUSED     | failed  | AUTH-REFUSED
"""


def scopes_of(text: str) -> list[ScopeResult]:
    found = []
    for number, part in enumerate(text.split(", ") if text else []):
        outcome, *rest = part.split()
        counts: Counter[str] = Counter()
        code = None
        for word in rest:
            name, _, count = word.partition(":")
            if count:
                counts[name] = int(count)
            else:
                code = name
        found.append(ScopeResult(f"Dr {number}", outcome, code, counts))
    return found


@pytest.mark.parametrize("row", tables.rows(RUNS), ids=tables.case)
def test_status_and_code(row: dict[str, str]) -> None:
    scopes = scopes_of(row["scopes"])
    assert (status_of(scopes).value, reason_code(scopes) or "") == (row["status"], row["code"])


def said(*scopes: ScopeResult, code: str = "READ-PART") -> str:
    return sentence(code, scopes, lambda error: message_for(error, "Gentu"), "09:02")


def read(name: str | None, outcome: str = "complete", code: str | None = None) -> ScopeResult:
    return ScopeResult(name, outcome, code, Counter())


def test_what_worked_comes_first_then_what_did_not_and_why() -> None:
    text = said(read("Dr A"), read("Dr B", "failed", "PMS-SLOW"))
    assert text == "Dr A up to date 09:02; Dr B not read: Gentu took too long to answer"


def test_reasons_are_grouped() -> None:
    text = said(
        read("Dr A"),
        read("Dr B", "failed", "PMS-SLOW"),
        read("Dr C", "incomplete", "READ-ENDLESS"),
        read("Dr D", "failed", "PMS-SLOW"),
    )
    assert text == (
        "Dr A up to date 09:02; Dr B, Dr D not read: Gentu took too long to answer; "
        "Dr C not read: Gentu sent a list that does not end"
    )


def test_many_names_are_counted() -> None:
    text = said(*(read(f"Dr {n}") for n in range(6)), read("Dr B", "failed", "PMS-SLOW"))
    assert text.startswith("6 clinicians up to date 09:02; Dr B not read")


def test_one_unread_day_of_two_is_not_up_to_date() -> None:
    text = said(read("Dr A"), read("Dr B"), read("Dr A"), read("Dr B", "failed", "PMS-DOWN"))
    assert text == "Dr A up to date 09:02; Dr B not read: Gentu is not answering"


def test_when_nothing_was_read_the_reason_is_enough() -> None:
    assert said(read("Dr A", "failed", "PMS-DOWN"), code="PMS-DOWN") == "Gentu is not answering"
    assert said(code="PMS-DOWN") == "Gentu is not answering"


def counted(name: str | None, outcome: str = "complete", **counts: int) -> ScopeResult:
    return ScopeResult(name, outcome, None, Counter(counts))


def test_whose_cards_are_held_and_how_many_records_are_kept_aside_is_said_with_numbers() -> None:
    assert said(counted("Dr A", held=1), code="REMOVE-HELD") == "1 card of Dr A held until somebody looks"
    assert said(counted("Dr A", failed=1), counted("Dr B"), code="REC-BAD") == (
        "1 appointment could not be understood"
    )
    text = said(counted("Dr A", held=4, failed=2), counted("Dr B", held=1), code="REMOVE-HELD")
    assert text == "5 cards of Dr A, Dr B held until somebody looks; 2 appointments could not be understood"
    text = said(counted("Dr A", failed=2), read("Dr B", "failed", "PMS-DOWN"))
    assert text == (
        "Dr A up to date 09:02; Dr B not read: Gentu is not answering; 2 appointments could not be understood"
    )


def test_when_nobodys_list_was_read_to_its_end_the_reason_follows() -> None:
    endless = [read("Dr A", "incomplete", "READ-ENDLESS"), read("Dr B", "incomplete", "READ-ENDLESS")]
    assert said(*endless) == "Not everybody's list could be read: Gentu sent a list that does not end"
    assert said(read("Dr A", "incomplete")) == "Not everybody's list could be read"


def test_numbers_add_up() -> None:
    first = ScopeResult(
        "Dr A", "complete", None, Counter(fetched=3, created=2, skipped=1), Counter(not_telehealth=1)
    )
    two = ScopeResult("Dr B", "complete", None, Counter(fetched=1, skipped=1), Counter(not_telehealth=1))
    assert total([first, two]) == Counter(fetched=4, created=2, skipped=2)
    assert skipped_reasons([first, two]) == {"not_telehealth": 2}


SCOPES = st.lists(
    st.builds(
        ScopeResult,
        st.sampled_from(("Dr A", "Dr B", None)),
        st.sampled_from(("complete", "incomplete", "failed")),
        st.sampled_from((None, "PMS-SLOW", "AUTH-EXPIRED", "RATE-WAIT")),
        st.builds(
            lambda failed, held: Counter(failed=failed, held=held), st.integers(0, 1), st.integers(0, 1)
        ),
    ),
    max_size=5,
)


@given(SCOPES)
def test_success_means_that_everything_was_read_and_nothing_waits(scopes: list[ScopeResult]) -> None:
    status = status_of(scopes)
    assert (status == "success") == (
        all(scope.outcome == "complete" for scope in scopes)
        and not total(scopes)["failed"]
        and not total(scopes)["held"]
    )
    assert (reason_code(scopes) is None) == (status == "success")
    if status != "success":
        assert said(*scopes, code=reason_code(scopes) or "")
