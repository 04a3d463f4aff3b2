"""A joint consultation as the vendors' servers give it: one appointment in the lists of two practitioners."""

from __future__ import annotations

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from tests.vendors.clinics import ConnectedClinic


@pytest.mark.parametrize("vendor", ["gentu", "halaxy"])
def test_field_05_it_is_one_steady_card_that_names_everybody(
    vendor: str, app: Flask, sandbox: SandboxServer
) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    book = sandbox.clinic
    book.empty_day(clinic.today)
    patient = book.patients()[3].key
    made = []
    for number in range(2):  # Gentu gives the participants of every other appointment the other way round
        booked = book.book("odwyer", "telehealth", f"{clinic.today}T1{number}:00", patient)
        book.join_practitioner(booked.key, "lee-hana")
        made.append(booked.ids[vendor])
    run = clinic.sync(clinic.today)
    assert (run.status, run.counts["created"], run.counts["fetched"]) == ("success", 2, 2)
    cards = [card for card in clinic.sheet().cards if card.pms_appointment_id in made]
    owner, other = (book.practitioner(key).display_name for key in ("odwyer", "lee-hana"))
    columns = {column.id: column.name for column in clinic.sheet().columns}
    assert [(columns[card.clinician_id or 0], card.also_with) for card in cards] == [(owner, (other,))] * 2
    for _ in range(2):
        again = clinic.sync(clinic.today)
        assert (again.counts["updated"], again.counts["unchanged"], again.counts["fetched"]) == (0, 2, 2)
    assert [card.row_version for card in clinic.sheet().cards] == [card.row_version for card in cards]
