"""Everything kept on one patient: find, read, export, correct, erase.

Names, birth dates and references go in bodies, never in addresses. Nothing here merges two people of one name.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, make_response
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard, looking
from pmsapp.extensions import current_settings
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.maintenance import periods
from pmsapp.services.records import access_log, correct, erase, export, patients
from pmsapp.services.records.patients import Patient
from pmsapp.web.records.contexts import PatientLine, PatientPage, PatientsPage, RecordCard
from pmsapp.web.records.forms import CorrectForm, EraseForm, PatientForm, SearchForm
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, labels, shell
from pmsapp.web.ui.page_contexts import FormField

bp = Blueprint("patients", __name__)
_SEARCH = {"name": "Name", "birth_date": "Birth date", "phone": "Phone"}
_CORRECTION = {"patient_name": "Name", "patient_phone": "Phone", "patient_email": "Email"}
_SEEN_SHOWN = 100
_FACTS = {
    "clinician": "Clinician",
    "patient_name": "Name",
    "patient_dob": "Birth date",
    "patient_phone": "Phone",
    "patient_email": "Email",
    "appointment_type_name": "Type",
    "appointment_status": "Status",
    "pms_notes": "PMS notes",
    "notes": "Notes",
    "removed_reason": "Removed because",
    "presence_reason": "Left because",
    "patient_link": "Patient's link",
    "host_link": "Host's link",
}


@bp.get("/settings/patients")
def index() -> ResponseReturnValue:
    """The search."""
    return _search_page()


@bp.post("/settings/patients")
def find() -> ResponseReturnValue:
    """Who matches; two people of one name are two lines."""
    try:
        form = forms.read(SearchForm)
        found = patients.find(name=form.name, birth_date=form.birth_date, phone=form.phone)
    except Invalid as error:
        return _search_page(errors=error.errors)
    looking.at_person([card_id for patient in found for card_id in patient.cards])
    return _search_page(found=found)


@bp.post("/settings/patients/show")
def show() -> ResponseReturnValue:
    """Everything kept on one patient, readable."""
    return _patient_page(_reference())


@bp.post("/settings/patients/export")
def as_json() -> ResponseReturnValue:
    """The same as a file for a program."""
    found = export.everything_on(_reference())
    looking.at_person([card["id"] for card in found["cards"]], access_log.EXPORT)
    response = make_response(json.dumps(found, ensure_ascii=False, indent=2))
    response.headers["Content-Type"] = "application/json"
    response.headers["Content-Disposition"] = 'attachment; filename="patient.json"'
    return response


@bp.post("/settings/patients/correct")
def put_right() -> ResponseReturnValue:
    """Put a name, phone or email right on every card of one patient."""
    reference = _reference()
    form = forms.read(CorrectForm)
    changes = {field: getattr(form, field) for field in correct.FIELDS}
    given = {field: value for field, value in changes.items() if value}
    try:
        if not given:
            raise Invalid({"patient_name": "Type what is right."})
        done = correct.correct(reference, given, guard.current_actor())
    except Invalid as error:
        return _patient_page(reference, errors=error.errors)
    return _patient_page(reference, said=f"Put right on {fmt.plural(done, 'card')}.")


@bp.post("/settings/patients/erase")
def erase_for_good() -> ResponseReturnValue:
    """Erase one patient; `despite_the_law` says that nothing has to be kept."""
    reference = _reference()
    form = forms.read(EraseForm)
    if not form.sure:
        return _patient_page(reference, errors={"sure": "Tick that you mean it; it cannot be undone."})
    try:
        done = erase.erase(reference, guard.current_actor(), despite_the_law=form.despite_the_law)
    except Conflict as error:
        return _patient_page(reference, fault=error.message, status=409)
    until = fmt.short_day(done.backups_until.date())
    return _search_page(
        said=f"{fmt.plural(done.cards, 'card')} erased. Backups made before hold them until {until} at most."
    )


def _reference() -> str:
    return forms.read(PatientForm).reference


def _search_page(
    *,
    found: list[Patient] | None = None,
    said: str | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    errors = errors or {}
    fields = {
        name: FormField(name, label, "" if said else forms.typed().get(name, ""), error=errors.get(name))
        for name, label in _SEARCH.items()
    }
    lines = None if found is None else tuple(_line(patient) for patient in found)
    page = PatientsPage(settings_nav.nav(), fields, lines, said, tuple(errors.items()))
    html = shell.render("records/patients.html", "settings", page=page)
    return make_response(html, 422 if errors else 200)


def _line(patient: Patient) -> PatientLine:
    seen = fmt.short_day(patient.last_on)
    if patient.first_on != patient.last_on:
        seen = f"{fmt.short_day(patient.first_on)} to {seen}"
    return PatientLine(
        reference=patient.reference,
        name=" / ".join(patient.names) or "No name",
        born=", ".join(fmt.birth_date(day) for day in patient.birth_dates) or "not known",
        source=patient.source or "added by hand",
        cards=fmt.plural(len(patient.cards), "card"),
        seen=seen,
    )


def _patient_page(
    reference: str,
    *,
    fault: str | None = None,
    said: str | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    errors, now = errors or {}, shell.page_status()
    found, patient = export.everything_on(reference), patients.get(reference)
    looking.at_person(patient.cards)
    until = erase.kept_by_law(reference)
    backups_until = clock.now() + periods.of(current_settings()).backups
    page = PatientPage(
        nav=settings_nav.nav(),
        patient=_line(patient),
        correction={
            name: FormField(name, label, forms.typed().get(name, ""), error=errors.get(name))
            for name, label in _CORRECTION.items()
        },
        cards=tuple(_card(card) for card in found["cards"]),
        seen_by=tuple(
            f"{look['who'].partition(' ')[2]}, {look['at'][:16].replace('T', ' ')} UTC, {look['what']}"
            for look in found["seen_by"][:_SEEN_SHOWN]
        ),
        kept_until=fmt.short_day(until, now.now.date()) + f" {until.year}" if until else None,
        backups_until=fmt.short_day(backups_until.date()),
        fault=fault,
        said=said,
        errors=tuple(errors.items()),
    )
    html = shell.render("records/patient.html", "settings", now, page=page)
    return make_response(html, 422 if errors else status)


def _card(card: dict[str, Any]) -> RecordCard:
    facts = [(label, str(card[name])) for name, label in _FACTS.items() if card.get(name)]
    facts += [
        (f"Typed by {typed['by']}: {labels.FIELDS.get(typed['field'], typed['field'])}", str(typed["value"]))
        for typed in card["typed_by_staff"]
    ]
    lines = [
        f"{line['at'][:16].replace('T', ' ')} UTC, {line['actor'] or line['source']}: {line['kind']}"
        for line in card["timeline"]
    ]
    return RecordCard(f"Card {card['id']}, {card['date']}", tuple(facts), tuple(lines))
