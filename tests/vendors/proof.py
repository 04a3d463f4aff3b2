"""What must be true once a vendor was connected through the pages, whichever vendor it is."""

from __future__ import annotations

from html import unescape

from flask import Flask

from pmsapp.services.connections import connections
from pmsapp.services.matching import mappings
from tests.support.actors import browser_for, program_for
from tests.vendors.clinics import expected_card, shown_card
from tests.vendors.wizard import WalkedClinic, Wizard


def check_first_sheet(app: Flask, wizard: Wizard, connection_id: int) -> None:
    """Do the first run; badge, card, history, sheet and API all show the vendor's day."""
    clinic = WalkedClinic(app, wizard, connection_id)
    run = clinic.first_run()
    assert (run.status, run.error) == ("success", None)
    matched = {person.name for person in mappings.list_practitioners(connection_id) if person.clinician_id}
    wanted = {
        key: expected_card(clinic, row)
        for key, row in clinic.should_show(clinic.today).items()
        if row.practitioner_name in matched or row.practitioner_id is None
    }
    assert len(wanted) > 15
    sheet = clinic.sheet()
    columns = [(column.name, column.cards) for column in sheet.columns]
    shown = [shown_card(card, name) for name, cards in [*columns, (None, sheet.unassigned)] for card in cards]
    assert {(str(card["pms_appointment_id"]), str(card["pms_patient_id"])): card for card in shown} == wanted
    _check_pages(app, wizard, clinic, [str(card["patient_name"]) for card in wanted.values()])


def _check_pages(app: Flask, wizard: Wizard, clinic: WalkedClinic, names: list[str]) -> None:
    label, path = wizard.info.label, f"/integrations/{clinic.connection_id}"
    view = connections.get_connection(clinic.connection_id)
    assert (view.state, view.pms_label) == ("ok", label)
    assert f"Up to date with {label}" in unescape(wizard.browser.get("/integrations").text) or label in (
        wizard.browser.get("/integrations").text
    )
    for page in (path, f"{path}/history", f"{path}/login", f"{path}/practitioners", f"{path}/types"):
        answer = wizard.browser.get(page)
        assert answer.status_code == 200, page
        assert wizard.right[wizard.secret] not in answer.text
    page = unescape(browser_for(app, "reception").get(f"/sheet/{clinic.today}?view=columns").text)
    assert [name for name in names if name not in page] == []
    listed = program_for(app).get("/api/pms/connections").json["items"]
    assert [connection["pms_type"] for connection in listed] == [wizard.info.slug]
