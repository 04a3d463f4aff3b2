"""A practice is connected once: a second connection is refused by every vendor and at every door, and names the first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView, PracticeConnected
from pmsapp.services.vendors import credential_check
from pmsapp.services.vendors.adapters import ConnectionValues
from pmsapp.settings import Settings
from tests.support.connecting import ADMIN, count, gentu_access, vendor_settings
from tests.support.synced_clinic import LOGINS, practice_id

pytestmark = pytest.mark.usefixtures("frozen_clock", "app")
VENDORS = ("gentu", "medirecords", "halaxy")
EVERY_VENDOR = pytest.mark.parametrize("vendor", VENDORS)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


def connect(sandbox: SandboxServer, vendor: str, **more: Any) -> ConnectionView:
    """As a person connects it: the login, and where the vendor has one the pairing code."""
    view = connections.create_connection(
        ADMIN,
        pms_type=vendor,
        credentials=LOGINS[vendor]["credentials"],
        practice_id=practice_id(vendor, sandbox),
        **more,
    )
    if view.needs_pairing:
        connections.pair(view.id, gentu_access(sandbox).make_code(), ADMIN)
    return connections.get_connection(view.id)


def site(sandbox: SandboxServer, key: str) -> str:
    return sandbox.clinic.id_of("halaxy", "site", key)


@EVERY_VENDOR
def test_field_12_a_practice_is_not_connected_twice(sandbox: SandboxServer, vendor: str) -> None:
    first = connect(sandbox, vendor, display_name="Front desk")
    with pytest.raises(PracticeConnected) as refused:
        connect(sandbox, vendor)
    assert (refused.value.code, refused.value.connection_id) == ("PRACTICE-CONNECTED", first.id)
    assert "Front desk" in refused.value.message
    second = [view for view in connections.list_connections() if view.id != first.id]
    assert [view.tenant_id for view in second] == ([None] if vendor == "gentu" else [])


@EVERY_VENDOR
def test_field_12_the_first_connection_may_sign_in_again(sandbox: SandboxServer, vendor: str) -> None:
    first = connect(sandbox, vendor)
    login = LOGINS[vendor]["credentials"]
    assert connections.update_connection(first.id, ADMIN, credentials=login).id == first.id
    assert connections.check(first.id, ADMIN).healthy


@EVERY_VENDOR
def test_field_12_a_practice_that_was_disconnected_may_be_connected_again(
    sandbox: SandboxServer, vendor: str
) -> None:
    connections.delete_connection(connect(sandbox, vendor).id, "remove", ADMIN)
    assert connect(sandbox, vendor).practice_name


@pytest.mark.parametrize("vendor", ["medirecords", "halaxy"])
def test_field_12_a_login_given_later_is_held_to_the_same_rule(sandbox: SandboxServer, vendor: str) -> None:
    other = practice_id(vendor, sandbox) and "0f2d3c4b-5a69-11ee-8c99-0242ac120002"
    later = connections.create_connection(ADMIN, pms_type=vendor, practice_id=other)
    first = connect(sandbox, vendor)
    if other:  # the form was filled with another id, which the row no longer holds
        with writing() as session:
            session.execute(
                update(PMSConnection)
                .where(PMSConnection.id == later.id)
                .values(practice_id=practice_id(vendor, sandbox))
            )
    with pytest.raises(PracticeConnected) as refused:
        connections.update_connection(later.id, ADMIN, credentials=LOGINS[vendor]["credentials"])
    assert refused.value.connection_id == first.id
    assert not connections.get_connection(later.id).has_credentials


def test_field_12_a_practice_id_is_enough_to_know_it(sandbox: SandboxServer) -> None:
    first = connect(sandbox, "medirecords")
    with pytest.raises(PracticeConnected) as refused:
        connections.create_connection(
            ADMIN, pms_type="medirecords", practice_id=str(practice_id("medirecords", sandbox)).upper()
        )
    assert refused.value.connection_id == first.id


@pytest.mark.parametrize(
    ("first_site", "second_site", "words"),
    [
        (None, "north", "The whole practice of this clinic"),
        ("north", None, "A clinic of this practice"),
        ("north", "north", "This practice"),
    ],
)
def test_field_12_a_group_and_its_clinic_are_one_practice(
    sandbox: SandboxServer, first_site: str | None, second_site: str | None, words: str
) -> None:
    first = connect(sandbox, "halaxy", organization_id=first_site and site(sandbox, first_site))
    with pytest.raises(PracticeConnected, match=words) as refused:
        connect(sandbox, "halaxy", organization_id=second_site and site(sandbox, second_site))
    assert refused.value.connection_id == first.id


def test_field_12_two_clinics_of_a_group_stand_side_by_side(sandbox: SandboxServer) -> None:
    found = credential_check.verify(ConnectionValues("halaxy", LOGINS["halaxy"]["credentials"]))
    assert found is not None
    assert len(found.organizations) == 2
    made = [connect(sandbox, "halaxy", organization_id=key) for key, _name in found.organizations]
    assert len({view.id for view in made}) == 2


@pytest.mark.parametrize("hidden_first", [True, False])
def test_field_12_a_halaxy_key_that_may_not_read_organisations_is_known_by_its_clinics(
    sandbox: SandboxServer, hidden_first: bool
) -> None:
    def hide(hidden: bool) -> None:
        if hidden:
            sandbox.faults.set("forbidden", vendor="halaxy", endpoint="tenant")
        else:
            sandbox.faults.clear()

    hide(hidden_first)
    first = connect(sandbox, "halaxy")
    hide(not hidden_first)
    with pytest.raises(PracticeConnected) as refused:
        connect(sandbox, "halaxy")
    assert refused.value.connection_id == first.id
    assert connections.update_connection(first.id, ADMIN, credentials=LOGINS["halaxy"]["credentials"])


def test_field_12_a_test_that_meets_anothers_practice_says_so_and_learns_nothing(
    sandbox: SandboxServer,
) -> None:
    connect(sandbox, "halaxy", display_name="Front desk")
    second = connections.create_connection(ADMIN, pms_type="halaxy")
    with writing() as session:  # a login of a release that did not try it first
        row = session.get_one(PMSConnection, second.id)
        encrypted_columns.seal_credentials(key_ring(), row, LOGINS["halaxy"]["credentials"])
    result = connections.check(second.id, ADMIN)
    assert (result.healthy, result.code) == (False, "PRACTICE-CONNECTED")
    assert "Front desk" in result.message
    with reading() as session:
        after = session.get_one(PMSConnection, second.id)
    assert (after.practice_fingerprint, after.practice_claim) == (None, None)


@pytest.mark.parametrize("vendor", ["medirecords", "halaxy"])
def test_field_12_of_two_at_once_one_is_connected(app: Flask, sandbox: SandboxServer, vendor: str) -> None:
    both = Barrier(2)
    verify = credential_check.verify

    def add(_number: int) -> int | str:
        with app.app_context():
            try:
                return connect(sandbox, vendor).id
            except PracticeConnected as refused:
                return refused.code

    def verified_together(values: Any) -> Any:
        found = verify(values)
        both.wait(timeout=20)
        return found

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(2) as pool:
        patched.setattr(credential_check, "verify", verified_together)
        ends = list(pool.map(add, range(2)))
    assert sorted(map(str, ends))[1] == "PRACTICE-CONNECTED"
    assert count(PMSConnection) == 1


def test_field_12_the_database_itself_refuses_a_second_claim(sandbox: SandboxServer) -> None:
    connect(sandbox, "halaxy")
    with reading() as session:
        claim = session.query(PMSConnection.practice_claim).scalar()
    other = connections.create_connection(ADMIN, pms_type="halaxy")
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(
            update(PMSConnection).where(PMSConnection.id == other.id).values(practice_claim=claim)
        )
