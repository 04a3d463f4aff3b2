"""The work list laid out: who needs somebody first, timers, filters, and the one step forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.runsheet import Column, EditedField, Thresholds
from pmsapp.domain.worklist import steps
from pmsapp.domain.worklist.lines import Filter, LinkState, Reason, WorkList, lay_out, whom_to_tell
from tests.web.made_up import NOW, at, card, column, sheet


def laid(*columns: Column, **more: Any) -> WorkList:
    options = {
        "is_today": True,
        **{key: more.pop(key) for key in ("chosen", "by_time", "is_today") if key in more},
    }
    return lay_out(sheet(*columns, **more), NOW, **options)


def ids(lines: Any) -> list[int]:
    return [line.card.id for line in lines]


def test_every_press_goes_one_step_forward_until_the_visit_is_done() -> None:
    state: WorkflowState | None = WorkflowState.BOOKED
    walked = []
    while state is not None:
        walked.append(str(state))
        state = steps.next_step(state)
    assert walked == ["booked", "contacted", "waiting", "ready", "with_clinician", "done"]


def test_a_visit_that_is_over_in_the_practice_software_is_closed_in_one_step() -> None:
    assert steps.next_step("booked", "completed") == WorkflowState.DONE
    assert steps.next_step("booked", "no_show") == WorkflowState.DID_NOT_ATTEND
    assert steps.next_step("done", "completed") is None


@pytest.mark.parametrize(
    ("state", "status", "disagrees"),
    [
        ("booked", "booked", False),
        ("booked", "confirmed", False),
        ("contacted", "arrived", True),
        ("ready", "arrived", False),
        ("waiting", "in_progress", True),
        ("with_clinician", "completed", True),
        ("done", "completed", False),
        ("booked", "word of their own", False),
    ],
)
def test_the_practice_software_is_named_only_where_it_disagrees(
    state: str, status: str, disagrees: bool
) -> None:
    assert steps.pms_disagrees(state, status) is disagrees


def test_attention_comes_in_the_order_of_urgency_and_longest_waiting_first() -> None:
    edit = EditedField("patient_phone", "1", "2", "Mel", NOW, conflict=True)
    made = laid(
        column(
            card(1, "10:00", state="waiting", state_since=at("10:20"), waiting_since=at("10:20")),
            card(2, "10:10", state="ready", state_since=at("10:29"), waiting_since=at("10:05")),
            card(3, "10:15"),
            card(4, "11:00", edited=(edit,)),
            card(5, "11:10", presence=Presence.HELD),
            card(6, "11:20", presence=Presence.CANCELLED),
            card(7, "11:30"),
            card(8, "11:40", appointment_status="arrived"),
        )
    )
    assert ids(made.attention) == [2, 1, 8, 3, 4, 5, 6]
    assert [line.reasons[0] for line in made.attention] == [
        Reason.WAITING,
        Reason.WAITING,
        Reason.ARRIVED,
        Reason.OVERDUE,
        Reason.CONFLICT,
        Reason.HELD,
        Reason.GONE,
    ]
    assert ids(made.sections[0].lines) == [7], "a line stands in one place"
    assert made.longest_wait_min == 25


def test_plain_time_order_lifts_and_sinks_nothing() -> None:
    cards = [card(1, "10:00", state="done"), card(2, "10:10", state="waiting"), card(3, "11:00")]
    made = laid(column(*cards), by_time=True)
    assert made.attention == ()
    assert ids(made.sections[0].lines) == [1, 2, 3]


def test_done_lines_sink_below_those_to_come() -> None:
    made = laid(column(card(1, "10:00", state="done"), card(2, "11:00"), card(3, "11:30")))
    assert ids(made.sections[0].lines) == [2, 3, 1]


def test_on_another_day_no_clock_runs() -> None:
    made = laid(column(card(1, "09:00"), card(2, "09:10", state="waiting")), is_today=False)
    assert made.attention == ()
    assert {line.over_min for line in made.lines.values()} == {None}
    assert made.longest_wait_min is None


def test_the_numbers_of_the_filters_count_lines_of_the_whole_day() -> None:
    made = laid(
        column(
            card(1, "09:00"),
            card(2, "10:00", state="waiting", waiting_since=at("10:00")),
            card(3, "09:30", state="done"),
            card(4, "11:00", state="no_answer"),
            card(5, "11:00", state="contacted"),
        ),
        chosen=Filter.WAITING,
        not_shown_cards=(card(9, presence=Presence.REMOVED_BY_STAFF),),
    )
    assert made.counts == {
        Filter.NEEDS_YOU: 2,
        Filter.TO_CALL: 2,
        Filter.WAITING: 1,
        Filter.LATE: 2,
        Filter.DONE: 1,
        Filter.ALL: 5,
        Filter.NOT_SHOWN: 1,
    }
    assert (ids(made.attention), made.matched, made.total) == ([2], 1, 5)


def test_a_visit_completed_in_the_practice_software_is_neither_late_nor_to_call() -> None:
    line = laid(column(card(1, "09:00", appointment_status="completed"))).lines[1]
    assert (line.reasons, line.over_min, line.sinks) == ((), None, True)
    assert Filter.TO_CALL not in line.filters
    assert Filter.DONE in line.filters


@pytest.mark.parametrize(("minutes", "urgency"), [(9, ""), (10, "wait"), (15, "warn"), (30, "stop")])
def test_a_wait_grows_urgent_at_ten_fifteen_and_thirty_minutes(minutes: int, urgency: str) -> None:
    since = NOW - timedelta(minutes=minutes)
    waits = card(1, "11:00", state="waiting", state_since=since, waiting_since=since)
    assert laid(column(waits)).lines[1].urgency == urgency


def test_each_clinician_may_have_thresholds_of_their_own() -> None:
    since = NOW - timedelta(minutes=9)
    head = replace(
        column(card(1, "11:00", state="waiting", waiting_since=since)), thresholds=Thresholds(3, 6, 9)
    )
    assert laid(head).lines[1].urgency == "stop"


def test_running_late_shifts_expected_times_and_lists_whom_to_tell_in_order() -> None:
    cards = [
        card(1, "10:20"),
        card(2, "10:50"),
        card(3, "10:40", state="contacted"),
        card(4, "10:45", state="done"),
        card(5, "10:45", presence=Presence.CANCELLED),
    ]
    made = laid(replace(column(*cards), running_late_minutes=15))
    assert made.lines[1].expected_at == at("10:35")
    assert made.lines[1].over_min is None, "ten minutes past the booked time, but expected later"
    assert ids(whom_to_tell(made.sections[0], NOW)) == [1, 3, 2]


def test_the_next_to_call_is_the_first_who_was_not_reached() -> None:
    made = laid(
        column(card(1, "09:00", state="contacted"), card(2, "09:10", state="no_answer"), card(3, "09:20"))
    )
    following = made.sections[0].next_to_call
    assert following is not None
    assert following.card.id == 2


def test_links_that_are_missing_doubled_or_the_clinicians_own_say_so() -> None:
    link = "https://video.example/p/"
    made = laid(
        column(
            card(1, patient_link=link + "1", host_link=link + "h"),
            card(2),
            card(3, patient_link=link + "3"),
            card(4, patient_link=link + "3"),
            card(5, patient_link=link + "h", host_link=link + "h"),
            card(6, patient_link=link + "g", pms_appointment_id="group"),
            card(7, patient_link=link + "g", pms_appointment_id="group"),
            card(8, is_telehealth=False),
        )
    )
    assert [made.lines[number].link for number in range(1, 9)] == [
        LinkState.OK,
        LinkState.MISSING,
        LinkState.DOUBLED,
        LinkState.DOUBLED,
        LinkState.IS_HOSTS,
        LinkState.OK,
        LinkState.OK,
        LinkState.NONE,
    ]


def test_where_nobody_has_links_none_is_missing() -> None:
    assert {line.link for line in laid(column(card(1), card(2))).lines.values()} == {LinkState.NONE}
