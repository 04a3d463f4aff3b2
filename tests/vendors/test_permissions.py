"""A Halaxy key with boxes left unticked: what can be done without is done without, and the run says what is missing."""

from __future__ import annotations

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from tests.vendors.clinics import ConnectedClinic


@pytest.mark.parametrize("fault", ["forbidden", "unauthorized"])
def test_without_appointment_types_every_card_is_there_without_its_types_name(
    app: Flask, sandbox: SandboxServer, fault: str
) -> None:
    sandbox.faults.set(fault, vendor="halaxy", endpoint="types")
    clinic = ConnectedClinic(app, sandbox, "halaxy")
    clinic.match_everybody()
    for _ in range(2):
        run = clinic.sync(clinic.today)
        assert (run.status, run.error) == ("success", None)
        assert "Appointment types > Retrieve" in (run.note or "")
    cards = clinic.sheet().cards
    shown = {
        (row.appointment_id, row.patient_id)
        for row in clinic.truth()
        if row.is_telehealth and row.appointment_status != "cancelled"
    }
    assert shown <= {(str(card.pms_appointment_id), str(card.pms_patient_id)) for card in cards}
    assert {card.appointment_type for card in cards} == {None}
