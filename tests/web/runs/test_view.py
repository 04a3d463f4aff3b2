"""What the pages say about one update."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.appointment import Presence
from pmsapp.domain.codes import CATALOGUE
from pmsapp.domain.runsheet import DISCONNECTED
from pmsapp.schemas.runs import Run
from pmsapp.services.connections import connections
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs.history import ScopeView
from pmsapp.services.sheet.timeline import RunChange
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import ChangeRow
from pmsapp.web.ui import labels
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

SCOPE = ScopeView(
    pms_practitioner_id="anna",
    name="Dr Anna Abel",
    date=date(2026, 11, 23),
    outcome="complete",
    counts={},
    error_code=None,
    expected=12,
    matched=12,
    differences=None,
    checked_at=datetime(2026, 11, 22, 22, 2, tzinfo=UTC),
)


def test_a_receipt_says_how_many_match_and_since_when() -> None:
    assert run_view.receipt_words(SCOPE, "Australia/Melbourne") == "12 of 12, checked 09:02"


def test_a_receipt_says_where_the_sheet_differs() -> None:
    scope = replace(SCOPE, matched=11, differences={"not_as_read": 1, "held": 2, "kept_by_staff": 3})
    assert run_view.receipt_words(scope, "Australia/Perth") == (
        "11 of 12, checked 06:02; 1 not as read; 2 held; 3 kept by staff"
    )


def test_a_list_that_was_not_read_to_its_end_has_no_receipt() -> None:
    assert run_view.receipt_words(replace(SCOPE, expected=None, matched=None), "Australia/Perth") == ""


def test_a_card_that_changed_is_named_by_its_place_and_says_how() -> None:
    start = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    change = RunChange(7, start, "Australia/Melbourne", "Dr Hart", "moved_time", ("start_at", "pms_date"))
    assert run_view.change_row(change, date(2026, 11, 23)) == ChangeRow(
        "/cards/7", "Mon 23 Nov 09:30, Dr Hart", "moved: start time"
    )
    new = replace(change, clinician=None, kind="created", fields=())
    assert run_view.change_row(new, date(2026, 11, 23)) == ChangeRow(
        "/cards/7", "Mon 23 Nov 09:30, no clinician", "new"
    )


def test_a_cancelled_run_names_who_cancelled_it(app: Flask) -> None:
    with registered("practice", practice := stock(FakePractice())):
        clinic = FakeClinic(practice)
        run = run_history.cancel_run(clinic.connection_id, clinic.request(), MEL)
    assert run_view.result_sentence(run) == "Cancelled by Mel. Nothing changed."


def test_field_20_cards_that_wait_for_a_person_are_no_partial_update(app: Flask) -> None:
    with registered("practice", practice := stock(FakePractice())):
        fake = FakeClinic(practice)
        visit = practice.book("anna", fake.at("13:00"), ["ada"])
        fake.sync()
        practice.change(visit, patients=("bo",))
        run = fake.sync()
        view = connections.get_connection(fake.connection_id)
    assert (run.status, run.counts["held"]) == ("partial", 1)
    assert run_view.status_badge(run).word == "Updated, cards held"
    assert run_view.result_sentence(run).startswith("Updated, cards held: ")
    assert labels.connection_badge(view, None, clock.now()).word == "Updated, cards held"


def test_field_20_a_preview_says_that_it_wrote_nothing(app: Flask) -> None:
    with registered("practice", practice := stock(FakePractice())):
        fake = FakeClinic(practice)
        practice.book("anna", fake.at("13:00"), ["ada"])
        run = fake.sync(dry_run=True)
    assert run_view.status_badge(run).word == "Preview only"
    assert run_view.result_sentence(run) == "Preview only, nothing was written. It would be: 1 new."
    assert Run.of(run, fake.zone).dry_run


def test_field_20_taking_a_connection_away_cancels_nobodys_visit(app: Flask) -> None:
    with registered("practice", practice := stock(FakePractice())):
        fake = FakeClinic(practice)
        visit = practice.book("anna", fake.at("13:00"), ["ada"])
        fake.sync()
        card = replace(fake.card(visit), presence=Presence.CANCELLED, presence_reason="cancelled there")
    assert labels.presence_badge(card).word == "Cancelled"
    assert labels.presence_badge(replace(card, presence_reason=DISCONNECTED)).word == "Disconnected"


@pytest.mark.parametrize("code", ["NO-LOGIN", "PAIR-BLOCKED", "MAP-NEW", "TYPE-NEW", "TIME-ODD", "CLOCK"])
def test_field_20_each_cause_has_a_word_of_its_own(code: str) -> None:
    headlines = [entry.headline for entry in CATALOGUE.values()]
    assert len(headlines) == len(set(headlines))
    assert CATALOGUE[code].advice
