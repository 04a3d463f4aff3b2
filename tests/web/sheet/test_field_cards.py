"""What pages and programs say about a card that is odd in the ways real days are: sheet, panel and API agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from typing import Any

import pytest
from flask import Flask, render_template_string

from pmsapp.domain.appointment import Patient, Presence, TelehealthLinks, WorkflowState
from pmsapp.domain.runsheet import Action, MovedFrom, Rebooked, allowed_actions
from pmsapp.services.editing import overrides
from tests.support import tables
from tests.support.actors import browser_for, program_for
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered
from tests.web.made_up import NOW, at, card
from tests.web.sheet.test_pages import card_of, words_of

BORN = date(1979, 3, 12)
LINKS = TelehealthLinks("https://video.example.com/host-1", "https://video.example.com/guest-1")
JOIN_WORDS = ("Open as clinician", "Copy for the patient", LINKS.host, LINKS.patient)


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    practice = stock(FakePractice())
    practice.patients["ada"] = practice.patients["ada"]._replace(birth_date=BORN)
    with registered("practice", practice):
        yield practice


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    return FakeClinic(practice)


PHONES = """
received                        | shown                           | dials
Mum 0491 570 156 after 3pm      | Mum 0491 570 156 after 3pm      | +61491570156
0491 570 156 (Axel)             | 0491 570 156 (Axel)             | +61491570156
0491 570 156 / 0491 570 157     | 0491 570 156 / 0491 570 157     | +61491570156 +61491570157
03 7010 1234 ext 12             | 03 7010 1234 ext 12             | +61370101234
0491 570 15                     | 0491 570 15                     | none
(03) 7010 1234 #12              | (03) 7010 1234 #12              | +61370101234
+61491570156                    | 0491 570 156                    | +61491570156
"""


@pytest.mark.parametrize("row", tables.rows(PHONES), ids=lambda row: row["received"])
def test_field_01_sheet_panel_and_api_show_a_phone_as_the_practice_wrote_it(
    app: Flask, clinic: FakeClinic, row: dict[str, str]
) -> None:
    clinic.practice.edit_patient("ada", phone=row["received"])
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    browser = browser_for(app, "reception")
    for page in (browser.get("/").text, browser.get(f"/cards/{card_id}").text):
        (phone,) = re.findall(r"<bdi data-phone[^>]*>(.*?)</bdi>", page)
        assert unescape(re.sub(r"<[^>]+>", "", phone)) == row["shown"]
        assert re.findall(r'href="tel:([^"]*)"', page) == row["dials"].replace("none", "").split()
    told = program_for(app).get(f"/api/run-sheet/appointments/{card_id}").json
    assert told["patient_phone"] == row["received"]
    # The form holds what is shown, and saving it untouched changes nothing.
    assert f'value="{row["shown"]}"' in unescape(browser.get(f"/cards/{card_id}").text)
    saved = browser.post(f"/cards/{card_id}", data={"row_version": "1", "patient_phone": row["shown"]})
    assert saved.status_code == 303
    assert clinic.card(visit).edited == ()


def test_field_02_the_panel_shows_the_mail_field_as_received(app: Flask, clinic: FakeClinic) -> None:
    clinic.practice.edit_patient("ada", email="A Name <lee@example.com>; mum@example.com")
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    page = browser_for(app, "reception").get(f"/cards/{clinic.card(visit).id}").text
    assert "<bdi>A Name &lt;lee@example.com&gt;; mum@example.com</bdi>" in page


# -- what can be done follows from where a card stands -------------------------------------------------------------------


ALLOWED = """
presence         | actions
on_sheet         | join edit advance recheck remove take_over
cancelled        | edit acknowledge recheck remove
deleted          | edit acknowledge recheck remove
held             | edit acknowledge recheck remove
filtered         | edit acknowledge recheck remove
unmapped         | edit acknowledge recheck remove
removed_by_staff | restore recheck
"""


@pytest.mark.parametrize("row", tables.rows(ALLOWED), ids=lambda row: row["presence"])
def test_field_03_every_presence_says_what_it_allows(row: dict[str, str]) -> None:
    presence = Presence(row["presence"])
    assert allowed_actions(presence, WorkflowState.BOOKED) == {
        Action(action) for action in row["actions"].split()
    }
    done = allowed_actions(presence, WorkflowState.DONE)
    assert Action.ADVANCE not in done


@pytest.mark.parametrize("how", ["stands", "cancelled", "deleted", "held", "removed"])
def test_field_03_page_and_api_give_links_only_of_a_visit_that_takes_place(
    app: Flask, clinic: FakeClinic, how: str
) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"], links=LINKS)
    clinic.sync()
    card_id = clinic.card(visit).id
    match how:
        case "cancelled":
            clinic.practice.change(visit, status="cancelled")
        case "deleted":
            clinic.practice.delete(visit)
        case "held":
            clinic.practice.change(visit, patients=("bo",))
        case "removed":
            overrides.remove_card(card_id, "twice", MEL)
    clinic.sync()
    page = browser_for(app, "reception").get(f"/cards/{card_id}").text
    told = program_for(app).get(f"/api/run-sheet/appointments/{card_id}").json
    assert [word in page for word in JOIN_WORDS] == [how == "stands"] * 4
    assert told["links"] == ({"host": LINKS.host, "patient": LINKS.patient} if how == "stands" else None)
    assert ("Mark contacted" in page) == (how == "stands")


def test_field_03_a_program_cannot_change_a_removed_card(app: Flask, clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    card_id = clinic.card(visit).id
    overrides.remove_card(card_id, "twice", MEL)
    answer = program_for(app, "admin").send(
        "PATCH", f"/api/run-sheet/appointments/{card_id}", json={"state": "done"}
    )
    assert (answer.status_code, answer.json["code"]) == (409, "CARD-REMOVED")


# -- one person under another file ----------------------------------------------------------------------------------------


def test_field_09_the_question_is_true_and_same_is_an_answer(
    app: Flask, clinic: FakeClinic, practice: FakePractice
) -> None:
    practice.patients["ada2"] = Patient("ada2", "Ada Alder", BORN)
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"notes": "Rang twice"}, MEL)
    clinic.practice.change(visit, patients=("ada2",))
    clinic.sync()
    browser = browser_for(app, "reception")
    page = browser.get("/decisions").text
    assert "This booking now is under another patient file in" in page
    assert "different patient" not in page
    assert "Before: Ada Alder, born 12 Mar 1979" in page
    assert "Now: Ada Alder, born 12 Mar 1979" in page
    (question,) = clinic.questions()
    assert browser.post(f"/decisions/{question.id}", data={"choice": "same"}).status_code == 303
    assert "It is the same person" in browser.get("/decisions").text
    assert clinic.card(visit, "ada2").notes == "Rang twice"


def test_field_09_a_program_answers_same_where_that_is_known(app: Flask, clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, patients=("bo",))
    clinic.sync()
    (question,) = clinic.questions()
    program = program_for(app)
    refused = program.send("POST", f"/api/pms/conflicts/{question.id}", json={"choice": "same"})
    assert refused.status_code == 422
    clinic.practice.edit_patient("bo", name="Ada Alder", birth_date=BORN)
    clinic.sync()
    assert (
        program.send("POST", f"/api/pms/conflicts/{question.id}", json={"choice": "same"}).status_code == 200
    )
    assert [card.pms_patient_id for card in clinic.sheet().cards] == ["bo"]


# -- cancelled and booked anew ----------------------------------------------------------------------------------------------


def test_field_10_page_and_api_link_both_cards_and_take_the_work_over(
    app: Flask, frozen_clock: FrozenClock, clinic: FakeClinic
) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"notes": "Rang twice", "state": "contacted"}, MEL)
    clinic.practice.change(visit, status="cancelled")
    again = clinic.practice.book("ben", clinic.at("09:15"), ["ada"])
    frozen_clock.advance(minutes=5)
    clinic.sync()
    old, new = clinic.card(visit).id, clinic.card(again).id
    browser, program = browser_for(app, "reception"), program_for(app, "reception")
    sheet = browser.get("/").text
    assert "Booked anew at 09:15" in sheet
    assert "Booked anew, was at 10:20" in sheet
    api = "/api/run-sheet/appointments"
    assert program.get(f"{api}/{old}").json["rebooked"] == {"to": new}
    assert program.get(f"{api}/{new}").json["rebooked"] == {"from": old}
    assert "Take over notes, state and edits" in browser.get(f"/cards/{new}").text
    assert "Take over notes, state and edits" not in browser.get(f"/cards/{old}").text
    assert program.send("POST", f"{api}/{old}/take-over").status_code == 409
    assert browser.post(f"/cards/{new}/take-over").status_code == 303
    told = program.get(f"{api}/{new}").json
    assert (told["notes"], told["state"]) == ("Rang twice", "contacted")
    assert program.send("POST", f"{api}/{new}/take-over").json["code"] == "NOTHING-TO-TAKE-OVER"
    assert "Take over notes" not in browser.get(f"/cards/{new}").text


def test_field_10_a_program_takes_over_too(app: Flask, frozen_clock: FrozenClock, clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"patient_phone": "+61491570156"}, MEL)
    clinic.practice.delete(visit)
    again = clinic.practice.book("anna", clinic.at("09:15"), ["ada"])
    frozen_clock.advance(minutes=5)
    clinic.sync()
    path = f"/api/run-sheet/appointments/{clinic.card(again).id}/take-over"
    assert program_for(app, "reception").send("POST", path).json["patient_phone"] == "+61491570156"
    assert program_for(app, "viewer").send("POST", path).status_code == 403


# -- near names ---------------------------------------------------------------------------------------------------------------


def test_field_11_a_suggestion_names_birth_dates_and_phones(
    app: Flask, clinic: FakeClinic, practice: FakePractice
) -> None:
    practice.patients["emma"] = Patient("emma", "Emma Numbat", date(2012, 5, 5), "+61491571491")
    typed: dict[str, Any] = {
        "start_at": clinic.at("09:00"),
        "patient_name": "Ella Numbat",
        "patient_phone": "0491 571 804",
        "clinician_id": clinic.mapped["anna"],
    }
    overrides.add_card(clinic.today, typed, MEL)
    clinic.practice.book("anna", clinic.at("09:00"), ["emma"])
    clinic.sync()
    page = browser_for(app, "reception").get("/decisions").text
    assert "By hand: 09:00 Ella Numbat, birth date not known, 0491 571 804" in page
    assert ": 09:00 Emma Numbat, born 5 May 2012, 0491 571 491" in page


# -- moves and the timeline ---------------------------------------------------------------------------------------------------


def test_field_19_a_card_says_from_when_or_from_whom_it_moved() -> None:
    assert words_of(card_of(clock="10:20")) == []
    by_time = MovedFrom(at("10:20"), None, None, NOW)
    assert words_of(card_of(clock="11:00", moved_from=by_time)) == ["Moved from 10:20"]
    by_whom = MovedFrom(None, 7, None, NOW)
    assert words_of(card_of(clinician_id=1, moved_from=by_whom)) == ["Moved from another clinician"]
    by_both = MovedFrom(at("10:20"), 7, None, NOW)
    assert words_of(card_of(clock="11:00", moved_from=by_both)) == ["Moved from 10:20, another clinician"]
    anew = card(rebooked_to=Rebooked(2, at("09:15"))).rebooked_to
    assert words_of(card_of(presence=Presence.CANCELLED, presence_at=NOW, rebooked_to=anew)) == [
        "Booked anew at 09:15"
    ]


def test_field_19_the_panel_says_what_was_and_is_and_claims_no_time_of_the_pms(
    app: Flask, frozen_clock: FrozenClock, clinic: FakeClinic
) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, practitioner="ben")
    clinic.sync()
    card_id = clinic.card(visit).id
    overrides.edit_card(card_id, {"patient_phone": "+61491570156"}, MEL)
    browser = browser_for(app, "reception")
    sheet = browser.get("/").text  # before the card is looked at: what one has seen moved is no news
    page = unescape(re.sub(r"<[^>]+>", "", browser.get(f"/cards/{card_id}").text))
    assert "last changed there" not in page
    assert "clinician Dr Anna Abel → Dr Ben Bock" in page
    assert "phone 0491 570 000 → 0491 570 156" in page
    assert "Moved from Dr Anna Abel" in sheet
    assert "Moved from 10:20" not in sheet


def test_field_01_a_phone_never_becomes_markup(app: Flask) -> None:
    view = card_of(patient_phone='<b onclick="x()">0491 570 156</b>')
    template = '{% from "runsheet/card.html" import card %}{{ card(c, "") }}'
    with app.test_request_context():
        html = render_template_string(template, c=view)
    assert "<b onclick" not in html
    assert 'href="tel:+61491570156"' in html
