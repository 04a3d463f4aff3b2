"""Every resource of a kind, drawn: what a search chooses from."""

from __future__ import annotations

from collections.abc import Callable

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.core.vendor import Json
from pmsapp.sandbox.halaxy import objects
from pmsapp.sandbox.halaxy.objects import Refs
from pmsapp.sandbox.halaxy.search import tail


def organizations(clinic: Clinic, refs: Refs) -> list[Json]:
    """The practice group, its clinics, and somebody else's rooms."""
    sites = [objects.draw_site(clinic, site, refs) for site in clinic.sites()]
    return [objects.draw_practice(clinic), objects.draw_external_place(), *sites]


def practitioners(clinic: Clinic) -> list[Json]:
    """Staff, administrators among them, and external contacts."""
    staff = [objects.draw_practitioner(clinic, person) for person in clinic.practitioners()]
    return staff + [objects.draw_external_practitioner(n) for n in range(len(objects.EXTERNAL))]


def roles(clinic: Clinic, refs: Refs) -> list[Json]:
    """A role per practitioner and clinic; administrators have none, external contacts have theirs."""
    staff = [
        objects.draw_role(clinic, person, site_key, refs)
        for person in clinic.practitioners()
        if not person.administrator
        for site_key in person.site_keys
    ]
    return staff + [objects.draw_external_role(n, refs) for n in range(len(objects.EXTERNAL))]


def role_companions(clinic: Clinic, refs: Refs, included: frozenset[str]) -> Callable[[Json], list[Json]]:
    """What comes along with a role when it is asked for: its practitioner, its clinic."""
    people = {row["id"]: row for row in practitioners(clinic)}
    places = {row["id"]: row for row in organizations(clinic, refs)}

    def along(role: Json) -> list[Json]:
        found = []
        if "PractitionerRole:practitioner" in included:
            found.append(people.get(tail(role["practitioner"]["reference"])))
        if "PractitionerRole:organization" in included:
            found.append(places.get(tail(role["organization"]["reference"])))
        return [row for row in found if row is not None]

    return along


def types(clinic: Clinic, refs: Refs) -> list[Json]:
    """Appointment types, archived ones included."""
    return [objects.draw_type(clinic, kind, refs) for kind in clinic.appointment_types()]


def patients(clinic: Clinic, refs: Refs, ids: frozenset[str] | None) -> list[Json]:
    """The patients with these ids, or all."""
    people = [
        person
        for person in clinic.patients()
        if ids is None or clinic.id_of("halaxy", "patient", person.key) in ids
    ]
    return [objects.draw_patient(clinic, person, refs) for person in people]
