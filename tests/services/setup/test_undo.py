"""A disconnection is undone within a day: the same connection, its matches and types, its cards with their edits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.errors import NotFound
from pmsapp.services.connections import connections
from pmsapp.services.editing import overrides
from pmsapp.services.maintenance import retention
from pmsapp.services.setup import counts, undo
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.connecting import ADMIN, vendor_settings
from tests.support.sandboxes import Sandboxes
from tests.vendors.clinics import ConnectedClinic


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> ConnectedClinic:
    clinic = ConnectedClinic(app, sandbox, "halaxy")
    clinic.match_everybody()
    clinic.choose_types()
    clinic.start()
    return clinic


@pytest.mark.parametrize("choice", ["keep", "strike"])
def test_the_sheet_is_the_same_again_edits_included(clinic: ConnectedClinic, choice: str) -> None:
    first = clinic.sheet().cards[0]
    overrides.edit_card(first.id, {"patient_phone": "0491 570 006"}, ADMIN, row_version=first.row_version)
    before = {
        card.id: (card.start_at, card.patient_name, card.patient_phone) for card in clinic.sheet().cards
    }
    matched = connections.get_connection(clinic.connection_id).counts
    assert counts.leaving(clinic.connection_id).edited == 1
    connections.delete_connection(clinic.connection_id, choice, ADMIN)
    (gone,) = undo.list_undoable()
    assert (gone.by, gone.cards) == ("Mel", choice)
    assert undo.undo(gone.id, ADMIN) == clinic.connection_id
    clinic.sync()
    after = {card.id: (card.start_at, card.patient_name, card.patient_phone) for card in clinic.sheet().cards}
    assert after == before
    assert connections.get_connection(clinic.connection_id).counts == matched
    assert undo.list_undoable() == []


def test_after_a_day_nothing_of_it_is_left(clinic: ConnectedClinic, frozen_clock: FrozenClock) -> None:
    connections.delete_connection(clinic.connection_id, "strike", ADMIN)
    (gone,) = undo.list_undoable()
    frozen_clock.advance(hours=24)
    assert undo.list_undoable() == []
    with pytest.raises(NotFound):
        undo.undo(gone.id, ADMIN)
    assert retention.purge()["disconnected"] == 1
