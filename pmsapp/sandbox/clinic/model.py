"""The made-up clinic in neutral words: what the three vendors' servers are drawn from.

Nothing here knows a wire format. Every object is immutable; an action replaces it. Instants are UTC-aware, dates are
clinic-local, lengths are minutes, and an unknown value is None (never an empty string, save where a vendor really
sends one: see `Appointment.host_link`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

# A vendor's slug.
Vendor = str
# Every vendor there is a server of: slug -> the module with its `SERVER`, imported when it is served.
VENDORS: dict[Vendor, str] = {
    "gentu": "pmsapp.sandbox.gentu",
    "medirecords": "pmsapp.sandbox.medirecords",
    "halaxy": "pmsapp.sandbox.halaxy",
}

# What an appointment's status can be, in neutral words. "billed" is completed and invoiced (or at billing).
STATUSES = ("booked", "confirmed", "arrived", "in_progress", "completed", "billed", "cancelled", "no_show")

# Where an appointment takes place, as Halaxy's location types would say it. None = the PMS does not say.
MODES = ("clinic", "telehealth", "online", "phone", "home", "organization")


@dataclass(frozen=True, slots=True)
class Site:
    """A place the clinic works from (a Gentu location, a Halaxy clinic)."""

    key: str
    number: int
    name: str
    state: str = "VIC"


@dataclass(frozen=True, slots=True)
class Practitioner:
    """Someone appointments are booked with. `given` is None for a person with one name."""

    key: str
    number: int
    family: str
    given: str | None = None
    title: str | None = None
    active: bool = True
    shown_in_book: bool = True
    administrator: bool = False
    site_keys: tuple[str, ...] = ("main",)
    email: str | None = None
    phone: str | None = None

    @property
    def display_name(self) -> str:
        """Given and family name without title."""
        return " ".join(part for part in (self.given, self.family) if part)


@dataclass(frozen=True, slots=True)
class AppointmentType:
    """A style of visit. `telehealth` is the flag MediRecords keeps; `named` says the name itself tells it."""

    key: str
    number: int
    name: str
    duration_min: int | None
    telehealth: bool = False
    named: bool = False
    mode: str = "clinic"
    active: bool = True
    colour: str | None = "#a9a9a9"
    bookable_online: bool = False


@dataclass(frozen=True, slots=True)
class Phone:
    """A number as the clinic typed it, and its E.164 form when it is a valid number."""

    use: Literal["mobile", "home", "work"]
    typed: str
    e164: str | None


@dataclass(frozen=True, slots=True)
class Patient:
    """A made-up patient. Names may carry stray spaces; `phones` is in the order of preference, mobiles first."""

    key: str
    number: int
    family: str
    given: str | None = None
    middle: str | None = None
    preferred: str | None = None
    title: str | None = None
    born_on: date | None = None
    gender: Literal["female", "male", "other"] | None = None
    phones: tuple[Phone, ...] = ()
    email: str | None = None
    one_name_only: bool = False
    # Gentu lists the first name apart from the given names; when it does not, only the first word is one.
    first_name_listed: bool = True
    died_on: date | None = None
    medicare: str | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """One patient of an appointment. `status` is the patient's own in a group; None = the appointment's."""

    patient_key: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    """A row of the appointment book. Its status is not stored but follows the clock: see `statuses.py`."""

    key: str
    number: int
    practitioner_key: str | None
    site_key: str
    type_key: str | None
    start_at: datetime
    duration_min: int
    attendances: tuple[Attendance, ...]
    # What becomes of it when nobody touches it: attend, cancel, no_show, or blank (no status at all).
    plan: Literal["attend", "cancel", "no_show", "blank"] = "attend"
    # Set by hand: wins over the plan and the clock.
    status: str | None = None
    confirmed: bool = False
    billed: bool = False
    arrives_early_min: int = 8
    # The arrival is noted but the status stays booked or confirmed until the end (a Gentu habit).
    arrival_only: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    comment: str | None = None
    description: str | None = None
    mode: str | None = None
    # Video links (MediRecords): None = absent, "" = present but empty, else a secret address.
    host_link: str | None = None
    guest_link: str | None = None
    # Which lengths Gentu gives: its end, its minutes, both, or neither (then only the type's length is known).
    length_shown: Literal["both", "end", "minutes", "none"] = "both"
    # False: MediRecords gives an interval code nobody can resolve; the type's length is all there is.
    interval_known: bool = True
    # Other practitioners of a joint consultation, after its own.
    also_with: tuple[str, ...] = ()
    walk_in: bool = False
    urgent: bool = False
    created_at: datetime | None = None
    changed_at: datetime | None = None

    @property
    def patient_keys(self) -> tuple[str, ...]:
        """The patients, in order; empty for a break, a meeting or blocked time."""
        return tuple(attendance.patient_key for attendance in self.attendances)


@dataclass(frozen=True, slots=True)
class StatusNow:
    """What the appointment book shows at one instant. `word` is one of STATUSES, or None for no status at all."""

    word: str | None
    since: datetime | None
    arrived_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an action did. `ids` holds the changed object's id at each vendor; before and after hold only what changed."""

    action: str
    kind: str
    key: str
    ids: dict[str, str]
    before: dict[str, object]
    after: dict[str, object]


class SandboxError(ValueError):
    """An action or a setting the clinic cannot carry out; the message says why in one sentence."""
