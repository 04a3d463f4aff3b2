"""A practice held in memory, behind the adapter interface: fast, and it fails where a test tells it to.

The HTTP layer is proven elsewhere. `FakePractice` is the PMS as reception there sees it; `FakeAdapter` reads it
practitioner by practitioner, `FakeWholeAdapter` the whole practice at once.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta

from pmsapp.adapters.base import (
    Adapter,
    AdapterConfig,
    AdapterInfo,
    Capabilities,
    ConnectionCheck,
    CredentialField,
    Page,
    TelehealthSource,
)
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.registry import ADAPTERS
from pmsapp.domain.appointment import (
    NO_LINKS,
    AppointmentStatus,
    AppointmentType,
    BadRecord,
    Patient,
    Practitioner,
    TelehealthLinks,
    UnifiedAppointment,
)
from pmsapp.domain.errors import BadVendorDataError, NotFoundError, PMSError
from pmsapp.domain.window import SyncWindow

ZONE = "Australia/Melbourne"
PER_PRACTITIONER, WHOLE_PRACTICE = "fake", "fakewhole"
_PRACTICES: dict[str, FakePractice] = {}


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment in the book."""

    id: str
    practitioner: str | None
    start_at: datetime
    patients: tuple[str, ...]
    minutes: int | None = 15
    status: str = "booked"
    type_id: str | None = "video"
    evidence: bool | None = None
    notes: str | None = None
    links: TelehealthLinks = NO_LINKS
    also: tuple[str, ...] = ()
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None
    time_odd: bool = False

    @property
    def practitioners(self) -> tuple[str | None, ...]:
        return (self.practitioner, *self.also)


@dataclass(slots=True)
class Faults:
    """What goes wrong. `lists`: practitioner (None: any) -> (after this many pages, error). `unlisted`: left out of
    lists though the PMS holds them. `bad`: listed but not understood; `nameless`: those without their practitioner.
    """

    lists: dict[str | None, tuple[int, PMSError]] = field(default_factory=dict)
    look_ups: dict[str, PMSError] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    nameless: bool = False
    no_end_mark: bool = False
    reference: PMSError | None = None


class FakePractice:
    """The book, its people and its types. Every change is an ordinary Python call."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.visits: dict[str, Visit] = {}
        self.deleted: dict[str, Visit] = {}
        self.patients: dict[str, Patient] = {}
        self.practitioners: dict[str, Practitioner] = {}
        self.types: dict[str, AppointmentType] = {}
        self.faults = Faults()
        self.page_size = 3
        self.before_list: Callable[[str | None], None] | None = None
        self.asked: list[str] = []
        self._next = 0

    def book(
        self, practitioner: str | None, start_at: datetime, patients: Sequence[str], **details: object
    ) -> str:
        """Book an appointment; returns its id."""
        self._next += 1
        visit_id = f"v{self._next}"
        self.visits[visit_id] = Visit(visit_id, practitioner, start_at, tuple(patients), **details)  # type: ignore[arg-type]
        return visit_id

    def change(self, visit_id: str, **changes: object) -> None:
        """Change an appointment."""
        self.visits[visit_id] = replace(self.visits[visit_id], **changes)  # type: ignore[arg-type]

    def delete(self, visit_id: str) -> None:
        """Take it out of the book."""
        self.deleted[visit_id] = self.visits.pop(visit_id)

    def undelete(self, visit_id: str) -> None:
        """Put it back."""
        self.visits[visit_id] = self.deleted.pop(visit_id)

    def edit_patient(self, patient_id: str, **changes: object) -> None:
        """Change a patient's details, in every appointment."""
        self.patients[patient_id] = self.patients[patient_id]._replace(**changes)  # type: ignore[arg-type]

    def pairs_of(self, visit: Visit) -> list[UnifiedAppointment]:
        """What an adapter makes of one appointment."""
        pair = UnifiedAppointment(
            external_id=visit.id,
            practitioner_external_id=visit.practitioner,
            patient=None,
            start_at=visit.start_at,
            duration_min=visit.minutes,
            status=AppointmentStatus(visit.status),
            type_external_id=visit.type_id,
            telehealth_evidence=visit.evidence,
            notes=visit.notes,
            links=visit.links,
            cancelled_at=visit.cancelled_at,
            cancellation_reason=visit.cancellation_reason,
            time_odd=visit.time_odd,
            practitioner_ids=(visit.practitioner, *visit.also) if visit.also and visit.practitioner else (),
        )
        if not visit.patients:
            return [pair]
        return [pair._replace(patient=self.patients[key]) for key in visit.patients]

    def look_up(self, visit_id: str) -> list[UnifiedAppointment]:
        """One appointment by id, or the error the test asked for."""
        self.asked.append(visit_id)
        if visit_id in self.faults.look_ups:
            raise self.faults.look_ups[visit_id]
        if visit_id in self.faults.bad:
            raise BadVendorDataError(pms="Fake")
        if visit_id not in self.visits:
            raise NotFoundError(pms="Fake")
        return self.pairs_of(self.visits[visit_id])

    def list_pages(
        self, window: SyncWindow, practitioner: str | None, *, whole: bool, known: Sequence[str] = ()
    ) -> Iterator[Page]:
        """The window's appointments in pages, shuffled, with a little overlap and a little more than was asked for."""
        if self.before_list is not None:
            self.before_list(practitioner)
        after, before = window.widened(timedelta(hours=2))
        rows = [
            visit
            for visit in self.visits.values()
            if after <= visit.start_at < before
            and (whole or practitioner in visit.practitioners)
            and visit.id not in self.faults.unlisted
        ]
        random.Random(f"{self.seed}{len(rows)}").shuffle(rows)
        pages = [rows[at : at + self.page_size + 1] for at in range(0, len(rows), self.page_size)] or [[]]
        if known and tuple(map(self._digest, pages)) == tuple(known) and self._lists_are_whole():
            yield Page([], is_last=True, practitioner_external_id=practitioner, unchanged=True)
            return
        stop_after, error = self.faults.lists.get(practitioner, self.faults.lists.get(None, (0, None)))
        for number, page in enumerate(pages):
            if error is not None and number >= stop_after:
                raise error
            is_last = number == len(pages) - 1 and not self.faults.no_end_mark and error is None
            yield self._page(page, practitioner, is_last)
        if error is not None:
            raise error

    def _lists_are_whole(self) -> bool:
        """Bad records are part of an answer, as its digest says; any other fault changes what comes of it."""
        return replace(self.faults, bad=set()) == Faults()

    def _page(self, visits: Sequence[Visit], practitioner: str | None, is_last: bool) -> Page:
        good = [visit for visit in visits if visit.id not in self.faults.bad]
        bad = [
            BadRecord(
                "A time is no time",
                visit.id,
                None if self.faults.nameless else visit.practitioner,
                "{start: text}",
            )
            for visit in visits
            if visit.id in self.faults.bad
        ]
        items = [pair for visit in good for pair in self.pairs_of(visit)]
        digest = self._digest(visits)
        return Page(items, is_last, practitioner_external_id=practitioner, bad=bad, digest=digest)

    def _digest(self, visits: Sequence[Visit]) -> str:
        """Equal only for answers that are equal byte for byte."""
        answers = [
            (
                astuple(visit),
                [tuple(self.patients[key]) for key in visit.patients],
                visit.id in self.faults.bad,
            )
            for visit in visits
        ]
        return hashlib.sha256(repr(answers).encode()).hexdigest()


def _info(slug: str, *, per_practitioner: bool) -> AdapterInfo:
    return AdapterInfo(
        slug=slug,
        label="Fake",
        how_you_connect="It is here.",
        default_base_url="https://fake.example.com",
        hosts=("fake.example.com",),
        settings_prefix="FAKE",
        credential_fields=(CredentialField("key", "Key", "Anything.", secret=True),),
        capabilities=Capabilities(
            reads_per_practitioner=per_practitioner,
            telehealth_source=TelehealthSource.APPOINTMENT,
            includes_patients=True,
            names_time_zone=False,
        ),
        default_requests_per_minute=6000,
        default_concurrency=1,
    )


class FakeAdapter(Adapter):
    """Reads the practice whose name is the connection's `practice_id`."""

    info = _info(PER_PRACTITIONER, per_practitioner=True)

    def __init__(self, config: AdapterConfig, client: HTTPClient) -> None:
        super().__init__(config, client)
        self.practice = _PRACTICES[config.practice_id or ""]

    @classmethod
    def mint_token(cls, config: AdapterConfig, client: HTTPClient) -> Token:
        return Token("fake-token", None)

    def check_connection(self) -> ConnectionCheck:
        return ConnectionCheck("Fake practice", ZONE, self.config.practice_id)

    def list_practitioners(self) -> list[Practitioner]:
        if self.practice.faults.reference:
            raise self.practice.faults.reference
        return list(self.practice.practitioners.values())

    def list_appointment_types(self) -> list[AppointmentType]:
        if self.practice.faults.reference:
            raise self.practice.faults.reference
        return list(self.practice.types.values())

    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        for practitioner_id in practitioner_ids:
            known = self.known_pages(window, practitioner_id)
            yield from self.practice.list_pages(window, practitioner_id, whole=False, known=known)

    def get_appointment(self, external_id: str) -> list[UnifiedAppointment]:
        return self.practice.look_up(external_id)


class FakeWholeAdapter(FakeAdapter):
    """Lists the whole practice, whoever is asked for."""

    info = _info(WHOLE_PRACTICE, per_practitioner=False)

    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        yield from self.practice.list_pages(window, None, whole=True)


@contextmanager
def registered(name: str, practice: FakePractice) -> Iterator[None]:
    """While it lasts, connections with this `practice_id` read `practice`, and the two fake vendors exist."""
    ours = {
        PER_PRACTITIONER: "tests.support.fake_pms:FakeAdapter",
        WHOLE_PRACTICE: "tests.support.fake_pms:FakeWholeAdapter",
    }
    _PRACTICES[name] = practice
    ADAPTERS.update(ours)
    try:
        yield
    finally:
        del _PRACTICES[name]
        if not _PRACTICES:
            for slug in ours:
                ADAPTERS.pop(slug, None)
