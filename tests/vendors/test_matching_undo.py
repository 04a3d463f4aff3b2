"""At each vendor: a day matches its receipt, a planted change is found, and a change undone gives the same sheet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from pmsapp.domain.runsheet import Card
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import overrides
from pmsapp.services.matching import appointment_types, effects, mappings, undo
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.mappings import IGNORE, MappingChoice
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.sync import receipts
from tests.vendors.clinics import ADMIN, VENDORS, ConnectedClinic


@pytest.fixture(params=VENDORS)
def clinic(app: Flask, sandbox: SandboxServer, request: pytest.FixtureRequest) -> ConnectedClinic:
    clinic = ConnectedClinic(app, sandbox, request.param)
    clinic.match_everybody()
    clinic.choose_types()
    clinic.start()
    return clinic


def shown(clinic: ConnectedClinic) -> dict[int, Card]:
    """The cards on today's sheet, but for their version and what the last reading left on them."""
    return {
        card.id: replace(card, row_version=0, pms_last_synced_at=None)
        for card in clinic.sheet().cards
        if card.presence == "on_sheet"
    }


def test_a_change_and_its_undo_give_the_same_sheet(clinic: ConnectedClinic) -> None:
    first, other = list(shown(clinic).values())[:2]
    overrides.edit_card(first.id, {"patient_phone": "0491 570 006", "notes": "Rings back"}, ADMIN)
    before = shown(clinic)
    person = first.pms_practitioner_id or ""
    leaving = effects.of_mappings(clinic.connection_id, [MappingChoice(person, IGNORE)]).each[0]
    mappings.set_mappings(clinic.connection_id, [MappingChoice(person, IGNORE)], ADMIN)
    clinic.sync()
    assert len(shown(clinic)) < len(before)
    assert leaving.off >= len(before) - len(shown(clinic))
    assert leaving.with_work == 1
    undo.undo(clinic.connection_id, undo.list_undoable(clinic.connection_id)[0].id, ADMIN)
    assert shown(clinic) == before
    kind = other_type(clinic, other)
    appointment_types.set_types(clinic.connection_id, [TypeChoice(kind, sync_enabled=False)], ADMIN)
    clinic.sync()
    assert other.id not in shown(clinic)
    undo.undo(clinic.connection_id, undo.list_undoable(clinic.connection_id)[0].id, ADMIN)
    assert shown(clinic) == before
    clinic.sync()
    assert shown(clinic) == before


def other_type(clinic: ConnectedClinic, card: Card) -> str:
    listed = appointment_types.list_types(clinic.connection_id)
    return next(kind.pms_type_id for kind in listed if kind.name == card.appointment_type)


def test_a_receipt_matches_and_finds_what_was_planted(clinic: ConnectedClinic) -> None:
    receipts.ask(clinic.connection_id, ADMIN)
    receipts.make_due()
    receipt = receipts.latest(clinic.connection_id)
    assert receipt is not None
    assert (receipt.outcome, receipt.matched) == ("match", receipt.expected)
    assert receipt.expected >= len(shown(clinic))
    card = next(iter(shown(clinic).values()))
    with writing() as session:
        session.execute(CARDS.update().where(CARDS.c.id == card.id).values(patient_phone="+61491570999"))
    receipts.ask(clinic.connection_id, ADMIN)
    receipts.make_due()
    planted = receipts.latest(clinic.connection_id)
    assert planted is not None
    assert [(line["card_id"], line["fields"]) for line in planted.differences] == [
        (card.id, ["patient_phone"])
    ]
