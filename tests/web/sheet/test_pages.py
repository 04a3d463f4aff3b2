"""What the run sheet prints: order, marks, ages, and empty days that cannot be mistaken for one another."""

from __future__ import annotations

import gzip
import random
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask, render_template

from pmsapp import paths
from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import EditedField, MovedFrom, Sheet, Undecided
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.day_truth import DayTruth, freshness_badge
from pmsapp.web.sheet.look import COLUMNS, LIST, Look
from pmsapp.web.sheet.sheet_contexts import CardView, ClosedDay, SheetPage
from pmsapp.web.sheet.sheet_view import build_page
from pmsapp.web.ui import shell
from pmsapp.web.ui.page_contexts import Badge, Shell
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.web import made_up
from tests.web.made_up import LATE, NEVER, NOW, STALE, at, card, column, sheet

CALM = DayTruth(Badge("Up to date", "tick", "good"), None, None, ())


def page_of(made: Sheet, *, view: str = COLUMNS, **more: Any) -> SheetPage:
    values = {"now": NOW, "names": Names({1: "Gentu"}), "clinic": "Banksia Street", "can_edit": True}
    values |= {"look": Look(made.date, view=view), "truth": CALM}
    values |= {"fed": frozenset(column.id for column in made.columns)}
    return build_page(made, version="1", **(values | more))


def card_of(**more: Any) -> CardView:
    """The one card of a sheet, as printed."""
    page = page_of(sheet(column(card(**more))))
    return next(card for band in page.columns[0].bands for card in band.cards)


def words_of(view: CardView) -> list[str]:
    return [mark.word for mark in view.marks]


def test_every_column_has_the_same_hours_and_the_line_of_now_once() -> None:
    page = page_of(
        sheet(
            column(card(1, "08:10"), card(2, "10:00"), card(3, "10:45"), number=1),
            column(card(4, "12:00"), number=2),
        )
    )
    assert [hour.label for hour in page.hours] == ["8 am", "9 am", "10 am", "10:30", "11 am", "12 pm"]
    assert [hour.now for hour in page.hours].count(True) == 1
    for shown in page.columns:
        assert len(shown.bands) == len(page.hours)
        assert [band.now for band in shown.bands] == [hour.now for hour in page.hours]
    assert [[view.id for view in band.cards] for band in page.columns[0].bands] == [[1], [], [2], [3], [], []]


def acts_of(view: CardView) -> list[str]:
    return [press.act for press in view.presses]


def test_a_card_of_a_column_has_the_buttons_of_its_line() -> None:
    assert acts_of(card_of(state="booked")) == ["no-answer", "advance"]
    assert acts_of(card_of(state="waiting")) == ["advance"]


def test_a_card_of_a_column_says_its_own_state_and_what_the_practice_software_says_beside_it() -> None:
    view = card_of(state="contacted", appointment_status="arrived")
    assert view.badge.word.startswith("Contacted")
    assert [mark.word for mark in view.marks] == ["Gentu: arrived"]
    agreed = card_of(state="contacted", appointment_status="booked")
    assert (agreed.badge.word.split(",")[0], agreed.marks) == ("Contacted", ())


def test_another_day_has_no_line_of_now() -> None:
    page = page_of(sheet(column(card())), now=NOW + timedelta(days=1))
    assert not any(hour.now for hour in page.hours)
    assert page.today is not None
    assert (page.heading, page.previous.word, page.following.word) == ("Yesterday", "Sun 22 Nov", "Today")


def test_past_cards_are_marked_and_stay() -> None:
    assert "past" in card_of(clock="09:00", state="done").css
    assert "past" in card_of(clock="09:00", appointment_status="completed").css
    assert "past" not in card_of(clock="10:20", state="done").css
    assert "past" in card_of(clock="10:00", duration_minutes=None, state="did_not_attend").css


@pytest.mark.parametrize("state", ["booked", "no_answer", "contacted", "waiting", "ready"])
def test_who_waits_or_was_not_reached_is_never_greyed(state: str) -> None:
    assert "past" not in card_of(clock="09:00", state=state).css


@pytest.mark.parametrize(
    ("presence", "badge", "css"),
    [
        (Presence.CANCELLED, "Cancelled", "gone"),
        (Presence.DELETED, "Deleted", "gone"),
        (Presence.HELD, "Held", "hand"),
    ],
)
def test_what_left_says_why_and_when(presence: Presence, badge: str, css: str) -> None:
    view = card_of(presence=presence, presence_reason="patient asked", presence_at=at("08:41"))
    assert (view.badge.word, view.reason) == (badge, "Patient asked · read 08:41")
    assert css in view.css
    assert ("acknowledge" in acts_of(view)) == (css == "gone")


def test_an_acknowledged_card_cannot_be_acknowledged_again() -> None:
    view = card_of(presence=Presence.CANCELLED, acknowledged_at=NOW)
    assert "acknowledge" not in acts_of(view)


def test_a_name_the_vendor_would_not_give_is_said_to_be_missing(app: Flask) -> None:
    html = render_sheet(app, sheet(column(card(patient_name=None))))
    assert "Name unavailable" in html
    assert "None" not in re.sub(r"<[^>]+>", "", html)


def test_unclear_telehealth_is_a_question_not_a_no() -> None:
    assert [card_of(is_telehealth=value).telehealth.word for value in (True, False, None)] == [
        "Telehealth",
        "In person",
        "Telehealth?",
    ]


def test_doubts_and_changes_are_worded() -> None:
    view = card_of(
        duration_estimated=True,
        time_odd=True,
        moved_from=MovedFrom(at("08:00"), None, None, NOW),
        returned_at=NOW,
        state="waiting",
    )
    assert words_of(view) == [
        "Moved from 08:00",
        "Returned: time changed in PMS",
        "Check the time",
        "Length estimated",
    ]


def test_an_edit_names_its_fields_and_author() -> None:
    edit = EditedField("patient_phone", "+61491570156", "+61491570157", "Mel", at("08:55"), False)
    assert words_of(card_of(edited=(edit,))) == ["Edited: phone (Mel, 08:55)"]


def test_a_conflict_shows_the_side_that_the_card_does_not() -> None:
    phone = EditedField("patient_phone", "+61491570156", "+61491570157", "Mel", at("08:55"), True)
    start = EditedField(
        "start_at", at("09:15").isoformat(), at("09:30").isoformat(), "Mel", at("08:55"), True
    )
    assert words_of(card_of(edited=(phone, start))) == [
        "Phone: Gentu says 0491 570 157",
        "Start time: Mel typed 09:15",
    ]


def test_a_card_in_another_zone_keeps_its_own_time_and_says_so() -> None:
    view = card_of(clock="12:00", time_zone="Australia/Perth")
    assert (view.time, view.zone_note) == ("09:00–09:20", "Perth time")


def test_cards_nobody_owns_stand_first_and_are_counted_as_to_place() -> None:
    page = page_of(sheet(column(card(1)), unassigned=(card(2, clinician_id=None),)))
    assert (page.columns[0].name, page.columns[0].unassigned) == ("No clinician", True)


def test_every_column_says_its_own_age() -> None:
    page = page_of(sheet(column(card(1), number=1), column(card(2), number=2, fresh=LATE)))
    assert (page.columns[0].freshness, page.columns[0].as_of) == (None, "10:25")
    late = page.columns[1].freshness
    assert late is not None
    assert late.word == "Late: data from 10:10"


@pytest.mark.parametrize(
    ("made", "headline"),
    [
        (sheet(), "No telehealth appointments today"),
        (sheet(freshness=NEVER), "This day has not been read yet"),
        (sheet(freshness=STALE), "We could not read Gentu since 08:30"),
        (sheet(freshness=LATE), "We could not read Gentu since 10:10"),
        (sheet(freshness=NEVER, connections=()), "No practice software connected yet"),
    ],
    ids=["fresh and none", "never read", "stale", "late", "nothing connected"],
)
def test_empty_days_are_told_apart(made: Sheet, headline: str) -> None:
    empty = page_of(made).empty
    assert empty is not None
    assert empty.headline == headline


@pytest.mark.parametrize(
    ("closed", "headline"),
    [("Melbourne Cup", "Clinic closed (Melbourne Cup)"), ("closed on this weekday", "Clinic closed")],
)
def test_a_closed_day_says_so_unless_it_was_read(closed: str, headline: str) -> None:
    empty = page_of(sheet(freshness=NEVER), closed=ClosedDay(closed)).empty
    assert empty is not None
    assert empty.headline == headline
    read = page_of(sheet(), closed=ClosedDay(closed)).empty
    assert read is not None
    assert read.headline == "No telehealth appointments today"


def test_a_truly_empty_day_says_when_it_was_checked_and_what_is_not_shown() -> None:
    empty = page_of(sheet(in_person_not_shown=11)).empty
    assert empty is not None
    assert empty.sentences == ("Checked 10:25.", "11 in-person appointments are not shown.")


def test_a_stale_day_with_cards_keeps_them() -> None:
    page = page_of(sheet(column(card(), fresh=STALE), freshness=STALE))
    assert page.empty is None
    assert page.is_old
    assert freshness_badge(STALE, NOW, page.zone).word == "Out of date: data from 08:30"


def test_an_undecided_practitioner_is_counted_aloud() -> None:
    page = page_of(sheet(column(card()), undecided=(Undecided("Dr Albright", 6),)))
    asks = page.work_list.notices
    assert [(ask.headline, ask.action) for ask in asks] == [
        ("Dr Albright has 6 appointments that are not shown", "Decide")
    ]


def test_what_is_not_shown_is_counted_with_its_reason() -> None:
    page = page_of(sheet(column(card()), not_shown={"moved": 1, "filtered": 2, "unmapped": 0}))
    assert page.not_shown == "Not shown: 1 moved to another day, 2 no longer telehealth."


def render_sheet(app: Flask, made: Sheet, view: str = COLUMNS) -> str:
    frame = Shell(active="today", items=(), badge=Badge("Up to date", "tick", "good"))
    with app.test_request_context("/"):
        return render_template("runsheet/sheet.html", page=page_of(made, view=view), shell=frame, banner=None)


def full_day() -> Sheet:
    """300 cards under ten clinicians, with the variety that real ones have."""
    dice = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"

    def word() -> str:
        return "".join(dice.choices(letters, k=dice.randint(4, 9))).capitalize()

    columns = []
    for number in range(10):
        cards = [
            card(
                number * 30 + place + 1,
                f"{8 + place // 3:02d}:{place % 3 * 20:02d}",
                patient_name=f"{word()} {word()}",
                patient_phone=f"+614{dice.randrange(10**8):08d}",
                patient_dob=date(1930, 1, 1) + timedelta(days=dice.randrange(34000)),
                appointment_status=dice.choice(["booked", "confirmed", "arrived", "completed"]),
                appointment_type=dice.choice(["Telehealth consult", "Video - long", "Phone review"]),
            )
            for place in range(30)
        ]
        columns.append(replace(column(*cards, number=number + 1), name=f"Dr {word()}"))
    return sheet(*columns)


def test_a_sheet_of_300_cards_is_light(app: Flask) -> None:
    html = render_sheet(app, full_day()).encode()
    assert html.count(b"<article") == 300
    assert len(gzip.compress(html)) < 60_000


def test_a_work_list_of_300_lines_is_light(app: Flask) -> None:
    html = render_sheet(app, full_day(), LIST).encode()
    assert html.count(b"<tr class=") == 300
    assert len(gzip.compress(html)) < 70_000


def test_styles_and_scripts_are_light() -> None:
    files = [
        *(paths.STATIC / "css").glob("*.css"),
        paths.STATIC / "app.js",
        *paths.STATIC.glob("vendor/*.js"),
    ]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 60_000


XSS = "\"><img src=x onerror=alert(1)> ' hx-get='/x' hx-trigger='load' {{7*7}} \u202e"


def test_vendor_text_never_becomes_markup(app: Flask) -> None:
    plain = render_sheet(app, sheet(column(card(notes="x", presence_reason="x", presence=Presence.HELD))))
    spiked = render_sheet(
        app,
        sheet(
            replace(
                column(
                    card(
                        patient_name=XSS,
                        patient_phone="javascript:alert(1)",
                        appointment_type=XSS,
                        notes=XSS,
                        presence=Presence.HELD,
                        presence_reason=XSS,
                        appointment_status=XSS,
                    )
                ),
                name=XSS,
            )
        ),
    )

    def attributes(html: str) -> set[str]:
        return {
            name
            for tag in re.findall(r"<[a-z][^>]*>", html)
            for name in re.findall(r"\s([\w:-]+)=", re.sub(r'="[^"]*"', "=", tag))
        }

    assert "<img" not in spiked
    assert attributes(spiked) <= attributes(plain)
    assert "tel:" not in spiked
    assert "49" not in re.findall(r"<h3.*?</h3>", spiked, re.S)[0]


@pytest.fixture
def reception(app: Flask, frozen_clock: FrozenClock) -> actors.Browser:
    return actors.browser_for(app, "reception")


def test_a_poll_without_news_has_no_body(reception: actors.Browser) -> None:
    first = reception.get("/sheet/2026-11-23", headers={"HX-Request": "true"})
    assert first.status_code == 200
    version = re.search(r'data-version="([^"]+)"', first.text)
    assert version
    quiet = reception.get(f"/sheet/2026-11-23?v={version.group(1)}", headers={"HX-Request": "true"})
    assert (quiet.status_code, quiet.data) == (204, b"")
    assert quiet.headers["Cache-Control"] == "no-store"
    assert "HX-Request" in quiet.headers["Vary"]


def test_the_line_of_now_moves_with_the_next_minute(
    reception: actors.Browser, frozen_clock: FrozenClock
) -> None:
    first = reception.get("/sheet/2026-11-23", headers={"HX-Request": "true"})
    version = re.search(r'data-version="([^"]+)"', first.text)
    assert version
    frozen_clock.advance(minutes=1)
    later = reception.get(f"/sheet/2026-11-23?v={version.group(1)}", headers={"HX-Request": "true"})
    assert later.status_code == 200


def test_a_sheet_opened_directly_is_a_whole_page(reception: actors.Browser) -> None:
    assert "<!doctype html>" in reception.get("/sheet/2026-11-23?v=1").text
    part = reception.get("/sheet/2026-11-23?v=1", headers={"HX-Request": "true"}).text
    assert "<!doctype" not in part
    assert '<hx-partial hx-target="#banner"' in part


@pytest.mark.parametrize("day", ["2026-13-01", "today", "2026-11-23x"])
def test_a_day_that_is_none_is_not_found(reception: actors.Browser, day: str) -> None:
    assert reception.get(f"/sheet/{day}").status_code == 404


def test_a_viewer_is_offered_nothing_that_would_be_refused(app: Flask, frozen_clock: FrozenClock) -> None:
    text = actors.browser_for(app, "viewer").get("/").text
    assert "Add card" not in text
    assert 'action="/sync"' not in text
    assert 'href="/decisions"' not in text


def test_a_card_by_hand_without_scripts_ends_on_its_day(reception: actors.Browser) -> None:
    form = {
        "date": "2026-11-23",
        "start_date": "2026-11-23",
        "start_time": "14:30",
        "patient_name": "Wattle Bird",
        "duration_minutes": "20",
        "is_telehealth": "yes",
        "state": "booked",
    }
    answer = reception.post("/cards/new", data=form)
    assert answer.status_code == 303
    assert re.fullmatch(r"/sheet/2026-11-23\?told=added\.\d+#card-\d+", answer.headers["Location"])
    text = reception.get("/sheet/2026-11-23").text
    assert "<b>Bird</b>, Wattle" in text
    assert "<time>14:30</time>" in text


def test_a_refused_form_keeps_what_was_typed_and_links_to_the_field(reception: actors.Browser) -> None:
    form = {"date": "2026-11-23", "start_time": "14:30", "patient_name": "", "patient_phone": "no idea"}
    answer = reception.post("/cards/new", data=form)
    assert answer.status_code == 422
    assert 'value="no idea"' in answer.text
    assert '<a href="#patient_phone">' in answer.text
    assert 'aria-describedby="patient_phone-error" aria-invalid="true"' in answer.text


def test_the_shell_of_nothing_connected_offers_no_sync(app: Flask, frozen_clock: FrozenClock) -> None:
    now = shell.PageStatus((), {}, made_up.ZONE, NOW)
    assert shell.overall_badge(now).word == "Nothing connected"
    assert shell.notice(now) is None


def test_a_card_names_its_pms_and_its_practice_only_where_two_use_the_same() -> None:
    source = (1, "Gentu", "Banksia Street")
    assert shell.names_on_cards([source, (2, "Halaxy", "Rooms")]) == {1: "Gentu", 2: "Halaxy"}
    assert shell.names_on_cards([source, (2, "Gentu", "Rooms")]) == {1: "Banksia Street", 2: "Rooms"}
