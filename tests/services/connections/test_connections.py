"""Adding, pairing, changing, testing and taking away connections, against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.extensions import key_ring
from pmsapp.models import AuditEvent, PMSConnection, SyncRun
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.errors import Conflict, Invalid, NotFound, Refused
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import Pause
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.settings import Settings
from tests.support.clock import MONDAY_9AM
from tests.support.connecting import ADMIN, LOGIN, count, gentu_access, paired_gentu, vendor_settings

pytestmark = pytest.mark.usefixtures("frozen_clock", "app")


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


def audited() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def row_of(connection_id: int) -> PMSConnection:
    with reading() as session:
        return session.get_one(PMSConnection, connection_id)


# Adding


def test_a_new_connection_is_in_setup_and_off() -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    assert (view.state, view.sync_enabled, view.has_credentials) == (ConnectionState.SETUP, False, True)
    assert (view.display_name, view.time_zone) == ("Gentu", "Australia/Melbourne")
    assert view.needs_pairing
    assert connections.list_connections() == [view]
    assert audited() == ["connection.created"]


def test_the_login_is_stored_sealed_only() -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    row = row_of(view.id)
    assert row.credentials_sealed is not None
    assert LOGIN["client_secret"] not in row.credentials_sealed
    assert encrypted_columns.open_credentials(key_ring(), row) == LOGIN
    assert LOGIN["client_secret"] not in repr(view)


def test_a_connection_without_a_login_may_be_added_first() -> None:
    view = connections.create_connection(ADMIN, pms_type="halaxy", display_name="North rooms")
    assert (view.has_credentials, view.display_name) == (False, "North rooms")


def test_a_wrong_client_secret_is_refused_and_leaves_nothing() -> None:
    with pytest.raises(Refused) as refused:
        connections.create_connection(
            ADMIN, pms_type="gentu", credentials={**LOGIN, "client_secret": "not-it"}
        )
    assert refused.value.code == "AUTH-REFUSED"
    assert "not-it" not in refused.value.message
    assert count(PMSConnection) == 0
    assert audited() == []


def test_a_vendor_that_answers_with_a_web_page_is_refused_and_leaves_nothing(sandbox: SandboxServer) -> None:
    sandbox.faults.set("html_ok", vendor="gentu", endpoint="token")
    with pytest.raises(Refused) as refused:
        connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    assert refused.value.code == "PMS-GARBLED"
    assert count(PMSConnection) == 0


def test_what_was_typed_is_checked_field_by_field() -> None:
    with pytest.raises(Invalid) as invalid:
        connections.create_connection(
            ADMIN,
            pms_type="gentu",
            display_name=" ",
            credentials={"client_id": "x", "password": "y"},
            time_zone="Australia/Atlantis",
        )
    assert set(invalid.value.errors) == {
        "display_name",
        "time_zone",
        "credentials.password",
        "credentials.client_secret",
        "credentials.app_id",
    }
    with pytest.raises(Invalid) as unknown:
        connections.create_connection(ADMIN, pms_type="genie")
    assert set(unknown.value.errors) == {"pms_type"}


def test_a_required_id_beside_the_login_is_asked_for() -> None:
    with pytest.raises(Invalid) as invalid:
        connections.create_connection(ADMIN, pms_type="medirecords", credentials={"api_token": "x"})
    assert set(invalid.value.errors) == {"practice_id"}


def test_the_given_time_zone_wins_over_the_vendors(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox, time_zone="Australia/Perth")
    assert connections.get_connection(connection_id).time_zone == "Australia/Perth"


def test_the_servers_own_login_fills_what_the_form_left_empty(
    make_settings: Callable[..., Settings], sandbox: SandboxServer
) -> None:
    from pmsapp.factory import create_app

    own = make_settings(
        vendors=vendor_settings(sandbox),
        **{f"gentu_{name}": value for name, value in LOGIN.items()},
    )
    with create_app(own).app_context():
        view = connections.create_connection(ADMIN, pms_type="gentu")
        assert view.has_credentials
        assert connections.pair(view.id, gentu_access(sandbox).make_code(), ADMIN).tenant_id


# Pairing


def test_pairing_learns_the_practice(sandbox: SandboxServer) -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    code = gentu_access(sandbox).make_code()
    paired = connections.pair(view.id, f" {code[:4]}-{code[4:]} ", ADMIN)
    assert paired.time_zone == "Australia/Melbourne"
    after = connections.get_connection(view.id)
    assert (after.tenant_id, after.practice_name) == (paired.tenant_id, paired.practice_name)
    assert after.display_name == paired.practice_name
    assert row_of(view.id).practice_fingerprint == paired.tenant_id
    assert audited() == ["connection.created", "connection.paired"]


def test_a_used_pairing_code_is_refused(sandbox: SandboxServer) -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    with pytest.raises(Conflict) as conflict:
        connections.pair(view.id, "used0000", ADMIN)
    assert conflict.value.code == "PAIR-USED"
    assert connections.get_connection(view.id).tenant_id is None


def test_an_unknown_pairing_code_is_refused() -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    with pytest.raises(Refused) as refused:
        connections.pair(view.id, "nosuch00", ADMIN)
    assert refused.value.code == "PAIR-UNKNOWN"


def test_an_empty_pairing_code_is_never_sent(sandbox: SandboxServer) -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    with pytest.raises(Invalid):
        connections.pair(view.id, "  ", ADMIN)
    assert sandbox.requests.count(endpoint="pair") == 0


def test_a_code_of_another_practice_changes_nothing(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    before = connections.get_connection(connection_id)
    other = sandbox.sandbox.clinics[1]
    with pytest.raises(Refused) as refused:
        connections.pair(connection_id, gentu_access(sandbox).make_code(other), ADMIN)
    assert refused.value.code == "AUTH-WRONG-PRACTICE"
    assert str(before.practice_name) in refused.value.message
    assert connections.get_connection(connection_id) == before


def test_a_vendor_without_pairing_codes_says_so() -> None:
    view = connections.create_connection(ADMIN, pms_type="halaxy")
    with pytest.raises(Refused) as refused:
        connections.pair(view.id, "demo1234", ADMIN)
    assert refused.value.code in {"UNSUPPORTED", "AUTH-REFUSED"}


def test_an_answer_that_got_lost_still_pairs(sandbox: SandboxServer) -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    sandbox.faults.set("truncated_json", vendor="gentu", endpoint="pairing")
    paired = connections.pair(view.id, gentu_access(sandbox).make_code(), ADMIN)
    assert connections.get_connection(view.id).tenant_id == paired.tenant_id


# Changing


def test_switching_on_ends_setup_and_starts_a_run(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    view = connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    assert (view.state, view.sync_enabled) == (ConnectionState.OK, True)
    assert view.next_sync_at is not None
    assert view.next_sync_at <= clock.now() + timedelta(minutes=15)
    with reading() as session:
        (run,) = session.scalars(select(SyncRun)).all()
    assert (run.trigger, run.status) == ("setup", "queued")


def test_switching_on_before_pairing_is_refused() -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    with pytest.raises(Conflict) as conflict:
        connections.update_connection(view.id, ADMIN, sync_enabled=True)
    assert conflict.value.code == "NOT-PAIRED"
    assert not connections.get_connection(view.id).sync_enabled


def test_switching_off_leaves_no_next_run(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    view = connections.update_connection(connection_id, ADMIN, sync_enabled=False, reason="Moving house")
    assert (view.state, view.next_sync_at) == (ConnectionState.PAUSED, None)


def test_a_pause_has_an_author_an_end_and_a_reason(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    until = clock.now() + timedelta(hours=2)
    view = connections.update_connection(connection_id, ADMIN, paused=Pause(until, "Stocktake"))
    assert view.state is ConnectionState.PAUSED
    assert view.paused is not None
    assert (view.paused.until, view.paused.by, view.paused.reason) == (until, "Mel", "Stocktake")
    again = connections.update_connection(connection_id, ADMIN, paused=None)
    assert (again.state, again.paused) == (ConnectionState.OK, None)
    assert again.next_sync_at is not None
    assert again.next_sync_at <= clock.now()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("sync_frequency_minutes", {"sync_frequency_minutes": 4}),
        ("sync_frequency_minutes", {"sync_frequency_minutes": 121}),
        ("time_zone", {"time_zone": "Nowhere/Land"}),
        ("display_name", {"display_name": "x" * 121}),
        ("paused.until", {"paused": Pause(MONDAY_9AM - timedelta(minutes=1), "Stocktake")}),
        ("paused.reason", {"paused": Pause(MONDAY_9AM + timedelta(days=4))}),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(field: str, change: dict[str, object]) -> None:
    view = connections.create_connection(ADMIN, pms_type="halaxy")
    with pytest.raises(Invalid) as invalid:
        connections.update_connection(view.id, ADMIN, **change)  # type: ignore[arg-type]
    assert set(invalid.value.errors) == {field}
    assert connections.get_connection(view.id) == view


def test_a_new_login_is_tried_first_and_a_bad_one_changes_nothing(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    before = row_of(connection_id)
    with pytest.raises(Refused) as refused:
        connections.update_connection(connection_id, ADMIN, credentials={"client_secret": "not-it"})
    assert refused.value.code == "AUTH-REFUSED"
    after = row_of(connection_id)
    assert after.credentials_sealed == before.credentials_sealed
    assert after.access_token == before.access_token


def test_a_new_login_replaces_the_token_at_once(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    assert row_of(connection_id).access_token is not None
    connections.update_connection(connection_id, ADMIN, credentials={"client_secret": LOGIN["client_secret"]})
    assert row_of(connection_id).access_token is None
    assert connections.check(connection_id, ADMIN).healthy


def test_signing_in_again_heals_and_catches_up_and_keeps_everything(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    with writing() as session:
        session.execute(update(SyncRun).values(status="failed"))
        session.execute(
            update(PMSConnection).values(
                state="needs_you", last_error_code="AUTH-REFUSED", last_sync_error="x"
            )
        )
    before = connections.get_connection(connection_id)
    assert before.state is ConnectionState.NEEDS_YOU
    view = connections.update_connection(connection_id, ADMIN, credentials=LOGIN)
    assert (view.state, view.last_sync_error) == (ConnectionState.OK, None)
    assert (view.id, view.tenant_id, view.counts) == (before.id, before.tenant_id, before.counts)
    with reading() as session:
        assert session.scalar(select(SyncRun.trigger).where(SyncRun.status == "queued")) == "setup"


def test_a_login_that_opens_another_practice_saves_nothing(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    with writing() as session:
        session.execute(update(PMSConnection).values(practice_fingerprint="somebody-else"))
    before = row_of(connection_id)
    with pytest.raises(Refused) as refused:
        connections.update_connection(connection_id, ADMIN, credentials=LOGIN)
    assert refused.value.code == "AUTH-WRONG-PRACTICE"
    assert row_of(connection_id).credentials_sealed == before.credentials_sealed


def test_an_unknown_connection_is_not_found() -> None:
    for call in (
        lambda: connections.get_connection(99),
        lambda: connections.update_connection(99, ADMIN, display_name="x"),
        lambda: connections.delete_connection(99, "keep", ADMIN),
        lambda: connections.pair(99, "demo1234", ADMIN),
        lambda: connections.check(99, ADMIN),
    ):
        with pytest.raises(NotFound):
            call()


# Testing


def test_a_test_says_who_answers(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    minted = sandbox.requests.count(endpoint="token")
    result = connections.check(connection_id, ADMIN)
    assert (result.healthy, result.code) == (True, None)
    assert result.practitioners is not None
    assert result.practitioners > 3
    assert result.time_zone == "Australia/Melbourne"
    assert result.clock_skew_s is not None
    assert result.latency_ms >= 0
    assert sandbox.requests.count(endpoint="token") == minted, "the stored token is used"


def test_a_test_of_an_unpaired_connection_is_unhealthy() -> None:
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    result = connections.check(view.id, ADMIN)
    assert (result.healthy, result.code) == (False, "NOT-PAIRED")
    assert connections.get_connection(view.id).state is ConnectionState.SETUP


def test_a_switched_off_practice_needs_somebody(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    tenant_id = connections.get_connection(connection_id).tenant_id or ""
    gentu_access(sandbox).set_access(tenant_id, "disabled")
    assert connections.check(connection_id, ADMIN).code == "ACCESS-WITHDRAWN"
    assert connections.get_connection(connection_id).state is ConnectionState.NEEDS_YOU
    gentu_access(sandbox).set_access(tenant_id, "enabled")
    assert connections.check(connection_id, ADMIN).healthy
    assert connections.get_connection(connection_id).state is ConnectionState.OK


def test_a_vendor_that_is_down_is_never_a_reason_to_sign_in_again(sandbox: SandboxServer) -> None:
    connection_id = paired_gentu(sandbox)
    connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    sandbox.faults.set("server_error", vendor="gentu", status=503)
    result = connections.check(connection_id, ADMIN)
    assert (result.healthy, result.code) == (False, "PMS-DOWN")
    assert connections.get_connection(connection_id).state is ConnectionState.OK


def test_a_login_sealed_with_another_key_hurts_that_connection_only(
    sandbox: SandboxServer, app: Flask
) -> None:
    broken = paired_gentu(sandbox)
    whole = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN).id
    connections.pair(whole, gentu_access(sandbox).make_code(sandbox.sandbox.clinics[1]), ADMIN)
    with writing() as session:
        session.execute(
            update(PMSConnection)
            .where(PMSConnection.id == broken)
            .values(credentials_sealed=row_of(whole).credentials_sealed, access_token=None)
        )
    result = connections.check(broken, ADMIN)
    assert (result.healthy, result.code) == (False, "KEY-MISMATCH")
    view = connections.get_connection(broken)
    assert view.last_sync_error is not None
    assert view.last_sync_error.code == "KEY-MISMATCH"
    assert connections.check(whole, ADMIN).healthy
    assert audited().count("connection.login_unreadable") == 1
    connections.check(broken, ADMIN)
    assert audited().count("connection.login_unreadable") == 1
    connections.update_connection(broken, ADMIN, credentials=LOGIN)
    assert connections.check(broken, ADMIN).healthy


def test_calls_carry_our_name_and_a_contact(sandbox: SandboxServer) -> None:
    connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
    agents = {entry.user_agent for entry in sandbox.requests.entries(vendor="gentu")}
    assert len(agents) == 1
    assert agents.pop().startswith("pmsapp/")


def test_an_address_that_is_not_listed_is_never_called(
    make_settings: Callable[..., Settings], sandbox: SandboxServer
) -> None:
    from pmsapp.factory import create_app

    strict = make_settings(vendors=vendor_settings(sandbox), allowed_pms_hosts=())
    with create_app(strict).app_context():
        with pytest.raises(Refused) as refused:
            connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN)
        assert refused.value.code == "HOST-REFUSED"
    assert sandbox.requests.count() == 0


def test_values_never_show_their_credentials() -> None:
    assert "secret" not in repr(vendor_adapters.ConnectionValues("gentu", {"client_secret": "secret"}))
