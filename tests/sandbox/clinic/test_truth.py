"""The truth against the wire: a small, patient reader of Gentu's JSON must arrive at what the clinic says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import VENDORS
from pmsapp.sandbox.clinic.people import to_e164
from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, GentuClient, StandingClock

WORDS = {
    None: "booked",
    "none": "booked",
    "confirmed": "confirmed",
    "in_waiting_room": "arrived",
    "with_doctor": "in_progress",
    "completed": "completed",
    "invoiced": "completed",
    "cancelled": "cancelled",
    "did_not_arrive": "no_show",
}


def read_name(patient: dict[str, Any]) -> str:
    first = next((e["valueString"] for e in patient["extension"] if e["system"] == "firstname"), None)
    given = first or (patient["name"]["given"] or "").split(" ")[0]
    return f"{(given or '').strip()} {patient['name']['family'].strip()}".strip()


def read_phone(patient: dict[str, Any]) -> str | None:
    phones = [c for c in patient["contact"] if c["system"] == "phone" and c["value"]]
    phones.sort(key=lambda c: (c["use"] != "mobile", c["rank"] is None, c["rank"] or 0))
    return (to_e164(phones[0]["value"]) or phones[0]["value"].strip()) if phones else None


def read_minutes(row: dict[str, Any], types: dict[str, dict[str, Any]]) -> int | None:
    if row["endAt"]:
        length = datetime.fromisoformat(row["endAt"]) - datetime.fromisoformat(row["startAt"])
        return int(length.total_seconds()) // 60
    if row["minutesDuration"]:
        return int(row["minutesDuration"])
    kind = types.get(row["appointmentType"]["reference"] or "")
    return kind["duration"] if kind else None


def read_day(gentu: GentuClient, clinic: Clinic, on: date) -> tuple[set[tuple[Any, ...]], set[str]]:
    types = {kind["id"]: kind for kind in gentu.tenant("/appointment-types").json()}
    rows: set[tuple[Any, ...]] = set()
    skipped: set[str] = set()
    for person in gentu.tenant("/practitioners").json():
        found = gentu.tenant(
            "/appointments",
            fromDate=datetime.combine(on - timedelta(days=1), datetime.max.time(), clinic.zone).isoformat(),
            toDate=datetime.combine(on + timedelta(days=1), datetime.min.time(), clinic.zone).isoformat(),
            practitionerId=person["id"],
            limit="100",
            include="patients",
        ).json()
        patients = {patient["id"]: patient for patient in found["patients"]}
        for row in found["appointments"]:
            members = [p for p in row["participant"] if p["referenceType"] == "patient"]
            if not members:
                skipped.add(row["id"])
            for member in members:
                patient = patients[member["referenceId"]]
                word = WORDS[row["status"]]
                if member.get("arrivedAt") and word in ("booked", "confirmed"):
                    word = "arrived"
                kind = types.get(row["appointmentType"]["reference"] or "")
                rows.add(
                    (
                        row["id"],
                        patient["id"],
                        person["id"],
                        datetime.fromisoformat(row["startAt"]),
                        read_minutes(row, types),
                        read_name(patient),
                        patient["birthDate"],
                        read_phone(patient),
                        next((c["value"] for c in patient["contact"] if c["system"] == "email"), None),
                        kind["text"] if kind else None,
                        word,
                    )
                )
    return rows, skipped


@pytest.mark.parametrize("hour", [0, 6, 14])
def test_a_patient_reader_of_gentu_arrives_at_the_truth(
    gentu: GentuClient, server: SandboxServer, now: StandingClock, hour: int
) -> None:
    now.advance(hours=hour - 0.5)
    gentu.token()
    clinic = server.clinic
    for on in (MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=5)):
        truth = clinic.truth("gentu", on)
        expected = {
            (
                row.appointment_id,
                row.patient_id,
                row.practitioner_id,
                row.start_at,
                row.duration_minutes,
                row.patient_name,
                row.patient_dob.isoformat() if row.patient_dob else None,
                row.patient_phone,
                row.patient_email,
                row.appointment_type,
                row.appointment_status,
            )
            for row in truth.rows
        }
        rows, skipped = read_day(gentu, clinic, on)
        assert rows == expected
        assert skipped == set(truth.skipped)


def test_unknown_is_none_and_never_empty(clinic: Clinic) -> None:
    for vendor in VENDORS:
        for row in clinic.truth(vendor, MONDAY).rows:
            assert "" not in row.as_dict().values()


def test_a_group_is_a_row_for_each_patient_and_only_gentu_cannot_tell_them_apart(clinic: Clinic) -> None:
    group = next(row for row in clinic.appointments_on(MONDAY) if len(row.attendances) == 3)
    words: dict[str, list[str]] = {}
    for vendor in VENDORS:
        rows = [
            row
            for row in clinic.truth(vendor, MONDAY).rows
            if row.appointment_id in {clinic.appointment_id(vendor, group, key) for key in group.patient_keys}
        ]
        assert len(rows) == 3
        words[vendor] = [row.appointment_status for row in rows]
    assert words["gentu"][2] != "cancelled"
    assert words["medirecords"][2] == words["halaxy"][2] == "cancelled"


def test_gentu_never_says_telehealth_and_the_others_do(clinic: Clinic) -> None:
    said = {vendor: {row.is_telehealth for row in clinic.truth(vendor, MONDAY).rows} for vendor in VENDORS}
    assert said == {"gentu": {None}, "medirecords": {True, False, None}, "halaxy": {True, False, None}}


def test_without_location_types_halaxy_tells_telehealth_by_name_or_not_at_all(clinic: Clinic) -> None:
    clinic.halaxy_location_type = "absent"
    assert {row.is_telehealth for row in clinic.truth("halaxy", MONDAY).rows} == {True, None}


def test_names_are_given_and_family_without_title_and_preferred_where_known(clinic: Clinic) -> None:
    names = {
        vendor: {
            clinic.find(vendor, "patient", row.patient_id): row.patient_name
            for row in clinic.truth(vendor, MONDAY).rows
        }
        for vendor in VENDORS
    }
    assert names["gentu"]["preferred"] == "Alexandra Bilby"
    assert names["medirecords"]["preferred"] == names["halaxy"]["preferred"] == "Lexi Bilby"
    assert names["gentu"]["two-firsts"] == "Mary Karri"
    assert names["halaxy"]["two-firsts"] == "Mary Jane Karri"
    assert names["gentu"]["one-name"] == "Suharto"
    assert names["gentu"]["padded"] == "Fern Hakea"


def test_vendors_say_what_they_can_about_a_no_show(clinic: Clinic) -> None:
    row = next(row for row in clinic.appointments_on(MONDAY) if row.plan == "no_show")
    clinic.no_show(row.key)
    said = {}
    for vendor in VENDORS:
        wanted = clinic.appointment_id(vendor, row, row.patient_keys[0])
        said[vendor] = next(
            found.appointment_status
            for found in clinic.truth(vendor, MONDAY).rows
            if found.appointment_id == wanted
        )
    assert said == {"gentu": "no_show", "medirecords": "cancelled", "halaxy": "no_show"}
