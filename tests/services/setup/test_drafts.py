"""Set-ups that are not finished: sealed, gone on with by anybody, thrown away after two weeks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.models import SetupDraft
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections import connections
from pmsapp.services.maintenance import retention
from pmsapp.services.setup import connecting, drafts
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.connecting import ADMIN, count, vendor_settings
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import LOGINS

PAT = Actor(kind="user", name="Pat", id=2, role="admin")
HALAXY = LOGINS["halaxy"]["credentials"]


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


def test_what_one_administrator_typed_another_goes_on_with(app: Flask) -> None:
    info = get_info("halaxy")
    connecting.keep_typed(info, {"client_id": HALAXY["client_id"], "client_secret": "wrong"}, ADMIN)
    draft = connecting.keep_typed(info, {"client_secret": HALAXY["client_secret"]}, PAT)
    assert draft.by == "Pat"
    view = connecting.connect(info, connecting.keep_typed(info, {"client_id": HALAXY["client_id"]}, PAT), PAT)
    assert view.state == "setup"
    begun = drafts.of_connection(view.id)
    assert begun is not None
    assert begun.found
    assert begun.found["check"]["healthy"]
    assert dict(begun.fields) == {}, "what was typed is not needed any more"


def test_what_was_typed_is_sealed(app: Flask) -> None:
    connecting.keep_typed(get_info("halaxy"), {"client_id": "known-id", "client_secret": "hush-hush"}, ADMIN)
    with reading() as session:
        row = session.get_one(SetupDraft, 1)
        assert row.fields_sealed
        assert "hush-hush" not in row.fields_sealed
        assert "known-id" not in row.fields_sealed
    assert "hush-hush" not in repr(drafts.of_vendor("halaxy"))


def test_it_is_named_with_its_step_until_it_is_two_weeks_old(
    app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
) -> None:
    info = get_info("halaxy")
    view = connecting.connect(info, connecting.keep_typed(info, HALAXY, ADMIN), ADMIN)
    drafts.keep(view.id, ADMIN, step=drafts.TYPES)
    (begun,) = drafts.unfinished(tuple(connections.list_connections()))
    assert (begun.step, begun.by, begun.href) == (4, "Mel", f"/integrations/{view.id}/types")
    frozen_clock.advance(days=13)
    assert retention.purge()["set-ups"] == 0
    frozen_clock.advance(days=1, seconds=1)
    assert retention.purge()["set-ups"] == 1
    assert connections.list_connections() == []
    assert count(SetupDraft) == 0


def test_a_connection_that_has_started_is_never_thrown_away_with_its_draft(
    app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
) -> None:
    info = get_info("halaxy")
    view = connecting.connect(info, connecting.keep_typed(info, HALAXY, ADMIN), ADMIN)
    connections.update_connection(view.id, ADMIN, sync_enabled=True)
    frozen_clock.set(frozen_clock.at + timedelta(days=15))
    retention.purge()
    assert [view.id for view in connections.list_connections()] == [view.id]


def test_another_practice_takes_the_connection_away_again(app: Flask, sandbox: SandboxServer) -> None:
    info = get_info("halaxy")
    view = connecting.connect(info, connecting.keep_typed(info, HALAXY, ADMIN), ADMIN)
    assert connecting.not_ours(view.id, ADMIN) == "halaxy"
    assert connections.list_connections() == []


def test_the_fortnight_is_counted_for_every_vendor_alike(app: Flask, sandbox: SandboxServer) -> None:
    info = get_info("halaxy")
    view = connecting.connect(info, connecting.keep_typed(info, HALAXY, ADMIN), ADMIN)
    draft = drafts.of_connection(view.id)
    assert draft is not None
    assert draft.found
    ahead = draft.found["ahead"]
    assert ahead["complete"]
    assert ahead["whole"]["n"] > 5 * ahead["soon"]["n"] / 2 > 0, "two weeks, not two days"
    assert 0 < ahead["whole"]["t"] < ahead["whole"]["n"]
