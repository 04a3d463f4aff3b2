"""Deciding which appointment types are telehealth and which are shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.models import Decision as Question
from pmsapp.models import PMSAppointmentType
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import connections
from pmsapp.services.matching import appointment_types, live_lists
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.sheet import questions
from pmsapp.settings import Settings
from tests.support.connecting import ADMIN, count, paired_gentu, vendor_settings

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def connection_id(app: Flask, sandbox: SandboxServer) -> int:
    return paired_gentu(sandbox)


def by_name(connection_id: int) -> dict[str, appointment_types.TypeView]:
    return {kind.name: kind for kind in appointment_types.list_types(connection_id)}


def test_types_are_read_live_and_suggested_by_their_words(connection_id: int) -> None:
    listed = by_name(connection_id)
    assert listed["Telehealth consult"].suggested
    assert listed["Telehealth consult"].evidence
    assert not listed["Standard consult"].suggested
    assert {kind.is_telehealth for kind in listed.values()} == {None}
    assert {kind.sync_enabled for kind in listed.values()} == {True}
    assert count(PMSAppointmentType) == 0, "asking stores nothing"


def test_a_decision_is_stored_and_can_follow_the_pms_again(connection_id: int) -> None:
    listed = by_name(connection_id)
    video, standard = listed["Telehealth consult"].pms_type_id, listed["Standard consult"].pms_type_id
    appointment_types.set_types(
        connection_id,
        [TypeChoice(video, is_telehealth=True), TypeChoice(standard, sync_enabled=False)],
        ADMIN,
    )
    after = by_name(connection_id)
    assert after["Telehealth consult"].is_telehealth is True
    assert after["Telehealth consult"].sync_enabled
    assert after["Standard consult"].is_telehealth is None
    assert not after["Standard consult"].sync_enabled
    assert connections.get_connection(connection_id).counts.telehealth_types == 1
    again = appointment_types.set_types(connection_id, [TypeChoice(video, is_telehealth=None)], ADMIN)
    assert next(kind for kind in again if kind.pms_type_id == video).is_telehealth is None


def test_an_unknown_or_repeated_type_is_refused_and_nothing_is_stored(connection_id: int) -> None:
    known = by_name(connection_id)["Standard consult"].pms_type_id
    for choices in (
        [TypeChoice(known, is_telehealth=True), TypeChoice("nothing", is_telehealth=True)],
        [TypeChoice(known, is_telehealth=True), TypeChoice(known, is_telehealth=False)],
    ):
        with pytest.raises(Invalid) as invalid:
            appointment_types.set_types(connection_id, choices, ADMIN)
        assert set(invalid.value.errors) == {"types.1.pms_type_id"}
    assert count(PMSAppointmentType) == 0


def test_deciding_here_answers_the_open_question(connection_id: int) -> None:
    known = by_name(connection_id)["Telehealth consult"].pms_type_id
    with writing() as session:
        questions.open_question(
            session,
            kind="type_new",
            subject=f"type:{connection_id}:{known}",
            connection_id=connection_id,
            now=clock.now(),
        )
    appointment_types.set_types(connection_id, [TypeChoice(known, is_telehealth=True)], ADMIN)
    with reading() as session:
        row = session.scalars(select(Question)).one()
    assert (row.state, row.choice) == ("decided", "pms")


def test_while_the_vendor_is_away_the_known_types_can_still_be_edited(
    sandbox: SandboxServer, connection_id: int
) -> None:
    known = by_name(connection_id)["Telehealth consult"].pms_type_id
    appointment_types.set_types(connection_id, [TypeChoice(known, is_telehealth=True)], ADMIN)
    live_lists.forget(connection_id)
    sandbox.faults.set("forbidden", vendor="gentu")
    assert by_name(connection_id)["Telehealth consult"].is_telehealth is True
