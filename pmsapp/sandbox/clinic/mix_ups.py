"""What happens in every practice and careless readers get wrong: files merged, visits booked anew, joint consultations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from pmsapp.sandbox.clinic.actions import ClinicActions
from pmsapp.sandbox.clinic.model import Attendance, Change, SandboxError


class ClinicMixUps(ClinicActions):
    """More of the changing side of the clinic. Use `Clinic`."""

    def merge_patient(self, patient: str) -> Change:
        """Merge a patient's file into a new one: the same person under another id, in today's and later visits."""
        with self.lock:
            before = self.patient(self._key("patient", patient))
            number = max(patient.number for patient in self.patients()) + 1
            after = replace(before, key=f"patient-{number}", number=number)
            self._patients[after.key] = after
            self._make(self.today())
            self._make(self.today() + timedelta(days=1))
            for row in list(self._appointments.values()):
                if before.key in row.patient_keys and self.day_of(row.start_at) >= self.today():
                    self._put(replace(row, attendances=_renamed(row.attendances, before.key, after.key)))
            return self._change(
                "merge_patient", "patient", after.key, {"file": before.key}, {"file": after.key}
            )

    def book_anew(
        self,
        appointment: str,
        at: str,
        on: date | str | None = None,
        practitioner: str | None = None,
    ) -> list[Change]:
        """Move the way many practices do: cancel, and book the same patients and type anew under another id."""
        row = self._row(appointment)
        day = date.fromisoformat(on) if isinstance(on, str) else (on or self.day_of(row.start_at))
        cancelled = self.cancel(row.key, "Moved")
        booked = self.book(
            practitioner or row.practitioner_key,
            row.type_key,
            f"{day.isoformat()}T{at}",
            list(row.patient_keys),
            row.duration_min,
        )
        return [cancelled, booked]

    def set_links(self, appointment: str, host: str | None = None, guest: str | None = None) -> Change:
        """Give an appointment other video links, or none."""
        row = self._row(appointment)
        return self._store("set_links", row, replace(row, host_link=host, guest_link=guest))

    def join_practitioner(self, appointment: str, practitioner: str) -> Change:
        """Make it a joint consultation: one appointment with one more practitioner."""
        row, key = self._row(appointment), self._key("practitioner", practitioner)
        if row.practitioner_key is None or key in (row.practitioner_key, *row.also_with):
            raise SandboxError("That practitioner cannot join that appointment.")
        return self._store("join_practitioner", row, replace(row, also_with=(*row.also_with, key)))


def _renamed(attendances: tuple[Attendance, ...], before: str, after: str) -> tuple[Attendance, ...]:
    return tuple(
        replace(attendance, patient_key=after) if attendance.patient_key == before else attendance
        for attendance in attendances
    )
