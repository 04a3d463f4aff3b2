"""The log, retention and patients' records as pages: what managers read and press."""

from __future__ import annotations

import pytest
from flask import Flask

from pmsapp.services.base import audit
from pmsapp.services.base.audit import Wanted
from pmsapp.services.records import access_log
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import BORN, PHONE, Texts, seed


@pytest.fixture
def texts(app: Flask, frozen_clock: FrozenClock) -> Texts:
    return seed()


def actions() -> list[str]:
    return [entry.action for entry in audit.list_events()]


def test_a_look_at_the_sheet_and_a_card_stands_in_the_log_without_a_name(
    texts: Texts, admin: Browser, reception: Browser
) -> None:
    reception.get("/")
    reception.get("/cards/2")
    page = admin.get("/settings/log?what=looks").text
    assert "looked at the run sheet" in page
    assert "cards: 1-2" in page
    assert "looked at a card" in page
    for secret in texts.patient_texts:
        assert secret not in page


def test_the_filters_are_in_the_address_and_narrow_the_log(
    texts: Texts, admin: Browser, reception: Browser
) -> None:
    reception.get("/cards/1")
    reception.get("/cards/2")
    page = admin.get("/settings/log?what=looks&card=2&from=2026-11-23&to=2026-11-23").text
    assert 'href="/cards/2"' in page
    assert 'href="/cards/1"' not in page
    assert "Nothing matches" in admin.get("/settings/log?who=Nobody+Here").text
    assert "Nothing matches" in admin.get("/settings/log?to=2020-01-01").text


@pytest.mark.parametrize("query", ["card=x", "from=yesterday", "what=else"])
def test_a_filter_that_makes_no_sense_says_so(texts: Texts, admin: Browser, query: str) -> None:
    assert admin.get(f"/settings/log?{query}").status_code == 422


def test_only_an_administrator_reads_the_log(texts: Texts, reception: Browser, viewer: Browser) -> None:
    assert [visitor.get("/settings/log").status_code for visitor in (reception, viewer)] == [403, 403]


def test_a_poll_writes_no_further_look(texts: Texts, reception: Browser) -> None:
    reception.get("/")
    before = actions()
    for _ in range(5):
        reception.get("/sheet/2026-11-23", headers={"HX-Request": "true", "X-Poll": "1"})
    assert actions() == before


def test_a_search_is_noted_without_what_was_searched_for(texts: Texts, reception: Browser) -> None:
    reception.post("/sheet/2026-11-23/search", data={"q": texts.other})
    found = audit.list_events(wanted=Wanted(actions=("search",)))
    assert [entry.subject for entry in found] == ["sheet:2026-11-23"]
    assert texts.other not in str(found)


@pytest.mark.parametrize("what", ["print", "reveal"])
def test_the_browser_tells_of_paper_and_of_details_shown_again(
    texts: Texts, reception: Browser, what: str
) -> None:
    answer = reception.post("/looks", data={"what": what, "date": "2026-11-23"})
    assert answer.status_code == 204
    access_log.write_waiting()
    audit_rows = audit.list_events(wanted=Wanted(actions=(what,)))
    assert audit_rows[0].detail == {"session_id": audit_rows[0].detail["session_id"], "cards": "1-2"}
    assert reception.post("/looks", data={"what": "else"}).status_code == 422


def test_the_retention_page_says_what_goes_next(
    texts: Texts, admin: Browser, frozen_clock: FrozenClock
) -> None:
    assert "no card is due" in admin.get("/settings/retention").text
    assert "7 years" in admin.get("/settings/retention").text


def test_a_patient_is_found_read_put_right_and_erased(texts: Texts, admin: Browser) -> None:
    assert admin.get("/settings/patients").status_code == 200
    found = admin.post(
        "/settings/patients", data={"name": "zzyzx", "birth_date": BORN.isoformat(), "phone": PHONE}
    )
    assert texts.other in found.text
    assert texts.own not in found.text
    page = admin.post("/settings/patients/show", data={"reference": "1:pa-2"})
    assert f"{texts.other} note" in page.text
    file = admin.post("/settings/patients/export", data={"reference": "1:pa-2"})
    assert file.json["names"][0] == texts.other
    assert file.headers["Content-Disposition"] == 'attachment; filename="patient.json"'
    right = admin.post(
        "/settings/patients/correct", data={"reference": "1:pa-2", "patient_email": "a@example.com"}
    )
    assert "Put right on 1 card" in right.text
    unsure = admin.post("/settings/patients/erase", data={"reference": "1:pa-2"})
    assert unsure.status_code == 422
    kept = admin.post("/settings/patients/erase", data={"reference": "1:pa-2", "sure": "on"})
    assert kept.status_code == 409
    gone = admin.post(
        "/settings/patients/erase", data={"reference": "1:pa-2", "sure": "on", "despite_the_law": "on"}
    )
    assert "1 card erased" in gone.text
    assert admin.post("/settings/patients/show", data={"reference": "1:pa-2"}).status_code == 404
    assert {"person.viewed", "export", "card.edit", "person.erased"} <= set(actions())


def test_a_search_for_nothing_or_nonsense_says_so(texts: Texts, admin: Browser) -> None:
    assert admin.post("/settings/patients", data={}).status_code == 422
    assert admin.post("/settings/patients", data={"birth_date": "soon"}).status_code == 422
    assert "Nobody matches" in admin.post("/settings/patients", data={"name": "Nobody"}).text
