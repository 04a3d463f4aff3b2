"""Codes are raised where they are true, with their patients, and go away by themselves once that is settled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.models import PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from pmsapp.services.editing import decisions
from pmsapp.services.monitoring import conditions
from pmsapp.settings import Settings
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.connecting import vendor_settings
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic
from tests.vendors.clinics import VENDORS


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


def sheet_page(app: Flask) -> str:
    page: str = actors.browser_for(app, "reception").get("/").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def codes_asked() -> dict[str, int]:
    return {question.kind: len(question.appointment_ids) for question in decisions.list_open()}


def test_field_20_a_practitioner_nobody_knows_is_map_new_with_their_patients(
    app: Flask, clinic: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    practice.practitioners["new"] = Practitioner("new", "Dr Brand New")
    practice.book("new", clinic.at("11:00"), ["ada"])
    clinic.sync()
    page = sheet_page(app)
    assert "Dr Brand New has 1 appointment that is not shown" in page
    assert "MAP-NEW" in page
    (question,) = decisions.list_open()
    decisions.decide(question.id, "keep", MEL)
    assert "MAP-NEW" not in sheet_page(app)


def test_field_20_a_type_nobody_knows_is_type_new_with_its_patients(
    app: Flask, clinic: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    practice.types["chat"] = AppointmentType("chat", "Video chat", 20, suggested=True)
    for at, patient in (("11:00", "ada"), ("11:20", "bo")):
        practice.book("anna", clinic.at(at), [patient], type_id="chat")
    clinic.sync()
    assert codes_asked() == {"type_new": 2}
    page = sheet_page(app)
    assert "2 patients of an appointment type that is new" in page
    assert "TYPE-NEW" in page
    (question,) = decisions.list_open()
    decisions.decide(question.id, "pms", MEL)
    assert "TYPE-NEW" not in sheet_page(app)


def test_field_20_a_time_that_exists_twice_is_time_odd_until_it_is_put_right(
    app: Flask, clinic: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.book("anna", clinic.at("11:00"), ["ada"], time_odd=True)
    clinic.sync()
    page = sheet_page(app)
    assert "1 patient at a time that does not exist or exists twice" in page
    assert "TIME-ODD" in page
    practice.visits["v1"] = replace(practice.visits["v1"], time_odd=False)
    clinic.sync()
    assert "TIME-ODD" not in sheet_page(app)


@pytest.mark.parametrize("vendor", VENDORS)
def test_field_20_a_vendors_clock_that_differs_is_told_and_ends_by_itself(
    app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock, vendor: str
) -> None:
    clinic = SyncedClinic(app, sandbox, vendor)
    clinic.map_everybody()

    def told() -> tuple[float | None, list[str]]:
        clinic.sync()
        with reading() as session:
            row = session.get_one(PMSConnection, clinic.connection_id)
            found = conditions.find(session, clock.now())
        return row.clock_skew_s, [condition.code for condition in found if condition.code == "CLOCK"]

    sandbox.faults.set("clock_skew", vendor=vendor, seconds=600)
    skew_s, codes = told()
    assert codes == ["CLOCK"]
    assert skew_s is not None
    assert 590 < skew_s < 610
    sandbox.faults.clear()
    skew_s, codes = told()
    assert codes == []
    assert skew_s is not None
    assert abs(skew_s) < 120
