"""The one made-up clinic behind all three vendors' servers.

`Clinic(seed=1, zone="Australia/Melbourne", now=..., busy=False)` is the same for the same seed and date. It is built in
layers: `store.py` (what it holds, by key and by vendor id), `actions.py` and `mix_ups.py` (what reception does), `truth.py` (what a perfect
reader sees). A vendor's server reads it through these calls:

- `practitioners()`, `appointment_types()`, `patients()`, `sites()` and the singular look-ups by key;
- `appointments_on(date)`, `appointments_between(after, before)`, `find_appointment(vendor, id)`;
- `status_of(appointment)`, `status_of_patient(appointment, patient_key)`: a StatusNow whose word is neutral;
- `id_of(vendor, kind, key)`, `appointment_id(vendor, appointment, patient_key)`, `role_id(...)`, `find(vendor, kind, id)`.

No patient here is real, and no phone number or address leads anywhere.
"""

from __future__ import annotations

from pmsapp.sandbox.clinic.model import Change
from pmsapp.sandbox.clinic.truth import ClinicTruth


class Clinic(ClinicTruth):
    """One made-up clinic; safe to use from many threads."""

    def __repr__(self) -> str:
        return f"<Clinic seed={self.seed} zone={self.zone_name}>"

    def _change(
        self, action: str, kind: str, key: str, before: dict[str, object], after: dict[str, object]
    ) -> Change:
        change = super()._change(action, kind, key, before, after)
        for listener in self.listeners:
            listener(change)
        return change
