"""What the run sheet costs the server: few statements, the same for a small and a large clinic, and a quiet poll."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask, template_rendered

from pmsapp.models import (
    Incident,
    PMSClinicianMapping,
    PMSConnection,
    RunSheet,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetOverride,
    ScopeFreshness,
    SyncRun,
)
from pmsapp.services.base.transaction import writing
from tests.support.actors import Browser
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.seeded_clinic import DAY, ZONE, seed
from tests.support.statements import counted

PAGE = f"/sheet/{DAY}"
POLL = {"HX-Request": "true", "X-Poll": "1"}
pytestmark = pytest.mark.usefixtures("frozen_clock")


def grow(clinicians: int, cards_each: int) -> None:
    """More columns and cards, every card typed over, another connection and a run under way."""
    now = MONDAY_9AM
    with writing() as session:
        sheet_id = session.query(RunSheet.id).filter(RunSheet.date == DAY).scalar()
        second = PMSConnection(
            id=100,
            pms_type="halaxy",
            display_name="Second",
            time_zone="Australia/Perth",
            secret_uid="another",
            state="ok",
            sync_enabled=True,
            created_at=now,
            updated_at=now,
        )
        session.add(second)
        session.flush()
        session.add(
            SyncRun(
                id=100,
                pms_connection_id=second.id,
                sync_type="full",
                trigger="schedule",
                dates=[DAY.isoformat()],
                status="running",
                requested_at=now,
                progress={"done": 1, "total": 4},
            )
        )
        for number in range(100, 100 + clinicians):
            session.add(RunSheetClinician(id=number, name=f"Dr {number}", sort_order=number, created_at=now))
            session.flush()
            session.add(
                PMSClinicianMapping(
                    id=number,
                    pms_connection_id=second.id,
                    pms_practitioner_id=str(number),
                    pms_practitioner_name=f"Dr {number}",
                    decision="mapped",
                    run_sheet_clinician_id=number,
                    first_seen_at=now,
                    last_seen_at=now,
                )
            )
            session.add(
                ScopeFreshness(
                    id=number, connection_id=second.id, date=DAY, pms_practitioner_id=str(number), as_of=now
                )
            )
            for place in range(cards_each):
                card = RunSheetAppointment(
                    id=number * 100 + place,
                    run_sheet_id=sheet_id,
                    clinician_id=number,
                    start_at=now + timedelta(minutes=place),
                    time_zone=ZONE,
                    patient_name="Grown Patient",
                    appointment_status="booked",
                    presence="on_sheet",
                    created_at=now,
                    updated_at=now,
                )
                session.add(card)
                session.flush()
                session.add(
                    RunSheetOverride(
                        id=card.id,
                        appointment_id=card.id,
                        field="patient_phone",
                        value="1",
                        by="Mel",
                        at=now,
                        state="active",
                    )
                )


def end_trouble() -> None:
    with writing() as session:
        session.query(Incident).update({"ended_at": MONDAY_9AM})


@pytest.mark.parametrize("path", ["/", PAGE])
def test_a_page_takes_at_most_six_statements_however_large_the_clinic(reception: Browser, path: str) -> None:
    seed()
    reception.get(path)  # a person's first look at a day is noted, once
    with counted() as small:
        assert reception.get(path).status_code == 200
    grow(clinicians=12, cards_each=6)
    reception.get(path)  # so are cards that somebody sees for the first time
    with counted() as large:
        page = reception.get(path)
    assert page.text.count('id="card-') > 70
    assert "Updating… 1 of 4" in page.text
    assert len(small) == len(large) <= 6
    end_trouble()
    with counted() as calm:
        reception.get(path)
    assert len(calm) == len(large) - 1


def test_the_interface_takes_at_most_six_statements(reception: Browser) -> None:
    seed()
    grow(clinicians=5, cards_each=3)
    reception.get(f"/api/run-sheet?date={DAY}")  # noted in the log, once
    with counted() as sent:
        answer = reception.get(f"/api/run-sheet?date={DAY}")
    assert answer.status_code == 200
    assert len(sent) <= 6
    with counted() as again:
        same = reception.get(f"/api/run-sheet?date={DAY}", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304
    assert len(again) <= 2


def test_an_unchanged_poll_takes_two_statements_and_no_template(app: Flask, reception: Browser) -> None:
    seed()
    grow(clinicians=5, cards_each=3)
    found = re.search(rf'hx-get="({PAGE}[^"]+)"', reception.get(PAGE).text)
    assert found
    rendered: list[object] = []
    with template_rendered.connected_to(lambda *args, **more: rendered.append(more), app), counted() as sent:
        answer = reception.get(html.unescape(found[1]), headers=POLL)
    assert answer.status_code == 204
    assert answer.data == b""
    assert len(sent) <= 2
    assert not rendered


def test_a_poll_notices_whatever_the_page_shows(reception: Browser, frozen_clock: FrozenClock) -> None:
    seed()

    def unchanged(address: str) -> bool:
        return reception.get(address, headers=POLL).status_code == 204

    def address() -> str:
        found = re.search(rf'hx-get="({PAGE}[^"]+)"', reception.get(PAGE).text)
        assert found
        return html.unescape(found[1])

    def change(model: type, **values: object) -> bool:
        """True when a page shown before the change is not "unchanged" after it, and a new one is."""
        before = address()
        assert unchanged(before)
        with writing() as session:
            session.query(model).update(values)
        return not unchanged(before) and unchanged(address())

    assert change(PMSConnection, state="needs_you", last_error_code="AUTH-EXPIRED")
    assert change(PMSConnection, paused_until=MONDAY_9AM + timedelta(hours=1))
    assert change(PMSConnection, display_name="Another name")
    assert change(ScopeFreshness, as_of=MONDAY_9AM - timedelta(minutes=7))
    assert change(PMSClinicianMapping, decision="undecided", run_sheet_clinician_id=None)
    assert change(RunSheetClinician, name="Dr Renamed")
    assert change(RunSheet, version=RunSheet.version + 1)
    assert change(Incident, ended_at=MONDAY_9AM)
    before = address()
    frozen_clock.advance(seconds=61)
    assert not unchanged(before)
