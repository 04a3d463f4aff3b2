"""Which appointments a search asks for, how they are written, and which patients come along."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment
from pmsapp.sandbox.core.hub import Sandbox
from pmsapp.sandbox.core.vendor import Json
from pmsapp.sandbox.halaxy.appointments import Style, status_word
from pmsapp.sandbox.halaxy.objects import Refs, draw_patient
from pmsapp.sandbox.halaxy.search import BadParameterError, read_dates, read_ids, tail


def find_rows(sandbox: Sandbox, clinic: Clinic, args: MultiDict[str, str]) -> list[Appointment]:
    """The rows the parameters ask for; parameters nobody knows are ignored. Raises BadParameterError."""
    zone = ZoneInfo("UTC") if sandbox.fault("utc_dates") else clinic.zone
    asked = args.getlist("date")
    if sandbox.fault("second_bound_ignored"):
        asked = asked[:1]
    spans = read_dates([] if sandbox.fault("dates_ignored") else asked, zone)
    order = args.get("_sort")
    if order not in (None, "date", "-date"):
        raise BadParameterError("_sort")
    rows = [row for row in clinic.appointments_between(*spans.range(clinic.now())) if row.practitioner_key]
    rows = [row for row in rows if spans.allows(row.start_at) and _is_asked_for(clinic, row, args)]
    rows = sandbox.kept("halaxy", clinic, rows)
    if order is None:
        return sorted(rows, key=lambda row: clinic.appointment_id("halaxy", row))
    return sorted(rows, key=lambda row: (row.start_at, row.key), reverse=order == "-date")


def _is_asked_for(clinic: Clinic, row: Appointment, args: MultiDict[str, str]) -> bool:
    person = row.practitioner_key or ""
    checks: Iterable[tuple[str, Callable[[], Iterable[str | None]]]] = (
        ("_id", lambda: [clinic.appointment_id("halaxy", row)]),
        ("patient", lambda: [clinic.id_of("halaxy", "patient", key) for key in row.patient_keys]),
        ("practitioner", lambda: [clinic.id_of("halaxy", "practitioner", person)]),
        ("practitioner-role", lambda: [clinic.role_id(person, row.site_key)]),
        ("organization", lambda: [clinic.id_of("halaxy", "site", row.site_key)]),
        ("part-status", lambda: [status_word(clinic, row, key) for key in row.patient_keys]),
    )
    for name, values in checks:
        wanted = read_ids(args.get(name))
        if wanted is not None and not {tail(each) for each in wanted} & set(values()):
            return False
    return True


def patients_along(
    sandbox: Sandbox, clinic: Clinic, refs: Refs, included: frozenset[str]
) -> Callable[[Appointment], list[Json]]:
    """The patients of a row, where they are asked for and the key may see them."""
    left_out = sandbox.fault("patient_left_out")
    if "Appointment:patient" not in included or sandbox.fault("patients_hidden"):
        return lambda _row: []

    def along(row: Appointment) -> list[Json]:
        return [
            draw_patient(clinic, clinic.patient(key), refs)
            for key in row.patient_keys
            if left_out is None or left_out.patient not in (None, key, clinic.id_of("halaxy", "patient", key))
        ]

    return along


def style_for(sandbox: Sandbox, clinic: Clinic, base: str) -> Style:
    """How appointments are written: as the clinic and the switches say."""
    place, offsets = sandbox.fault("location_place"), sandbox.fault("offsets")
    said = clinic.halaxy_location_type
    return Style(
        refs=refs_for(sandbox, base),
        offsets=offsets.text("mode") if offsets else ("mixed" if clinic.seed % 2 else "local"),
        location=place.text("where") if place and said != "absent" else said,
        hyphens=sandbox.fault("hyphenated_statuses") is not None,
    )


def refs_for(sandbox: Sandbox, base: str) -> Refs:
    """How references are written."""
    switch = sandbox.fault("short_references")
    return Refs(base, switch.text("style") if switch else "absolute")
