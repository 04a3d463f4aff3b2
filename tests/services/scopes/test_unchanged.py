"""A list whose answers are those of last time is not looked into, and never hides what moved meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.adapters.gentu.appointments import AppointmentReader
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import PMSAppointmentType, RunSheetAppointment
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import overrides
from pmsapp.services.runs.history import RunView
from pmsapp.services.scopes import unchanged
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors={"GENTU": {"base_url": sandbox.gentu_base}})


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    clinic = SyncedClinic(app, sandbox)
    clinic.map_everybody()
    clinic.sync()
    return clinic


ODD = "lee-hana"  # one of whose rows needs a second question, so that her answers alone say too little


@pytest.fixture
def odd(sandbox: SandboxServer) -> str:
    return sandbox.clinic.id_of("gentu", "practitioner", ODD)


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many pages were parsed, by practitioner."""
    seen: Counter[str] = Counter()
    parse = AppointmentReader._parse_page

    def counting(self: AppointmentReader, reply: object, is_last: bool, day: object) -> object:
        seen[day.practitioner_id] += 1  # type: ignore[attr-defined]
        return parse(self, reply, is_last, day)  # type: ignore[arg-type]

    monkeypatch.setattr(AppointmentReader, "_parse_page", counting)
    return seen


def counts_without_new(run: RunView) -> dict[str, int]:
    merged = dict(run.counts)
    merged["unchanged"] += merged.pop("created") + merged.pop("updated")
    return merged


def card_versions() -> dict[int, tuple[int, object]]:
    with reading() as session:
        rows = session.execute(
            select(RunSheetAppointment.id, RunSheetAppointment.row_version, RunSheetAppointment.updated_at)
        )
        return {row[0]: (row[1], row[2]) for row in rows}


def test_the_same_answers_are_counted_without_being_looked_into(
    clinic: SyncedClinic, looked_into: Counter[str]
) -> None:
    before, first = card_versions(), clinic.sync()
    second = clinic.sync()
    everybody = {row.practitioner_id for row in clinic.truth()}
    assert len(everybody - set(looked_into)) >= 3  # the others' rows each need a question besides the list
    assert counts_without_new(first) == counts_without_new(second)
    assert (second.status, second.counts["fetched"]) == ("success", first.counts["fetched"])
    assert [scope.matched for scope in second.scopes] == [scope.expected for scope in second.scopes]
    assert card_versions() == before


def test_only_the_list_that_changed_is_looked_into(
    clinic: SyncedClinic, looked_into: Counter[str], odd: str
) -> None:
    row = next(
        booking
        for booking in clinic.truth()
        if booking.appointment_status == "booked" and booking.practitioner_id != odd
    )
    clinic.sandbox.clinic.cancel(row.appointment_id)
    run = clinic.sync()
    assert set(looked_into) - {odd} == {row.practitioner_id}
    assert run.counts["updated"] == 1
    assert clinic.card_of(row).presence == "cancelled"


def test_a_card_removed_by_staff_is_seen_by_the_next_run(
    clinic: SyncedClinic, looked_into: Counter[str]
) -> None:
    row = next(booking for booking in clinic.truth() if booking.appointment_status == "booked")
    overrides.remove_card(clinic.card_of(row).id, "wrong clinic", COMMAND_LINE)
    run = clinic.sync()
    assert row.practitioner_id in looked_into
    assert run.counts["skipped"] >= 1
    assert clinic.card_of(row).presence == "removed_by_staff"


def test_a_decision_about_types_is_applied_although_the_answers_are_the_same(
    clinic: SyncedClinic, looked_into: Counter[str]
) -> None:
    clinic.sync()
    looked_into.clear()
    clinic.sync()
    row = next(
        booking
        for booking in clinic.truth()
        if booking.appointment_status == "booked" and booking.practitioner_id not in looked_into
    )
    with writing() as session:
        session.execute(
            update(PMSAppointmentType)
            .where(PMSAppointmentType.pms_type_id == row.appointment_type_id)
            .values(is_telehealth=False)
        )
    clinic.sync()
    assert clinic.card_of(row).presence == "filtered"


def test_an_edit_between_the_look_and_the_note_makes_the_list_be_read_anew(
    clinic: SyncedClinic, looked_into: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(booking for booking in clinic.truth() if booking.appointment_status == "booked")
    card = clinic.card_of(row)
    known_reads = unchanged.known_reads

    def edited_meanwhile(*args: object) -> object:
        known = known_reads(*args)  # type: ignore[arg-type]
        overrides.edit_card(card.id, {"notes": f"typed at {clock.monotonic_s()}"}, COMMAND_LINE)
        return known

    monkeypatch.setattr(unchanged, "known_reads", edited_meanwhile)
    run = clinic.sync(clinic.today)
    assert run.status == "success"
    assert looked_into[row.practitioner_id or ""] > 0
    assert (clinic.card_of(row).notes or "").startswith("typed at")
