"""A small clinic written straight into the tables, every free text of it recognisable; for sweeps over all routes.

Two clinicians with a card each, a connection with a run, a decision, an override, something kept aside. Everything
has the number 1 where it is the first of its kind; clinician 1 is "own", clinician 2 somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from pmsapp.models import (
    Clinic,
    Decision,
    Incident,
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    Quarantine,
    RunSheet,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetEvent,
    RunSheetOverride,
    ScopeFreshness,
    SyncRun,
    SyncScope,
)
from pmsapp.services.base.transaction import writing
from tests.support.clock import MONDAY_9AM

DAY = date(2026, 11, 23)
ZONE = "Australia/Melbourne"


@dataclass(frozen=True)
class Texts:
    """What the free texts hold: of the clinician's own patient, of another's, and of the vendor."""

    own: str = "Quillon Ownpatient"
    other: str = "Zzyzx Otherpatient"
    vendor: str = "Vendorwords"

    @property
    def patient_texts(self) -> tuple[str, ...]:
        return (self.own, self.other, f"{self.other} note", PHONE, EMAIL, BORN.isoformat())


PHONE = "+61491570006"
EMAIL = "otherpatient@example.net"
BORN = date(1979, 3, 12)


def seed(texts: Texts | None = None) -> Texts:
    """Fill the empty tables of the current app; "now" is Monday 23 November 2026, 09:00 in Melbourne."""
    texts = texts or Texts()
    with writing() as session:
        _add_clinic(session, texts)
        _add_connection(session, texts)
        _add_cards(session, texts)
        _add_trouble(session, texts)
    return texts


def _add_clinic(session: Session, texts: Texts) -> None:
    now = MONDAY_9AM
    if session.get(Clinic, 1) is None:
        session.add(
            Clinic(
                id=1, name="Harbour Street Clinic", time_zone=ZONE, hours={}, created_at=now, updated_at=now
            )
        )
    for number, name in ((1, f"Dr Own {texts.vendor}"), (2, f"Dr Other {texts.vendor}")):
        session.add(RunSheetClinician(id=number, name=name, sort_order=number, active=True, created_at=now))
    session.flush()


def _add_connection(session: Session, texts: Texts) -> None:
    now = MONDAY_9AM
    session.add(
        PMSConnection(
            id=1,
            pms_type="halaxy",
            display_name=f"Halaxy {texts.vendor}",
            practice_name=texts.vendor,
            time_zone=ZONE,
            secret_uid="seeded-connection",
            state="ok",
            last_sync_at=now,
            last_sync_status="success",
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()
    for number, name in ((1, f"Dr Own {texts.vendor}"), (2, f"Dr Other {texts.vendor}")):
        session.add(
            PMSClinicianMapping(
                id=number,
                pms_connection_id=1,
                pms_practitioner_id=f"pr-{number}",
                pms_practitioner_name=name,
                decision="mapped",
                run_sheet_clinician_id=number,
                first_seen_at=now,
                last_seen_at=now,
            )
        )
        session.add(
            ScopeFreshness(
                id=number, connection_id=1, date=DAY, pms_practitioner_id=f"pr-{number}", as_of=now
            )
        )
    session.add(
        PMSAppointmentType(
            id=1,
            pms_connection_id=1,
            pms_type_id="ty-1",
            pms_type_name=f"Telehealth {texts.vendor}",
            is_telehealth=True,
            evidence=texts.vendor,
            first_seen_at=now,
            last_seen_at=now,
        )
    )
    session.add(
        SyncRun(
            id=1,
            pms_connection_id=1,
            trigger="manual",
            actor="user:1 Mel",
            dates=[DAY.isoformat()],
            status="success",
            requested_at=now,
            started_at=now,
            completed_at=now,
            appointments_fetched=2,
            appointments_created=2,
            dry_run=True,
            preview={
                "changes": {"created": 1},
                "cards": [
                    {
                        "change": "created",
                        "id": 2,
                        "pms_appointment_id": "ap-2",
                        "pms_patient_id": "pa-2",
                        "start_at": now.isoformat(),
                        "clinician_id": 2,
                        "patient_name": texts.other,
                        "fields": [],
                    }
                ],
            },
        )
    )
    session.flush()
    session.add(
        SyncScope(
            id=1,
            run_id=1,
            connection_id=1,
            pms_practitioner_id="pr-1",
            date=DAY,
            outcome="complete",
            checked_at=now,
        )
    )


def _add_cards(session: Session, texts: Texts) -> None:
    now = MONDAY_9AM
    session.add(RunSheet(id=1, date=DAY, created_at=now, updated_at=now))
    session.flush()
    for number, name in ((1, texts.own), (2, texts.other)):
        session.add(
            RunSheetAppointment(
                id=number,
                run_sheet_id=1,
                clinician_id=number,
                start_at=now + timedelta(minutes=30 * number),
                time_zone=ZONE,
                appointment_duration_minutes=20,
                patient_name=name,
                patient_dob=BORN if number == 2 else None,
                patient_phone=PHONE if number == 2 else None,
                patient_email=EMAIL if number == 2 else None,
                appointment_type_name=f"Telehealth {texts.vendor}",
                appointment_status="booked",
                is_telehealth=True,
                pms_notes=f"{name} note",
                notes=f"{name} note",
                pms_connection_id=1,
                pms_appointment_id=f"ap-{number}",
                pms_patient_id=f"pa-{number}",
                pms_practitioner_id=f"pr-{number}",
                pms_type_id="ty-1",
                pms_date=DAY,
                pms_last_synced_at=now,
                created_at=now,
                updated_at=now,
            )
        )
    session.flush()
    session.add(
        RunSheetOverride(
            id=1,
            appointment_id=2,
            field="patient_name",
            value=f"{texts.other} again",
            base_value=texts.other,
            by="Mel",
            at=now,
            state="conflict",
        )
    )
    session.add(
        RunSheetEvent(id=1, appointment_id=2, run_id=1, at=now, source="pms", kind="created", actor=None)
    )


def _add_trouble(session: Session, texts: Texts) -> None:
    now = MONDAY_9AM
    session.add(
        Decision(
            id=1,
            kind="field_conflict",
            subject="card:2:patient_name",
            connection_id=1,
            date=DAY,
            clinician_id=2,
            appointment_ids=[2],
            field="patient_name",
            ours=f"{texts.other} again",
            theirs=texts.other,
            since=now,
        )
    )
    session.add(
        Quarantine(
            id=1,
            connection_id=1,
            record_key="ap-9",
            pms_appointment_id="ap-9",
            date=DAY,
            reason="REC-BAD",
            shape="{start: text}",
            first_seen_at=now,
            last_seen_at=now,
        )
    )
    session.add(
        Incident(
            id=1,
            subject="connection:1",
            connection_id=1,
            code="PMS-DOWN",
            severity="medium",
            started_at=now,
            last_seen_at=now,
            opened_at=now,
        )
    )
