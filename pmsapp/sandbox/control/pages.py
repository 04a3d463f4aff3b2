"""The control page's screens. They read the clinic and hold forms; the forms are answered in `control.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flask import Blueprint, render_template, request

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import STATUSES, Appointment, SandboxError
from pmsapp.sandbox.clinic.truth import patient_name
from pmsapp.sandbox.core.fault_kinds import ENDPOINT_KINDS, FAULT_KINDS
from pmsapp.sandbox.core.hub import Sandbox

_LATEST_REQUESTS = 30


def add_pages(control: Blueprint, sandbox: Sandbox) -> None:
    """Put the screens on the blueprint."""

    @control.context_processor
    def names() -> dict[str, object]:
        return {"clinic": sandbox.clinic, "today": sandbox.clinic.today(), "status_choices": _same(STATUSES)}

    @control.get("/")
    def day() -> str:
        """The appointments of a day, with a button for each thing reception does."""
        clinic = sandbox.clinic
        on = _asked_date(clinic)
        rows = [_row(clinic, row) for row in clinic.appointments_on(on)]
        days = {"on": on, "before": on - timedelta(days=1), "after": on + timedelta(days=1)}
        return render_template(
            "day.html", rows=rows, back=f"/_sandbox/?date={on}", **days, **_choices(clinic)
        )

    @control.get("/appointments/<path:key>")
    def appointment(key: str) -> str:
        """One appointment, with every change that can be made to it."""
        clinic = sandbox.clinic
        row = clinic.appointment(key)
        people = [clinic.patient(patient_key) for patient_key in row.patient_keys]
        shown = {"row": _row(clinic, row), "on": clinic.day_of(row.start_at), "people": people}
        return render_template(
            "appointment.html", back=f"/_sandbox/appointments/{key}", **shown, **_choices(clinic)
        )

    @control.get("/clinic")
    def people() -> str:
        """Practitioners and appointment types, to rename, add and archive."""
        return render_template("clinic.html", back="/_sandbox/clinic", **_choices(sandbox.clinic))

    @control.get("/dial")
    def dial() -> str:
        """The fault dial."""
        kinds = [kind for kind in FAULT_KINDS.values() if kind.vendor in (None, *sandbox.servers)]
        scopes = {
            "kinds": kinds,
            "kind_choices": _same([kind.name for kind in kinds]),
            "vendor_choices": _same(list(sandbox.servers)),
            "endpoint_choices": _same(ENDPOINT_KINDS),
        }
        active = sandbox.faults.active()
        return render_template(
            "dial.html", back="/_sandbox/dial", active=active, **scopes, **_choices(sandbox.clinic)
        )

    @control.get("/connect")
    def connect() -> str:
        """What to type into a connection form, for each vendor; and the latest requests."""
        base = request.host_url.rstrip("/")
        forms = [(server, server.credentials(base + server.prefix)) for server in sandbox.servers.values()]
        latest = sandbox.requests.entries()[-_LATEST_REQUESTS:][::-1]
        return render_template(
            "connect.html", back="/_sandbox/connect", forms=forms, latest=latest, clinics=sandbox.clinics
        )


def _asked_date(clinic: Clinic) -> date:
    wanted = request.args.get("date")
    try:
        return date.fromisoformat(wanted) if wanted else clinic.today()
    except ValueError as error:
        raise SandboxError("A date is YYYY-MM-DD.") from error


def _row(clinic: Clinic, row: Appointment) -> dict[str, object]:
    """What a screen shows of an appointment."""
    start = row.start_at.astimezone(clinic.zone)
    people = [clinic.patient(key) for key in row.patient_keys]
    return {
        "key": row.key,
        "start": start,
        "minutes": row.duration_min,
        "practitioner": clinic.practitioner(row.practitioner_key).display_name
        if row.practitioner_key
        else "",
        "practitioner_key": row.practitioner_key or "",
        "type": clinic.appointment_type(row.type_key).name if row.type_key else "",
        "type_key": row.type_key or "",
        "patients": [(person.key, patient_name(person, "medirecords")) for person in people],
        "status": clinic.status_of(row).word or "none",
    }


def _choices(clinic: Clinic) -> dict[str, object]:
    """What the forms' lists offer."""
    return {
        "practitioners": clinic.practitioners(),
        "practitioner_choices": [(person.key, person.display_name) for person in clinic.practitioners()],
        "types": clinic.appointment_types(),
        "type_choices": [(kind.key, kind.name) for kind in clinic.appointment_types()],
        "patients": [(person.key, patient_name(person, "medirecords")) for person in clinic.patients()],
    }


def _same(words: Sequence[str]) -> list[tuple[str, str]]:
    return [(word, word.replace("_", " ")) for word in words]
