"""Matching the vendor's practitioners to the columns of the run sheet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.appointment import Presence
from pmsapp.domain.errors import RetryLaterError
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.models import (
    AuditEvent,
    PMSClinicianMapping,
    PMSConnection,
    RunSheet,
    RunSheetAppointment,
)
from pmsapp.models import Decision as Question
from pmsapp.sandbox.server import SandboxServer
from pmsapp.schemas.matching import PractitionerList
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.matching import live_lists, mappings
from pmsapp.services.matching.mappings import MappingChoice
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sheet import columns, questions
from pmsapp.services.sheet import days as sheet_days
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.connecting import ADMIN, count, paired_gentu, vendor_settings
from tests.support.sandboxes import Sandboxes

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def sandbox(
    sandboxes: Sandboxes, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> SandboxServer:
    """A Monday morning; counting appointments ahead may take as long as it takes on a busy machine."""
    monkeypatch.setattr(live_lists, "UPCOMING_S", 60.0)
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def connection_id(app: Flask, sandbox: SandboxServer) -> int:
    return paired_gentu(sandbox)


def by_name(connection_id: int) -> dict[str, mappings.PractitionerView]:
    return {person.name: person for person in mappings.list_practitioners(connection_id)}


def decide(connection_id: int, *choices: MappingChoice) -> None:
    mappings.set_mappings(connection_id, choices, ADMIN)


def run_now(connection_id: int) -> None:
    request = run_requests.request_run(connection_id, trigger="manual", actor=ADMIN)
    execute.execute_run(request.sync_id)


def test_practitioners_are_read_live_before_any_run(connection_id: int) -> None:
    listed = mappings.list_practitioners(connection_id)
    assert len(listed) > 4
    assert [person.name for person in listed] == sorted((person.name for person in listed), key=str.casefold)
    assert {person.decision for person in listed} == {MappingDecision.UNDECIDED}
    assert any(not person.active for person in listed)
    assert any(not person.shown_in_appointment_book for person in listed)
    assert count(PMSClinicianMapping) == 0, "asking stores nothing"


def test_appointments_ahead_are_counted_for_those_in_the_book(connection_id: int) -> None:
    for person in mappings.list_practitioners(connection_id):
        seen = person.active and person.shown_in_appointment_book
        assert (person.upcoming_appointments is not None) == seen
    assert any(person.upcoming_appointments for person in mappings.list_practitioners(connection_id))


def test_the_answer_is_kept_for_a_minute(sandbox: SandboxServer, connection_id: int) -> None:
    mappings.list_practitioners(connection_id)
    before = sandbox.requests.count(vendor="gentu")
    mappings.list_practitioners(connection_id)
    assert sandbox.requests.count(vendor="gentu") == before
    live_lists.forget(connection_id)
    mappings.list_practitioners(connection_id)
    assert sandbox.requests.count(vendor="gentu") > before


def test_appointments_that_cannot_be_counted_are_unknown_not_none(
    sandbox: SandboxServer, connection_id: int
) -> None:
    sandbox.faults.set("forbidden", vendor="gentu", endpoint="appointments")
    assert {person.upcoming_appointments for person in mappings.list_practitioners(connection_id)} == {None}


def test_a_clear_candidate_is_chosen_beforehand_with_its_reason(connection_id: int) -> None:
    hana = columns.create_clinician(ADMIN, name="Ms Hana Lee")
    columns.create_clinician(ADMIN, name="Dr Wombat")
    listed = {person.name: person for person in mappings.list_practitioners(connection_id)}
    mine = next(person for name, person in listed.items() if "Hana" in name)
    assert mine.prechosen_id == hana.id
    assert mine.suggestions[0].reason.startswith("same name")
    other = next(person for name, person in listed.items() if "Kim" in name)
    assert other.prechosen_id is None


def test_each_decision_is_stored_with_its_author(connection_id: int) -> None:
    column = columns.create_clinician(ADMIN, name="Dr A")
    first, second, third, fourth, *_ = mappings.list_practitioners(connection_id)
    decide(
        connection_id,
        MappingChoice(first.pms_practitioner_id, "map", column.id),
        MappingChoice(second.pms_practitioner_id, "create", name="Dr B"),
        MappingChoice(third.pms_practitioner_id, "ignore"),
        MappingChoice(fourth.pms_practitioner_id, "undecided"),
    )
    after = {person.pms_practitioner_id: person for person in mappings.list_practitioners(connection_id)}
    assert after[first.pms_practitioner_id].clinician_id == column.id
    made = after[second.pms_practitioner_id].clinician_id
    assert made is not None
    assert columns.get_clinician(made).name == "Dr B"
    assert after[third.pms_practitioner_id].decision is MappingDecision.IGNORED
    counts = connections.get_connection(connection_id).counts
    assert (counts.mapped, counts.ignored) == (2, 1)
    assert counts.undecided == len(after) - 3
    with reading() as session:
        row = session.scalars(
            select(PMSClinicianMapping).where(PMSClinicianMapping.decision == MappingDecision.IGNORED.value)
        ).one()
        assert row.decided_by == "Mel"
        rows = {row.pms_practitioner_id: row for row in session.scalars(select(PMSClinicianMapping))}
    asked = [rows[person.pms_practitioner_id] for person in (first, second, third, fourth)]
    assert [row.sync_enabled for row in asked] == [True, True, False, False]
    assert [row.auto_created for row in asked] == [False, True, False, False]
    assert all(row.created_at == row.first_seen_at <= row.updated_at for row in asked)
    with reading() as session:
        assert "connection.practitioners_decided" in session.scalars(select(AuditEvent.action)).all()


def test_creating_twice_makes_one_column(connection_id: int) -> None:
    first = mappings.list_practitioners(connection_id)[0]
    for _ in range(2):
        decide(connection_id, MappingChoice(first.pms_practitioner_id, "create"))
    assert [column.name for column in columns.list_clinicians()] == [first.name]
    assert is_auto_created(first.pms_practitioner_id)


def test_a_column_that_was_there_is_not_called_made(connection_id: int) -> None:
    first = mappings.list_practitioners(connection_id)[0]
    columns.create_clinician(ADMIN, name=first.name)
    decide(connection_id, MappingChoice(first.pms_practitioner_id, "create"))
    assert not is_auto_created(first.pms_practitioner_id)


def is_auto_created(practitioner_id: str) -> bool:
    with reading() as session:
        rows = select(PMSClinicianMapping.auto_created)
        return session.scalars(rows.where(PMSClinicianMapping.pms_practitioner_id == practitioner_id)).one()


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (MappingChoice("nobody", "ignore"), "mappings.0.pms_practitioner_id"),
        (MappingChoice("", "hide"), "mappings.0.decision"),
        (MappingChoice("", "map", None), "mappings.0.clinician_id"),
        (MappingChoice("", "map", 999), "mappings.0.clinician_id"),
        (MappingChoice("", "create", name=" "), "mappings.0.name"),
    ],
)
def test_a_wrong_decision_is_named_and_none_is_stored(
    connection_id: int, choice: MappingChoice, field: str
) -> None:
    first, second, *_ = mappings.list_practitioners(connection_id)
    if not choice.pms_practitioner_id:
        choice = MappingChoice(first.pms_practitioner_id, choice.decision, choice.clinician_id, choice.name)
    good = MappingChoice(second.pms_practitioner_id, "ignore")
    with pytest.raises(Invalid) as invalid:
        decide(connection_id, choice, good)
    assert set(invalid.value.errors) == {field}
    assert connections.get_connection(connection_id).counts.ignored == 0


def test_a_practitioner_named_twice_is_refused(connection_id: int) -> None:
    person_id = mappings.list_practitioners(connection_id)[0].pms_practitioner_id
    with pytest.raises(Invalid):
        decide(connection_id, MappingChoice(person_id, "ignore"), MappingChoice(person_id, "undecided"))


def test_only_a_real_change_asks_the_next_run_to_look_anew(connection_id: int) -> None:
    def version() -> int:
        with reading() as session:
            return session.get_one(PMSConnection, connection_id).config_version

    first = mappings.list_practitioners(connection_id)[0].pms_practitioner_id
    decide(connection_id, MappingChoice(first, "ignore"))
    after = version()
    assert after > 1
    decide(connection_id, MappingChoice(first, "ignore"))
    assert version() == after


@pytest.mark.parametrize("decision", ["ignore", "undecided"])
def test_an_unshown_practitioners_cards_leave_at_once_and_come_back(
    connection_id: int, decision: str
) -> None:
    busy = max(
        mappings.list_practitioners(connection_id), key=lambda person: person.upcoming_appointments or 0
    )
    decide(connection_id, MappingChoice(busy.pms_practitioner_id, "create"))
    run_now(connection_id)
    with reading() as session:
        days = list(
            session.scalars(
                select(RunSheet.date)
                .join(RunSheetAppointment, RunSheetAppointment.run_sheet_id == RunSheet.id)
                .where(RunSheetAppointment.presence == "on_sheet", RunSheet.date >= clinic.today(session))
            )
        )
    assert days, "the training clinic has appointments on a Monday"
    day = days[0]
    before = sheet_days.get_sheet(day)
    shown = [card.id for card in before.cards]
    decide(connection_id, MappingChoice(busy.pms_practitioner_id, decision))
    after = sheet_days.get_sheet(day, include_not_shown=True)
    assert after.cards == []
    assert after.not_shown["unmapped"] == len(shown)
    assert after.version > before.version
    decide(connection_id, MappingChoice(busy.pms_practitioner_id, "create"))
    run_now(connection_id)
    again = sheet_days.get_sheet(day)
    assert sorted(card.id for card in again.cards) == sorted(shown)
    assert {card.presence for card in again.cards} <= {Presence.ON_SHEET, Presence.CANCELLED}


def test_somebody_who_just_joined_can_be_decided_about(sandbox: SandboxServer, connection_id: int) -> None:
    mappings.list_practitioners(connection_id)
    joined = sandbox.clinic.add_practitioner("Numbat", "Nora", "Dr")
    assert joined.key
    external_id = sandbox.clinic.id_of("gentu", "practitioner", joined.key)
    decide(connection_id, MappingChoice(external_id, "ignore"))
    assert connections.get_connection(connection_id).counts.ignored == 1


def test_deciding_here_answers_the_open_question(connection_id: int) -> None:
    first = mappings.list_practitioners(connection_id)[0].pms_practitioner_id
    with writing() as session:
        questions.open_question(
            session,
            kind="practitioner_new",
            subject=f"practitioner:{connection_id}:{first}",
            connection_id=connection_id,
            now=clock.now(),
        )
    decide(connection_id, MappingChoice(first, "ignore"))
    with reading() as session:
        row = session.scalars(select(Question)).one()
    assert (row.state, row.choice, row.decided_by) == ("decided", "keep", "Mel")


def test_while_the_vendor_is_away_the_known_list_can_still_be_edited(
    sandbox: SandboxServer, connection_id: int
) -> None:
    first = mappings.list_practitioners(connection_id)[0].pms_practitioner_id
    decide(connection_id, MappingChoice(first, "ignore"))
    live_lists.forget(connection_id)
    sandbox.faults.set("forbidden", vendor="gentu")
    listed = mappings.list_practitioners(connection_id)
    assert any(person.decision is MappingDecision.IGNORED for person in listed)
    decide(connection_id, MappingChoice(first, "undecided"))


def test_field_21_a_list_that_could_not_be_read_live_says_so_and_since_when(
    sandbox: SandboxServer, connection_id: int, frozen_clock: FrozenClock
) -> None:
    listed = mappings.list_practitioners(connection_id)
    assert (listed.as_of, listed.stale) == (frozen_clock(), None)
    first = listed[0].pms_practitioner_id
    decide(connection_id, MappingChoice(first, "ignore"))
    read_at = frozen_clock()
    frozen_clock.advance(minutes=20)
    live_lists.forget(connection_id)
    sandbox.faults.set("forbidden", vendor="gentu")
    for found in (
        mappings.list_practitioners(connection_id),
        mappings.set_mappings(connection_id, [MappingChoice(first, "undecided")], ADMIN),
    ):
        assert [person.name for person in found] == [person.name for person in listed]
        assert found.stale is not None
        assert (found.as_of, found.stale.code) == (read_at, "AUTH-SCOPE")
        answer = PractitionerList.of(found, "Australia/Melbourne").model_dump(mode="json")
        assert answer["as_of"] == "2026-11-23T09:00:00+11:00"
        assert answer["stale"] == {"code": "AUTH-SCOPE", "message": found.stale.message}


def test_a_vendor_that_never_answered_is_said_to_be_away(sandbox: SandboxServer, connection_id: int) -> None:
    sandbox.faults.set("rate_limited", vendor="gentu", endpoint="practitioners", retry_after="600")
    with pytest.raises(RetryLaterError):
        mappings.list_practitioners(connection_id)


def test_an_unknown_connection_is_not_found() -> None:
    with pytest.raises(NotFound):
        mappings.list_practitioners(99)
    with pytest.raises(NotFound):
        mappings.set_mappings(99, [], ADMIN)
