"""Compares both databases with the vendor's answers, row by row: a time counts only for the right result."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from bench.fake_gentu import PAGE, World

Row = tuple[object, ...]

FLOOR = "SELECT id, practitioner, patient, start_at, status, name, dob, phone, email FROM appointments"
JOB = (
    "SELECT pms_appointment_id, pms_practitioner_id, pms_patient_id, start_at, appointment_status, patient_name, "
    "patient_dob, patient_phone, patient_email FROM run_sheet_appointments WHERE presence = 'on_sheet'"
)


def check_rows(world: World, share: int, floor: Path, job: Path) -> None:
    """Stop the whole bench when a row is missing, too many, or different in any field."""
    world.share = share
    expected = {_plain(row) for row in _listed(world)}
    for name, database, query in (("floor", floor, FLOOR), ("sync job", job, JOB)):
        store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        found = [_plain(row) for row in store.execute(query)]
        store.close()
        if len(found) != len(expected) or set(found) != expected:
            raise SystemExit(f"the {name}'s rows are not those of the vendor")


def _listed(world: World) -> Iterator[Row]:
    for practitioner in range(world.practitioners):
        for number in range(-(-world.each // PAGE)):
            page = orjson.loads(world.page(practitioner, number))
            people = {patient["id"]: patient for patient in page["patients"]}
            for appointment in page["appointments"]:
                patient_id, practitioner_id = (who["referenceId"] for who in appointment["participant"])
                yield (
                    appointment["id"],
                    practitioner_id,
                    patient_id,
                    appointment["startAt"],
                    appointment["status"],
                    *_person(people[patient_id]),
                )


def _person(patient: dict[str, Any]) -> Iterable[object]:
    phone, email = (contact["value"] for contact in patient["contact"])
    name = f"{patient['extension'][0]['valueString']} {patient['name']['family']}"
    return name, patient["birthDate"], phone, email


def _plain(row: Row) -> Row:
    """Both ways to write an instant, a status and a phone, as one."""
    start_at, phone = datetime.fromisoformat(str(row[3])), str(row[7]).replace(" ", "")
    status = "booked" if row[4] == "none" else row[4]
    return (*row[:3], start_at, status, *row[5:7], phone.replace("+61", "0"), row[8])
