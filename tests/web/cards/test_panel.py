"""What the card's panel holds: decisions made there, cautions, guards of links, the story, and words without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask

from pmsapp.domain.appointment import Patient, TelehealthLinks
from pmsapp.services.editing import overrides
from pmsapp.services.sheet import days
from tests.support.actors import Browser, browser_for
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

HTMX = {"HX-Request": "true"}


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    practice = stock(FakePractice())
    for patient, born in (("ada", date(1979, 3, 12)), ("bo", date(1985, 7, 1))):
        practice.patients[patient] = practice.patients[patient]._replace(birth_date=born)
    with registered("practice", practice):
        yield practice


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    return FakeClinic(practice)


@pytest.fixture
def reception(app: Flask, clinic: FakeClinic) -> Browser:
    return browser_for(app, "reception")


def text_of(page: str) -> str:
    """What is read on a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def form_of(page: str, **typed: Any) -> dict[str, Any]:
    """What the panel's form sends when nothing but `typed` was touched."""
    sent = dict(re.findall(r'name="(base_\w+|row_version|seen_event)" value="([^"]*)"', page))
    return {name: unescape(value) for name, value in sent.items()} | typed


def panel(browser: Browser, card_id: int) -> str:
    return str(browser.get(f"/cards/{card_id}", headers=HTMX).text)


def test_a_conflict_is_decided_in_the_panel_with_both_values_and_what_is_typed_is_kept(
    clinic: FakeClinic, reception: Browser
) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    overrides.edit_card(card_id, {"patient_phone": "+61491570156"}, MEL)
    clinic.practice.edit_patient("ada", phone="+61491570157")
    clinic.sync()
    page = panel(reception, card_id)
    (question,) = clinic.questions()
    read = text_of(page)
    assert "Here: 0491 570 156, typed by Mel" in read
    assert "0491 570 157, read" in read
    sent = form_of(page, then=f"decide:{question.id}:pms", notes="Rang twice")
    answer = reception.post(f"/cards/{card_id}", data=sent, headers=HTMX)
    assert answer.status_code == 200
    assert "Decided." in answer.text
    card = days.get_card(card_id)
    assert (card.patient_phone, card.notes) == ("+61491570157", "Rang twice")
    late = reception.post(f"/cards/{card_id}", data=sent, headers=HTMX)
    assert "Somebody has already answered this." in late.text


def test_a_held_identity_shows_both_patients_with_birth_dates_and_leads_to_the_other_card(
    clinic: FakeClinic, reception: Browser
) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    clinic.practice.change(visit, patients=("bo",))
    clinic.sync()
    other = clinic.card(visit, "bo")
    page = panel(reception, card_id)
    assert "born 12 Mar 1979" in text_of(page)
    assert "born 1 Jul 1985" in text_of(page)
    assert f'hx-get="/cards/{other.id}"' in page
    assert f'hx-get="/cards/{card_id}"' in panel(reception, other.id)


def test_only_who_may_decide_is_given_the_answers(app: Flask, clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    overrides.edit_card(card_id, {"patient_phone": "+61491570156"}, MEL)
    clinic.practice.edit_patient("ada", phone="+61491570157")
    clinic.sync()
    (question,) = clinic.questions()
    page = panel(browser_for(app, "viewer"), card_id)
    assert "Reception decides." in page
    assert "decide:" not in page
    refused = browser_for(app, "viewer").post(
        f"/cards/{card_id}", data={"row_version": "1", "then": f"decide:{question.id}:pms"}
    )
    assert refused.status_code == 403


def test_a_button_answers_only_questions_and_presses_of_its_own_card(
    clinic: FakeClinic, reception: Browser
) -> None:
    mine = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    theirs = clinic.practice.book("anna", clinic.at("11:00"), ["bo"])
    clinic.sync()
    card_id, other = clinic.card(mine).id, clinic.card(theirs).id
    sent = form_of(panel(reception, card_id), press=f"advance:{other}:booked")
    assert reception.post(f"/cards/{card_id}", data=sent).status_code == 422
    assert days.get_card(other).state == "booked"


def test_twins_are_cautioned_on_both_cards_until_the_identity_was_checked(
    clinic: FakeClinic, practice: FakePractice, reception: Browser
) -> None:
    for patient, name in (("tia", "Tia Numbat"), ("rex", "Rex Numbat")):
        practice.patients[patient] = Patient(patient, name, date(2012, 5, 5), "+61491571491")
    visits = [
        clinic.practice.book("anna", clinic.at(clock), [patient])
        for clock, patient in (("09:00", "tia"), ("15:00", "rex"))
    ]
    clinic.sync()
    tia, rex = (clinic.card(visit).id for visit in visits)
    assert "Easily taken for somebody else today: Rex Numbat, born 5 May 2012, 15:00" in text_of(
        panel(reception, tia)
    )
    assert "Tia Numbat, born 5 May 2012, 09:00" in text_of(panel(reception, rex))
    sent = form_of(panel(reception, tia), then="identity", identifier=["name", "birth_date", "address"])
    assert "Identity checked." in reception.post(f"/cards/{tia}", data=sent, headers=HTMX).text
    assert "Easily taken" not in panel(reception, tia)
    assert "Easily taken" in panel(reception, rex)


def test_a_clinicians_own_link_is_never_offered_to_copy_for_a_patient(
    clinic: FakeClinic, reception: Browser
) -> None:
    hosts = TelehealthLinks("https://video.example.com/host", "https://video.example.com/host")
    shared = TelehealthLinks("https://video.example.com/h2", "https://video.example.com/guest")
    visits = [
        clinic.practice.book("anna", clinic.at("09:00"), ["ada"], links=hosts),
        clinic.practice.book("anna", clinic.at("10:00"), ["bo"], links=shared),
        clinic.practice.book("ben", clinic.at("10:30"), ["ada"], links=shared),
        clinic.practice.book("ben", clinic.at("11:30"), ["ada"]),
    ]
    clinic.sync()
    pages = [panel(reception, clinic.card(visit).id) for visit in visits]
    assert ["data-copy" in page for page in pages] == [False, True, True, False]
    assert "The patient's link is the clinician's" in text_of(pages[0])
    assert "Video link is on two patients" in text_of(pages[1])
    assert "No video link" in text_of(pages[3])


def test_the_story_says_from_what_to_what_by_whom_and_which_times_are_of_reading(
    clinic: FakeClinic, reception: Browser, frozen_clock: FrozenClock
) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:30"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    sent = form_of(panel(reception, card_id), press=f"no-answer:{card_id}:booked")
    reception.post(f"/cards/{card_id}", data=sent)
    clinic.practice.change(visit, start_at=clinic.at("11:00"))
    frozen_clock.advance(minutes=5)
    clinic.sync()
    cancelled_at = datetime(2026, 11, 22, 21, 50, tzinfo=UTC)
    clinic.practice.change(visit, status="cancelled", cancelled_at=cancelled_at)
    frozen_clock.advance(minutes=5)
    clinic.sync()
    lines = [
        text_of(line) for line in re.findall(r"<li><time.*?</li>", panel(reception, card_id), flags=re.S)
    ]
    assert re.fullmatch(r"read 09:10 Fake Cancelled there 08:50.*", lines[0])
    assert re.fullmatch(r"read 09:05 Fake Moved to another time: start time 10:30 → 11:00", lines[1])
    assert re.fullmatch(r"09:00 \w+ Called, no answer \(booked → no answer\)( Undo)?", lines[2])
    assert lines[3].startswith("read 09:00 Fake Appeared")


def test_without_scripts_every_button_answers_with_words(clinic: FakeClinic, reception: Browser) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:30"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    sent = form_of(panel(reception, card_id), press=f"advance:{card_id}:booked", notes="Rang")
    stepped = reception.post(f"/cards/{card_id}", data=sent)
    assert stepped.headers["Location"].startswith(f"/cards/{card_id}?told=step.")
    assert "Contacted." in text_of(reception.get(stepped.headers["Location"]).text)
    assert days.get_card(card_id).notes == "Rang"
    saved = reception.post(f"/cards/{card_id}", data=form_of(panel(reception, card_id), notes="Rang twice"))
    assert f"told=saved.{card_id}" in saved.headers["Location"]
    assert "saved." in text_of(reception.get(saved.headers["Location"]).text)


def test_two_who_type_the_same_agree(clinic: FakeClinic, reception: Browser) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:30"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    sent = form_of(panel(reception, card_id), patient_phone="0491 570 156")
    overrides.edit_card(card_id, {"patient_phone": "0491 570 156"}, MEL)
    assert reception.post(f"/cards/{card_id}", data=sent, headers=HTMX).status_code == 204


def test_a_colleague_sees_with_the_next_poll_who_is_calling(
    app: Flask, clinic: FakeClinic, reception: Browser
) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:30"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    colleague = browser_for(app, "admin")
    page = colleague.get("/").text
    found = re.search(r'hx-get="(/sheet/[^"]*&amp;v=[^"]*)"', page)
    assert found
    poll = unescape(found.group(1))
    assert colleague.get(poll, headers=HTMX).status_code == 204
    reception.post(f"/cards/{card_id}", data=form_of(panel(reception, card_id), press=f"claim:{card_id}"))
    assert "is calling" in colleague.get(poll, headers=HTMX).text
    assert "is calling" in text_of(panel(colleague, card_id))


def test_no_header_of_an_answer_names_the_patient(clinic: FakeClinic, reception: Browser) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:30"), ["ada"])
    clinic.sync()
    card = clinic.card(visit)
    sent = form_of(panel(reception, card.id), press=f"advance:{card.id}:booked")
    answer = reception.post(f"/cards/{card.id}", data=sent, headers=HTMX)
    family = (card.patient_name or "").split()[-1]
    assert family in answer.text
    assert not [value for _, value in answer.headers if family in value]
