"""What can be done in the clinic's own PMS, as reception would do it: each action returns what it changed.

An appointment, patient, practitioner or type may be named by its key or by its id at any vendor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pmsapp.sandbox.clinic.days import BOOKED_FROM
from pmsapp.sandbox.clinic.ids import make_uuid
from pmsapp.sandbox.clinic.model import (
    STATUSES,
    VENDORS,
    Appointment,
    AppointmentType,
    Attendance,
    Change,
    Patient,
    Practitioner,
    SandboxError,
)
from pmsapp.sandbox.clinic.people import home, mobile
from pmsapp.sandbox.clinic.store import ClinicStore


class ClinicActions(ClinicStore):
    """The changing side of the clinic. Use `Clinic`."""

    # -- appointments -----------------------------------------------------------------------------------------------

    def book(
        self,
        practitioner: str | None,
        appointment_type: str | None,
        start: datetime | str,
        patients: list[str] | str | None = None,
        duration_min: int | None = None,
        comment: str | None = None,
    ) -> Change:
        """Book a new appointment. `start` without an offset is read as clinic-local."""
        with self.lock:
            kind = self.appointment_type(self._key("type", appointment_type)) if appointment_type else None
            person = self.practitioner(self._key("practitioner", practitioner)) if practitioner else None
            names = [patients] if isinstance(patients, str) else (patients or [])
            start_at = self._instant(start)
            self._booked += 1
            on = self.day_of(start_at)
            number = BOOKED_FROM + self._booked
            row = Appointment(
                key=f"{on.isoformat()}/{number:04d}",
                number=on.toordinal() * 10_000 + number,
                practitioner_key=person.key if person else None,
                site_key=person.site_keys[0] if person else "main",
                type_key=kind.key if kind else None,
                start_at=start_at,
                duration_min=duration_min or (kind.duration_min if kind and kind.duration_min else 15),
                attendances=tuple(Attendance(self._key("patient", name)) for name in names),
                comment=comment,
                created_at=self.now(),
                **_place(kind, number),
            )
            self._make(on)
            return self._store("book", None, row)

    def cancel(self, appointment: str, reason: str = "Patient cancelled") -> Change:
        """Cancel: the appointment stays in the book, with when and why."""
        row = self._row(appointment)
        return self._store(
            "cancel", row, replace(row, status="cancelled", cancelled_at=self.now(), cancel_reason=reason)
        )

    def no_show(self, appointment: str) -> Change:
        """Mark that the patient did not come."""
        return replace(self.set_status(appointment, "no_show"), action="no_show")

    def set_status(self, appointment: str, status: str | None = None) -> Change:
        """Set the status by hand; None lets it follow the clock again."""
        if status is not None and status not in STATUSES:
            raise SandboxError(f"A status is one of {', '.join(STATUSES)}.")
        row = self._row(appointment)
        cancelled_at = self.now() if status == "cancelled" else None
        return self._store(
            "set_status", row, replace(row, status=status, cancelled_at=cancelled_at, plan="attend")
        )

    def set_patient_status(self, appointment: str, patient: str, status: str | None) -> Change:
        """Set the status of one patient of a group."""
        if status is not None and status not in STATUSES:
            raise SandboxError(f"A status is one of {', '.join(STATUSES)}.")
        row, key = self._row(appointment), self._key("patient", patient)
        if key not in row.patient_keys:
            raise SandboxError("That patient is not in that appointment.")
        changed = tuple(
            Attendance(a.patient_key, status if a.patient_key == key else a.status) for a in row.attendances
        )
        return self._store("set_patient_status", row, replace(row, attendances=changed))

    def move(
        self,
        appointment: str,
        at: str | None = None,
        on: date | str | None = None,
        practitioner: str | None = None,
        duration_min: int | None = None,
    ) -> Change:
        """Move to another time (`HH:MM`, clinic-local), day, practitioner, or length; what is not given stays."""
        row = self._row(appointment)
        local = row.start_at.astimezone(self.zone)
        day = date.fromisoformat(on) if isinstance(on, str) else (on or local.date())
        clock = time.fromisoformat(at) if at else local.time()
        key = self._key("practitioner", practitioner) if practitioner else row.practitioner_key
        start_at = datetime.combine(day, clock, tzinfo=self.zone).astimezone(UTC)
        self.appointments_on(day)
        length = duration_min or row.duration_min
        return self._store(
            "move", row, replace(row, start_at=start_at, practitioner_key=key, duration_min=length)
        )

    def change_type(self, appointment: str, appointment_type: str | None = None) -> Change:
        """Change the style of visit; place and links follow the new one."""
        row = self._row(appointment)
        kind = self.appointment_type(self._key("type", appointment_type)) if appointment_type else None
        changed = replace(row, type_key=kind.key if kind else None, **_place(kind, row.number))
        return self._store("change_type", row, changed)

    def swap_patient(self, appointment: str, patient: str) -> Change:
        """Put another patient on the same appointment (its first place)."""
        row, key = self._row(appointment), self._key("patient", patient)
        return self._store(
            "swap_patient", row, replace(row, attendances=(Attendance(key), *row.attendances[1:]))
        )

    def delete(self, appointment: str) -> Change:
        """Remove it from the book for good: lists and look-ups no longer know it."""
        with self.lock:
            row = self._row(appointment)
            change = self._change("delete", "appointment", row.key, {"deleted": False}, {"deleted": True})
            self._drop(row.key)
            return change

    def empty_day(self, on: date | str, practitioner: str | None = None) -> list[Change]:
        """Delete a whole day, or one practitioner's part of it."""
        day = date.fromisoformat(on) if isinstance(on, str) else on
        key = self._key("practitioner", practitioner) if practitioner else None
        rows = self.appointments_on(day)
        return [self.delete(row.key) for row in rows if key is None or row.practitioner_key == key]

    def fill_day(self, on: date | str, practitioner: str, count: int = 110) -> list[Change]:
        """Add up to 130 short phone reviews to one clinician-day."""
        with self.lock:
            day = date.fromisoformat(on) if isinstance(on, str) else on
            self._make(day)
            person = self.practitioner(self._key("practitioner", practitioner))
            rows = self._maker.fill_day(day, person.key, int(count), person.number - 1)
            return [self._store("fill_day", None, row) for row in rows]

    def book_edges(self, on: date | str, practitioner: str = "lee-hana") -> list[Change]:
        """Book at the very edges of a day: 00:00, 00:01, 23:59 and 24:00 (the next day's first instant)."""
        day = date.fromisoformat(on) if isinstance(on, str) else on
        following = day + timedelta(days=1)
        starts = [
            datetime.combine(day, time(0, 0)),
            datetime.combine(day, time(0, 1)),
            datetime.combine(day, time(23, 59)),
            datetime.combine(following, time(0, 0)),
        ]
        people = [patient.key for patient in self.patients()[40:44]]
        return [
            self.book(practitioner, "after-hours", start, who)
            for start, who in zip(starts, people, strict=True)
        ]

    # -- people and types -------------------------------------------------------------------------------------------

    def edit_patient(
        self,
        patient: str,
        given: str | None = None,
        family: str | None = None,
        phone: str | None = None,
        email: str | None = None,
        born_on: date | str | None = None,
    ) -> Change:
        """Change a patient's details; what is not given stays, and "" clears a phone or an e-mail address."""
        with self.lock:
            before = self.patient(self._key("patient", patient))
            after = replace(before, given=given or before.given, family=family or before.family)
            if after.given != before.given:
                after = replace(after, preferred=None, one_name_only=False)
            if phone is not None and phone != (before.phones[0].typed if before.phones else ""):
                after = replace(after, phones=(_typed(phone),) if phone else ())
            if email is not None:
                after = replace(after, email=email or None)
            if born_on:
                after = replace(
                    after, born_on=date.fromisoformat(born_on) if isinstance(born_on, str) else born_on
                )
            self._patients[before.key] = after
            return self._change("edit_patient", "patient", before.key, *_difference(before, after))

    def rename_practitioner(
        self, practitioner: str, family: str, given: str | None = None, title: str | None = None
    ) -> Change:
        """Give a practitioner another name."""
        with self.lock:
            before = self.practitioner(self._key("practitioner", practitioner))
            after = replace(before, family=family, given=given, title=title)
            self._practitioners[before.key] = after
            return self._change(
                "rename_practitioner", "practitioner", before.key, *_difference(before, after)
            )

    def set_practitioner(
        self, practitioner: str, active: bool | None = None, shown_in_book: bool | None = None
    ) -> Change:
        """Activate, retire, show or hide a practitioner."""
        with self.lock:
            before = self.practitioner(self._key("practitioner", practitioner))
            after = replace(
                before,
                active=before.active if active is None else active,
                shown_in_book=before.shown_in_book if shown_in_book is None else shown_in_book,
            )
            self._practitioners[before.key] = after
            return self._change("set_practitioner", "practitioner", before.key, *_difference(before, after))

    def add_practitioner(self, family: str, given: str | None = None, title: str | None = None) -> Change:
        """Add a practitioner, active and shown."""
        with self.lock:
            number = len(self._practitioners) + 1
            person = Practitioner(f"practitioner-{number}", number, family, given, title)
            self._practitioners[person.key] = person
            return self._change(
                "add_practitioner", "practitioner", person.key, {}, {"name": person.display_name}
            )

    def rename_type(self, appointment_type: str, name: str) -> Change:
        """Give an appointment type another name."""
        with self.lock:
            before = self.appointment_type(self._key("type", appointment_type))
            after = replace(before, name=name)
            self._types[before.key] = after
            return self._change("rename_type", "type", before.key, *_difference(before, after))

    def set_type(self, appointment_type: str, active: bool) -> Change:
        """Archive an appointment type, or bring it back."""
        with self.lock:
            before = self.appointment_type(self._key("type", appointment_type))
            after = replace(before, active=active)
            self._types[before.key] = after
            return self._change("set_type", "type", before.key, *_difference(before, after))

    def add_type(self, name: str, duration_min: int | None = 15, telehealth: bool = False) -> Change:
        """Add an appointment type; `telehealth` is the flag MediRecords keeps."""
        with self.lock:
            number = len(self._types) + 1
            mode = "telehealth" if telehealth else "clinic"
            kind = AppointmentType(f"type-{number}", number, name, duration_min, telehealth, telehealth, mode)
            self._types[kind.key] = kind
            return self._change("add_type", "type", kind.key, {}, {"name": name})

    def reset(self) -> Change:
        """Forget every change: the clinic is as generated again."""
        with self.lock:
            self._fill()
            return Change("reset", "clinic", "", {}, {}, {})

    # -- by name ----------------------------------------------------------------------------------------------------

    def act(self, action: str, **details: Any) -> list[Change]:
        """Carry out one action by name (see ACTIONS). Raises SandboxError when it cannot be done."""
        if action not in ACTIONS:
            raise SandboxError(f"An action is one of {', '.join(ACTIONS)}.")
        perform: Callable[..., Change | list[Change]] = getattr(self, action)
        try:
            with self.lock:
                done = perform(**details)
        except TypeError as error:
            raise SandboxError(f"That is not how {action} is asked for.") from error
        except SandboxError:
            raise
        except ValueError as error:
            raise SandboxError("A date is YYYY-MM-DD and a time is HH:MM.") from error
        return done if isinstance(done, list) else [done]

    # -- inside -----------------------------------------------------------------------------------------------------

    def _row(self, name: str) -> Appointment:
        for vendor in VENDORS:
            found = self.find_appointment(vendor, name) if "/" not in name else None
            if found:
                return found[0]
        return self.appointment(name)

    def _key(self, kind: str, name: str) -> str:
        with self.lock:
            if name in self._table(kind):
                return name
            for vendor in VENDORS:
                key = self.find(vendor, kind, name)
                if key is not None:
                    return key
        raise SandboxError(f"The clinic has no such {kind}.")

    def _instant(self, at: datetime | str) -> datetime:
        given = datetime.fromisoformat(at) if isinstance(at, str) else at
        return (given if given.tzinfo else given.replace(tzinfo=self.zone)).astimezone(UTC)

    def _store(self, action: str, before: Appointment | None, after: Appointment) -> Change:
        with self.lock:
            after = replace(after, changed_at=self.now())
            self._put(after)
            was, became = (
                _difference(before, after) if before else ({}, {"start_at": after.start_at.isoformat()})
            )
            return self._change(action, "appointment", after.key, was, became)

    def _change(
        self, action: str, kind: str, key: str, before: dict[str, object], after: dict[str, object]
    ) -> Change:
        self.revision += 1
        found: dict[str, str] = {}
        for vendor in VENDORS:
            if kind == "appointment":
                found[vendor] = self.appointment_id(vendor, self._appointments[key])
            else:
                found[vendor] = self.id_of(vendor, kind, key)
        return Change(action, kind, key, found, before, after)


ACTIONS = (
    "book",
    "cancel",
    "no_show",
    "set_status",
    "set_patient_status",
    "move",
    "change_type",
    "swap_patient",
    "delete",
    "empty_day",
    "fill_day",
    "book_edges",
    "edit_patient",
    "merge_patient",
    "book_anew",
    "set_links",
    "join_practitioner",
    "rename_practitioner",
    "set_practitioner",
    "add_practitioner",
    "rename_type",
    "set_type",
    "add_type",
)


def _typed(phone: str) -> Any:
    number = mobile(phone)
    return number if (number.e164 or "+614").startswith("+614") else home(phone)


def _place(kind: AppointmentType | None, number: int) -> dict[str, Any]:
    """Where an appointment of this type happens, with video links for the ones at a distance."""
    if kind is None or not kind.telehealth:
        return {"mode": kind.mode if kind else None, "host_link": None, "guest_link": None}
    secret = make_uuid(f"link/booked/{number}")
    base = "https://video.example.com/session"
    return {"mode": kind.mode, "host_link": f"{base}/host-{secret}", "guest_link": f"{base}/guest-{secret}"}


def _difference(
    before: Appointment | Patient | Practitioner | AppointmentType,
    after: Appointment | Patient | Practitioner | AppointmentType,
) -> tuple[dict[str, object], dict[str, object]]:
    names = [name for name in before.__slots__ if getattr(before, name) != getattr(after, name)]
    names = [name for name in names if name != "changed_at"]
    return {n: _plain(getattr(before, n)) for n in names}, {n: _plain(getattr(after, n)) for n in names}


def _plain(value: object) -> object:
    """A value JSON can carry."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__slots__"):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    return value
