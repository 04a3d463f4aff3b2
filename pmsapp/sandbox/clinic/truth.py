"""What a perfect reader would put on the run sheet, worked out from the clinic and never from a vendor's wire format.

Where a vendor cannot say something, its truth is what can be known there:

| Book says | Gentu | MediRecords | Halaxy |
|---|---|---|---|
| booked, confirmed | the same; arrived once the arrival is noted | the same | the same until the start, then attended = confirmed |
| arrived | arrived | arrived | arrived |
| in_progress | in_progress | in_progress | attended = confirmed |
| completed, billed | completed | completed | attended = confirmed |
| no_show | no_show | cancelled (it has no other word) | no_show |
| cancelled | cancelled | cancelled | cancelled |
| no status | booked | booked | booked, then attended = confirmed |
| one patient of a group | the appointment's | the patient's own | the patient's own |

Telehealth: Gentu never says (None). MediRecords: a link or the type's flag; without a type and a link, None. Halaxy: the
location type, else the words of the type's name, else None. Names: Halaxy and MediRecords know a preferred name, Gentu a
first name. Gentu and Halaxy do not list what has no practitioner, and Gentu does not list archived types, so their name is
unknown there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

from pmsapp.sandbox.clinic.mix_ups import ClinicMixUps
from pmsapp.sandbox.clinic.model import Appointment, Patient, StatusNow, Vendor
from pmsapp.sandbox.clinic.store import ClinicStore

_TELEHEALTH_MODES = frozenset({"telehealth", "online", "phone"})


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One row of a run sheet: one patient of one appointment. None = that vendor cannot say."""

    appointment_id: str
    patient_id: str
    practitioner_id: str | None
    practitioner_name: str | None
    practitioner_title: str | None
    start_at: datetime
    duration_minutes: int | None
    patient_name: str
    patient_dob: date | None
    patient_phone: str | None
    patient_email: str | None
    appointment_type: str | None
    appointment_type_id: str | None
    appointment_status: str
    is_telehealth: bool | None
    host_link: str | None
    patient_link: str | None
    notes: str | None

    def as_dict(self) -> dict[str, object]:
        """The row for JSON: instants and dates in ISO 8601."""
        row = asdict(self)
        row["start_at"] = self.start_at.isoformat()
        row["patient_dob"] = self.patient_dob.isoformat() if self.patient_dob else None
        return row


@dataclass(frozen=True, slots=True)
class Truth:
    """A day at one vendor: the rows, and the ids of the appointments without a patient (skipped)."""

    rows: list[TruthRow]
    skipped: list[str]


def truth(clinic: ClinicStore, vendor: Vendor, on: date) -> Truth:
    """The day's run sheet as a perfect reader of `vendor` would see it: every practitioner, every status."""
    rows: list[TruthRow] = []
    skipped: list[str] = []
    for appointment in clinic.appointments_on(on):
        if appointment.practitioner_key is None and vendor != "medirecords":
            continue
        if not appointment.attendances:
            skipped.append(clinic.appointment_id(vendor, appointment))
        rows += [_row(clinic, vendor, appointment, key) for key in appointment.patient_keys]
    return Truth(rows, skipped)


def _row(clinic: ClinicStore, vendor: Vendor, appointment: Appointment, patient_key: str) -> TruthRow:
    patient = clinic.patient(patient_key)
    person = clinic.practitioner(appointment.practitioner_key) if appointment.practitioner_key else None
    links = vendor == "medirecords"
    return TruthRow(
        appointment_id=clinic.appointment_id(vendor, appointment, patient_key),
        patient_id=clinic.id_of(vendor, "patient", patient_key),
        practitioner_id=clinic.id_of(vendor, "practitioner", person.key) if person else None,
        practitioner_name=person.display_name if person else None,
        practitioner_title=person.title if person else None,
        start_at=appointment.start_at.astimezone(clinic.zone),
        duration_minutes=_duration(clinic, vendor, appointment),
        patient_name=patient_name(patient, vendor),
        patient_dob=patient.born_on,
        patient_phone=patient_phone(patient),
        patient_email=patient.email,
        appointment_type=_type_name(clinic, vendor, appointment),
        appointment_type_id=clinic.id_of(vendor, "type", appointment.type_key)
        if appointment.type_key
        else None,
        appointment_status=_status(clinic, vendor, appointment, patient_key),
        is_telehealth=_is_telehealth(clinic, vendor, appointment),
        host_link=(appointment.host_link or None) if links else None,
        patient_link=(appointment.guest_link or None) if links else None,
        notes=_notes(vendor, appointment),
    )


def patient_name(patient: Patient, vendor: Vendor) -> str:
    """Given name and family name without title; what people call them wins where the vendor keeps it."""
    given = patient.given
    if vendor == "gentu" and given and not patient.first_name_listed:
        given = given.split()[0]
    if vendor != "gentu" and patient.preferred:
        given = patient.preferred
    parts = (part.strip() for part in (given, patient.family) if part)
    return " ".join(part for part in parts if part)


def patient_phone(patient: Patient) -> str | None:
    """The preferred phone, in E.164 when it is a valid number, else as typed."""
    if not patient.phones:
        return None
    phone = patient.phones[0]
    return phone.e164 or phone.typed.strip()


def _duration(clinic: ClinicStore, vendor: Vendor, appointment: Appointment) -> int | None:
    hidden = (vendor == "gentu" and appointment.length_shown == "none") or (
        vendor == "medirecords" and not appointment.interval_known
    )
    if not hidden:
        return appointment.duration_min
    kind = clinic.appointment_type(appointment.type_key) if appointment.type_key else None
    known = kind is not None and (kind.active or vendor != "gentu")
    return kind.duration_min if kind and known else None


def _type_name(clinic: ClinicStore, vendor: Vendor, appointment: Appointment) -> str | None:
    if appointment.type_key is None:
        return None
    kind = clinic.appointment_type(appointment.type_key)
    return kind.name if kind.active or vendor != "gentu" else None


def _status(clinic: ClinicStore, vendor: Vendor, appointment: Appointment, patient_key: str) -> str:
    own = clinic.status_of_patient(appointment, patient_key)
    whole = clinic.status_of(appointment)
    if vendor == "gentu":
        return _gentu_status(whole)
    if vendor == "medirecords":
        return {"billed": "completed", "no_show": "cancelled", None: "booked"}.get(
            own.word, own.word or "booked"
        )
    begun = clinic.now() >= appointment.start_at
    if own.word in ("in_progress", "completed", "billed"):
        return "confirmed"
    if own.word in ("booked", "confirmed", None):
        return "confirmed" if begun else (own.word or "booked")
    return own.word or "booked"


def _gentu_status(now: StatusNow) -> str:
    if now.word in ("booked", "confirmed") and now.arrived_at is not None:
        return "arrived"
    return {"billed": "completed", None: "booked"}.get(now.word, now.word or "booked")


def _is_telehealth(clinic: ClinicStore, vendor: Vendor, appointment: Appointment) -> bool | None:
    if vendor == "gentu":
        return None
    kind = clinic.appointment_type(appointment.type_key) if appointment.type_key else None
    if vendor == "medirecords":
        linked = bool(appointment.host_link or appointment.guest_link)
        return linked or (kind.telehealth if kind else None)
    if appointment.mode is not None and clinic.halaxy_location_type != "absent":
        return appointment.mode in _TELEHEALTH_MODES
    return True if kind and kind.named else None


def _notes(vendor: Vendor, appointment: Appointment) -> str | None:
    """The free text a vendor sends: Gentu both texts, MediRecords its notes, Halaxy its description (the comments)."""
    if vendor == "gentu":
        return "\n".join(text for text in (appointment.comment, appointment.description) if text) or None
    return appointment.comment or appointment.description


class ClinicTruth(ClinicMixUps):
    """The clinic with its truth. Use `Clinic`."""

    def truth(self, vendor: Vendor, on: date) -> Truth:
        """The run sheet a perfect reader of `vendor` would see on this clinic-local date."""
        with self.lock:
            return truth(self, vendor, on)
