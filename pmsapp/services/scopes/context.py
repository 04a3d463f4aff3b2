"""What one run knows before it reads: the connection, the clinic's decisions, and whom to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import Practitioner, UnifiedAppointment
from pmsapp.domain.sync.reconcile import CardKey
from pmsapp.domain.sync.rules import MappingDecision, Rules, with_owner, would_show
from pmsapp.models import PMSClinicianMapping, PMSConnection
from pmsapp.services.scopes.known_patients import KnownPatients
from pmsapp.services.sheet import questions


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """A practitioner whose list is read. `id` None stands for appointments without a practitioner."""

    id: str | None
    name: str | None
    clinician_id: int | None


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run's fixed view of the world.

    `carded`: the pairs of these days that had a card when the run began; `patients`: whom the cards know well enough
    not to ask for. Empty and None where the vendor's lists bring patients along.
    `rules_digest`: equal only while every decision that shapes cards is the same, and this program's version too.
    """

    run_id: int
    connection_id: int
    pms_type: str
    rules: Rules
    targets: tuple[ReadTarget, ...]
    days: tuple[date, ...]
    dry_run: bool = False
    closed_days: frozenset[date] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    carded: frozenset[CardKey] = frozenset()
    patients: KnownPatients | None = None
    rules_digest: str = ""

    def needs_patient(self, pair: UnifiedAppointment) -> bool:
        """Whether a pair's patient details are of use: it would be shown, or has a card that shows them."""
        if pair.patient is None:
            return False
        key = (pair.external_id, pair.patient.external_id)
        return key in self.carded or would_show(with_owner(pair, self.rules), self.rules)

    def target(self, practitioner_id: str | None) -> ReadTarget:
        """Who a practitioner id is; one that is not on the vendor's list is known by id alone."""
        clinician_id = self.rules.practitioners.get(practitioner_id or "", (None, None))[1]
        return ReadTarget(practitioner_id, self.names.get(practitioner_id or ""), clinician_id)


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    decision: str
    clinician_id: int | None
    bookable: bool


def load_people(
    session: Session,
    connection_id: int,
    listed: Sequence[Practitioner] = (),
    *,
    skip_gone: bool = False,
) -> tuple[tuple[ReadTarget, ...], dict[str, str]]:
    """Whose lists to read, and everybody's name by practitioner id.

    Read are all who are mapped, and the undecided who see patients, so that nobody is overlooked; somebody undecided
    whom the vendor does not list any more is not asked about for ever. `listed`:
    practitioners just read that are not to be stored (a preview). `skip_gone`: somebody mapped whom the vendor no longer
    lists has no list that could be read; the clinic is asked about them.
    """
    people = _stored_people(session, connection_id)
    gone = questions.gone_practitioners(session, connection_id) if skip_gone else set()
    for person in listed:
        known = people.get(person.external_id)
        people[person.external_id] = _Person(
            person.name,
            known.decision if known else MappingDecision.UNDECIDED,
            known.clinician_id if known else None,
            person.active and person.shown_in_appointment_book,
        )
    in_order = sorted(people.items(), key=lambda item: (item[1].decision, item[1].name, item[0]))
    targets = tuple(
        ReadTarget(key, person.name, person.clinician_id)
        for key, person in in_order
        if (person.decision == MappingDecision.MAPPED and key not in gone)
        or (person.decision == MappingDecision.UNDECIDED and person.bookable)
    )
    return targets, {key: person.name for key, person in people.items()}


def _stored_people(session: Session, connection_id: int) -> dict[str, _Person]:
    read_at = session.scalar(select(PMSConnection.reference_read_at).where(PMSConnection.id == connection_id))
    rows = session.execute(
        select(
            PMSClinicianMapping.pms_practitioner_id,
            PMSClinicianMapping.pms_practitioner_name,
            PMSClinicianMapping.run_sheet_clinician_id,
            PMSClinicianMapping.decision,
            PMSClinicianMapping.active,
            PMSClinicianMapping.shown_in_appointment_book,
            PMSClinicianMapping.last_seen_at,
        ).where(PMSClinicianMapping.pms_connection_id == connection_id)
    )
    return {
        row.pms_practitioner_id: _Person(
            row.pms_practitioner_name,
            row.decision,
            row.run_sheet_clinician_id,
            row.active and row.shown_in_appointment_book and (read_at is None or row.last_seen_at >= read_at),
        )
        for row in rows
    }
