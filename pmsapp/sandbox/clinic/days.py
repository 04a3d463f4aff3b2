"""One day of the appointment book, made from the seed and the date alone.

A weekday holds about seventy appointments, nearly thirty of them at a distance, over five practitioners, and each of the
oddities a reader must survive: breaks without a patient, a group, a missing type, an archived type, overlaps, early and
late starts, missing lengths, a cancellation for a reason, a no-show, links that are absent, empty or half there.
Saturdays and Sundays are lighter. Appointment keys are `YYYY-MM-DD/NNNN`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pmsapp.sandbox.clinic.catalogue import HABITS
from pmsapp.sandbox.clinic.ids import make_uuid
from pmsapp.sandbox.clinic.model import Appointment, AppointmentType, Attendance
from pmsapp.sandbox.clinic.people import AWKWARD

# Numbers of a day's appointments: the usual ones, the special ones, those that fill a clinician-day, those booked by hand.
_PER_PRACTITIONER = 100
SPECIAL_FROM = 900
FILLED_FROM = 5_000
BOOKED_FROM = 9_000

# Text that looks clinical, so that a log or an alert that repeats it is found out.
COMMENTS = (
    "HbA1c 9.2 %, start metformin, discuss results",
    "CANARY-COMMENT: low mood, PHQ-9 score 17, safety plan reviewed",
    "Prefers the video link by text message",
    "Warfarin: INR 4.1, hold the dose",
    "Interpreter needed (Vietnamese)",
    "Chest pain on exertion? Ring back if no answer",
)
DESCRIPTIONS = ("Review", "Results", "CANARY-DESCRIPTION: anxiety", "Script", "New concern", "Follow-up")
CANCEL_REASONS = ("Patient cancelled", "Practitioner away", "Booked in error", "Feeling better")

_WORKING = {
    "odwyer": ((8, 30), (17, 0), 12),
    "wojcik": ((9, 0), (17, 30), 13),
    "lee-hana": ((8, 0), (18, 0), 12),
    "wulandari": ((9, 30), (17, 0), 12),
    "lee-kim": ((8, 0), (16, 0), 13),
}

# Seats of the usual weekday rows: whoever sits here comes every weekday.
SURE_SEATS = sum(wanted for _, _, wanted in _WORKING.values())


class DayMaker:
    """Makes the appointments of any date, always the same for the same seed, zone and date."""

    def __init__(
        self,
        seed: int,
        zone: ZoneInfo,
        types: dict[str, AppointmentType],
        patient_keys: tuple[str, ...],
        busy: bool,
    ) -> None:
        self._seed = seed
        self._zone = zone
        self._types = types
        self._patient_keys = patient_keys
        self._busy = busy

    def make_day(self, on: date) -> list[Appointment]:
        """The day's appointments before anyone changed them."""
        draw = _Draw(self._seed, on, self._patient_keys)
        if on.weekday() == 6:
            return list(self._sunday(draw))
        shown = list(HABITS) if on.weekday() < 5 else ["odwyer", "lee-hana"]
        rows: list[Appointment] = []
        for index, practitioner_key in enumerate(shown):
            rows += self._usual(draw, practitioner_key, index, half_day=on.weekday() == 5)
        if on.weekday() < 5:
            rows = list(_with_oddities(draw, rows))
            rows += self._special(draw)
            if self._busy:
                rows += self.fill_day(on, "odwyer", 110)
        return rows

    def fill_day(self, on: date, practitioner_key: str, count: int, place: int = 0) -> list[Appointment]:
        """`count` more five-minute phone reviews for one clinician-day, to force a reader through several pages.

        `place` tells practitioners apart.
        """
        draw = _Draw(self._seed, on, self._patient_keys)
        start = FILLED_FROM + place % 30 * 130
        return [
            self._row(
                draw,
                start + n,
                practitioner_key,
                "phone",
                time(7, 0),
                minutes_later=5 * n,
                duration_min=5,
                plain=True,
            )
            for n in range(min(count, 130))
        ]

    def _usual(
        self, draw: _Draw, practitioner_key: str, index: int, *, half_day: bool
    ) -> Iterator[Appointment]:
        near, far, share = HABITS[practitioner_key]
        (hour, minute), end, wanted = _WORKING[practitioner_key]
        rng = draw.rng(practitioner_key)
        wanted = wanted // 2 if half_day else wanted
        span_min = (end[0] - hour) * 60 + end[1] - minute
        step_min = span_min // wanted // 5 * 5
        for n in range(wanted):
            at_distance = (n + 1) * share % 1 < share
            type_key = rng.choice(far if at_distance else near)
            shift_min = n * step_min + rng.choice((0, 0, 0, 5))
            yield self._row(
                draw, index * _PER_PRACTITIONER + n, practitioner_key, type_key, time(hour, minute), shift_min
            )

    def _sunday(self, draw: _Draw) -> Iterator[Appointment]:
        for n, hour in enumerate((10, 13, 16)):
            yield self._row(draw, n, "lee-hana", "after-hours", time(hour, 0))

    def _special(self, draw: _Draw) -> list[Appointment]:
        """The rows every weekday has besides the usual ones."""
        n = SPECIAL_FROM
        group = self._row(draw, n, "lee-hana", "group", time(18, 0))
        third = Attendance(draw.patient(n + 40), status="cancelled")
        group = replace(
            group,
            attendances=(*group.attendances, Attendance(draw.patient(n + 41)), third),
            mode="online",
            plan="attend",
        )
        overlap = self._row(draw, n + 1, "wojcik", "telehealth", time(10, 5))
        untyped = self._row(draw, n + 2, "wulandari", None, time(13, 10), duration_min=20)
        untyped_video = self._row(draw, n + 3, "odwyer", None, time(12, 40), duration_min=15)
        converted = replace(
            self._row(draw, n + 4, "lee-kim", "standard", time(16, 10)),
            mode="online",
            **_links(draw.date, n + 4),
        )
        old_type = self._row(draw, n + 5, "odwyer", "archived-tele", time(17, 10))
        old_visit = self._row(draw, n + 6, "raman", "archived-visit", time(11, 0))
        return [
            group,
            overlap,
            untyped,
            replace(untyped_video, mode="telehealth", **_links(draw.date, n + 3)),
            converted,
            old_type,
            old_visit,
            self._row(draw, n + 7, "odwyer", "after-hours", time(6, 50)),
            self._row(draw, n + 8, "lee-hana", "after-hours", time(20, 15)),
            self._row(draw, n + 9, "fitzgerald", "telehealth", time(14, 0)),
            replace(self._row(draw, n + 10, "wojcik", "telehealth", time(15, 35)), practitioner_key=None),
            self._blocked(draw, n + 11, "odwyer", time(12, 55), 45, "Lunch"),
            self._blocked(draw, n + 12, "wojcik", time(13, 0), 60, "Meeting: clinical audit"),
            self._blocked(draw, n + 13, "lee-kim", time(12, 0), 30, None),
            # One patient twice in a day, with two practitioners.
            replace(
                self._row(draw, n + 14, "lee-kim", "telephone", time(9, 5)),
                attendances=(Attendance(draw.patient(0)),),
            ),
        ]

    def _blocked(
        self,
        draw: _Draw,
        number: int,
        practitioner_key: str,
        start: time,
        duration_min: int,
        text: str | None,
    ) -> Appointment:
        row = self._row(draw, number, practitioner_key, None, start, duration_min=duration_min, plain=True)
        return replace(row, attendances=(), description=text, mode=None)

    def _row(
        self,
        draw: _Draw,
        number: int,
        practitioner_key: str,
        type_key: str | None,
        start: time,
        minutes_later: int = 0,
        *,
        duration_min: int | None = None,
        plain: bool = False,
    ) -> Appointment:
        rng = draw.rng(f"row/{number}")
        kind = self._types.get(type_key or "")
        local = datetime.combine(draw.date, start, tzinfo=self._zone)
        start_at = local.astimezone(UTC) + timedelta(minutes=minutes_later)
        row = Appointment(
            key=f"{draw.date.isoformat()}/{number:04d}",
            number=draw.date.toordinal() * 10_000 + number,
            practitioner_key=practitioner_key,
            site_key="north"
            if practitioner_key == "lee-kim" or rng.random() < 0.1 * (practitioner_key == "wojcik")
            else "main",
            type_key=type_key,
            start_at=start_at,
            duration_min=duration_min or (kind.duration_min if kind and kind.duration_min else 15),
            attendances=(Attendance(draw.patient(number)),),
            mode=kind.mode if kind else None,
            created_at=start_at - timedelta(days=rng.randrange(3, 30), minutes=rng.randrange(600)),
        )
        return row if plain else _with_chance(rng, row, kind, draw.date)


class _Draw:
    """Chance for one date: the same numbers whatever the order they are asked for."""

    def __init__(self, seed: int, on: date, patient_keys: tuple[str, ...]) -> None:
        self.date = on
        self._seed = seed
        self._patients = self._seating(patient_keys)

    def _seating(self, patient_keys: tuple[str, ...]) -> list[str]:
        """Everyone in an order of chance, the awkward patients among the first seats: each comes on a weekday."""
        awkward = list(patient_keys[: len(AWKWARD)])
        plain = list(patient_keys[len(AWKWARD) :])
        self.rng("patients").shuffle(plain)
        front = awkward + plain[: SURE_SEATS - len(awkward)]
        self.rng("front").shuffle(front)
        return front + plain[SURE_SEATS - len(awkward) :]

    def rng(self, what: str) -> random.Random:
        return random.Random(f"{self._seed}/{self.date}/{what}")

    def patient(self, number: int) -> str:
        """The patient of the row with this number; the numbers of one day rarely share one."""
        return self._patients[_seat(number) % len(self._patients)]


def _seat(number: int) -> int:
    """Rows of a weekday sit side by side, one practitioner after the other, so that nobody is drawn twice."""
    if number >= FILLED_FROM:
        return number
    if number >= SPECIAL_FROM:
        return SURE_SEATS + number - SPECIAL_FROM
    block, place = divmod(number, _PER_PRACTITIONER)
    return sum(wanted for _, _, wanted in list(_WORKING.values())[:block]) + place


def _links(on: date, number: int) -> dict[str, Any]:
    secret = make_uuid(f"link/{on}/{number}")
    return {
        "host_link": f"https://video.example.com/session/host-{secret}",
        "guest_link": f"https://video.example.com/session/guest-{secret}",
    }


def _with_chance(rng: random.Random, row: Appointment, kind: AppointmentType | None, on: date) -> Appointment:
    """The small things that differ from row to row: texts, habits, lengths, links."""
    row = replace(
        row,
        confirmed=rng.random() < 0.45,
        billed=rng.random() < 0.5,
        arrives_early_min=rng.randrange(3, 16),
        comment=rng.choice(COMMENTS) if rng.random() < 0.4 else None,
        description=rng.choice(DESCRIPTIONS) if rng.random() < 0.5 else None,
        length_shown=rng.choice(("both", "both", "both", "both", "end", "minutes")),
        walk_in=rng.random() < 0.05,
        urgent=rng.random() < 0.05,
    )
    if kind is None:
        return row
    if rng.random() < 0.12:
        row = replace(row, mode=None)
    if not kind.telehealth:
        return row
    chance = rng.random()
    if chance < 0.6:
        row = replace(row, **_links(on, row.number % 10_000))
    elif chance < 0.7:
        row = replace(row, host_link=_links(on, row.number % 10_000)["host_link"], guest_link="")
    elif chance < 0.8:
        row = replace(row, host_link="", guest_link="")
    return row


def _with_oddities(draw: _Draw, rows: list[Appointment]) -> Iterator[Appointment]:
    """Give the usual rows of a weekday their fates: always the same rows, so that every day has every case."""
    for row in rows:
        number = row.number % 10_000
        start_at = row.start_at
        match number:
            case 2 | 105 | 204 | 307 | 410:
                early = timedelta(hours=30 if number in (105, 307) else 2)
                reason = draw.rng(f"reason/{number}").choice(CANCEL_REASONS)
                yield replace(row, plan="cancel", cancelled_at=start_at - early, cancel_reason=reason)
            case 1 | 205:
                yield replace(row, plan="no_show")
            case 104 | 305:
                yield replace(row, plan="blank")
            case 6 | 203 | 303:
                yield replace(row, arrival_only=True)
            case 3 | 208:
                yield replace(row, length_shown="none", interval_known=row.type_key == "spirometry")
            case _:
                yield row
