"""Practitioners and types that appointments name and nobody has decided about, asked about in the same run.

Whoever reads appointments (a run's lists, its look-ups, one card read again) ends with the same two steps: `fetch`
reads the vendor's lists where they are needed, `ask_about` stores what came and asks the clinic.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.adapters.base import Adapter
from pmsapp.domain.appointment import AppointmentType, Practitioner, UnifiedAppointment
from pmsapp.domain.errors import PMSError
from pmsapp.domain.sync.rules import MappingDecision, Rules
from pmsapp.models import PMSClinicianMapping, PMSConnection
from pmsapp.services.matching import reference

log = logging.getLogger(__name__)
_ID_SHOWN = 8
_UNLISTED = "unlisted_types"
_UNLISTED_FOR = timedelta(hours=1)


@dataclass(slots=True)
class Unlisted:
    """Whom the appointments named: `undecided` practitioners, the `unlisted` among them, and `types` nobody listed."""

    undecided: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)

    def meet(self, pairs: Iterable[UnifiedAppointment], rules: Rules) -> None:
        """Take in what these pairs name. A row without a patient concerns nobody."""
        for pair in pairs:
            if pair.patient is None:
                continue
            kind = pair.type_external_id
            for person_id in pair.every_practitioner:
                if rules.decision_on(person_id) is MappingDecision.UNDECIDED:
                    self.undecided.add(person_id)
                    if person_id not in rules.practitioners:
                        self.unlisted.add(person_id)
            if kind is not None and kind not in rules.types:
                self.types.add(kind)


@dataclass(frozen=True, slots=True)
class Lists:
    """What the vendor lists now; None where nobody had to ask, or no answer came."""

    practitioners: list[Practitioner] | None = None
    types: list[AppointmentType] | None = None


def fetch(adapter: Adapter, met: Unlisted, *, types_are_new: bool = False) -> Lists:
    """Network only: read again the lists that should have named what was met.

    A list that cannot be read costs a name, not the question. `types_are_new`: their list was read a moment ago.
    """
    practitioners: list[Practitioner] | None = None
    types: list[AppointmentType] | None = None
    try:
        if met.unlisted:
            practitioners = adapter.list_practitioners()
        if not types_are_new and met.types - _known_to_be_unlisted(adapter):
            types = adapter.list_appointment_types()
        if types_are_new or types is not None:
            missing = met.types - {kind.external_id for kind in types or ()}
            adapter.reference_cache.set(_UNLISTED, sorted(missing | _known_to_be_unlisted(adapter)))
    except PMSError as error:
        log.warning("lists not read again", extra={"code": error.code, "pms": adapter.info.slug})
    return Lists(practitioners, types)


def _known_to_be_unlisted(adapter: Adapter) -> set[str]:
    """Types that appointments name and the vendor does not list, archived ones for instance: asked for hourly at most."""
    return set(adapter.reference_cache.get(_UNLISTED, _UNLISTED_FOR) or ())


def ask_about(session: Session, connection_id: int, met: Unlisted, lists: Lists, now: datetime) -> None:
    """Store the lists and ask the clinic, in the caller's write transaction.

    A practitioner whom the vendor does not list even now is asked about by id, for the clinic to name. A type that is
    not listed stays unknown: its cards are shown and marked.
    """
    announce = session.scalar(select(PMSConnection.state).where(PMSConnection.id == connection_id)) != "setup"
    listed = {person.external_id for person in lists.practitioners or ()}
    people = list(lists.practitioners or ())
    nameless = met.unlisted - listed - _stored(session, connection_id)
    people += [
        Practitioner(person_id, f"Clinician {person_id[:_ID_SHOWN]}") for person_id in sorted(nameless)
    ]
    if people:
        reference.store_practitioners(session, connection_id, people, now, announce=announce)
    if announce:
        reference.ask_about_hidden(session, connection_id, met.undecided, now)
    if lists.types:
        reference.store_types(session, connection_id, lists.types, now, announce=announce)


def _stored(session: Session, connection_id: int) -> set[str]:
    mapping = PMSClinicianMapping
    return set(
        session.scalars(select(mapping.pms_practitioner_id).where(mapping.pms_connection_id == connection_id))
    )
