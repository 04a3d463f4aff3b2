"""What a change of matches or types would do to the cards from today on, told before it is kept. Nothing is stored.

Cards that are here are counted from the database; what would come on is read from the practice software, as the next
update would read it, without anybody's details.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import Presence, UnifiedAppointment, WorkflowState
from pmsapp.domain.sync.merge import OverrideState
from pmsapp.domain.sync.reconcile import CardKey
from pmsapp.domain.sync.rules import MappingDecision, Rules, TypeRule, with_owner, would_show
from pmsapp.models import RunSheetClinician
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.connections.rows import get_row
from pmsapp.services.connections.update import Unchanged
from pmsapp.services.matching import appointment_types, live_lists, mappings
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.mappings import MappingChoice
from pmsapp.services.sheet import matching_changes
from pmsapp.services.sheet.placement import IN_VIEW, load_rules, placement_of_row
from pmsapp.services.sheet.stored_cards import CARDS, IN_FORCE, OVERRIDES

NEW_COLUMN = -1
_STAYS_OFF = (Presence.REMOVED_BY_STAFF.value,)


@dataclass(frozen=True, slots=True)
class Effect:
    """What deciding about one practitioner or type changes.

    `moves`: cards that go from column `origin` to `target`; `stay`: those that staff have put elsewhere; `off`: cards
    that leave the sheet, `with_work` of them with notes, a state or edits; `on`: cards that come with the next update,
    None when nobody could say just now.
    """

    name: str
    moves: int = 0
    stay: int = 0
    origin: str | None = None
    target: str | None = None
    off: int = 0
    with_work: int = 0
    on: int | None = 0


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything a change would do. `version`: of the decisions it starts from; empty `each`: it changes nothing."""

    version: int
    each: tuple[Effect, ...] = ()


def of_mappings(connection_id: int, choices: Sequence[MappingChoice]) -> Effects:
    """What these choices about practitioners would do. Raises what `mappings.set_mappings` raises."""
    listed = mappings.listed_for(connection_id, choices)
    with reading() as session:
        connection = get_row(session, connection_id)
        mappings.check(session, connection, choices, listed)
        rules = load_rules(session, connection_id)
        columns = _columns(session)
        changed = [
            choice
            for choice in choices
            if _is_other(rules, choice, columns, listed[choice.pms_practitioner_id].name)
        ]
        cards = _cards(
            session,
            connection_id,
            matching_changes.PRACTITIONERS,
            {choice.pms_practitioner_id for choice in changed},
        )
        version, days = connection.config_version, clinic.days_to_read(session)
    then = _with_people(rules, changed)
    coming = [choice.pms_practitioner_id for choice in changed if _comes_on(rules, choice)]
    ahead = live_lists.read_ahead(connection_id, sorted(coming), days[0], len(days)) if coming else []
    on = _come_on(ahead, rules, then, _keys(connection_id, ahead))
    return Effects(
        version,
        tuple(
            _of_person(
                choice, listed[choice.pms_practitioner_id].name, rules, cards, columns, on, coming=coming
            )
            for choice in changed
        ),
    )


def of_types(connection_id: int, choices: Sequence[TypeChoice]) -> Effects:
    """What these choices about types would do. Raises what `appointment_types.set_types` raises."""
    listed = appointment_types.listed_for(connection_id, choices)
    with reading() as session:
        connection = get_row(session, connection_id)
        appointment_types.check(connection, choices, listed)
        rules = load_rules(session, connection_id, list(listed.values()))
        then = _with_types(rules, choices)
        changed = [
            choice.pms_type_id
            for choice in choices
            if _decided(rules.types[choice.pms_type_id]) != _decided(then.types[choice.pms_type_id])
        ]
        cards = _cards(session, connection_id, matching_changes.TYPES, set(changed))
        version, days = connection.config_version, clinic.days_to_read(session)
    people = [key for key, (decided, _) in rules.practitioners.items() if decided is MappingDecision.MAPPED]
    ahead = live_lists.read_ahead(connection_id, sorted(people), days[0], len(days)) if changed else []
    on = _come_on(ahead, rules, then, _keys(connection_id, ahead))
    return Effects(version, tuple(_of_type(key, listed[key].name, then, cards, ahead, on) for key in changed))


def _is_other(rules: Rules, choice: MappingChoice, columns: Mapping[int, str], name: str) -> bool:
    decision, column = rules.practitioners.get(choice.pms_practitioner_id, (MappingDecision.UNDECIDED, None))
    if choice.decision == mappings.MAP:
        return decision is not MappingDecision.MAPPED or column != choice.clinician_id
    if choice.decision == mappings.CREATE:
        return columns.get(column or 0, "").casefold() != (choice.name or name).strip().casefold()
    return decision is not _NOT_SHOWN[choice.decision]


_NOT_SHOWN = {mappings.IGNORE: MappingDecision.IGNORED, mappings.UNDECIDED: MappingDecision.UNDECIDED}


def _comes_on(rules: Rules, choice: MappingChoice) -> bool:
    was = rules.decision_on(choice.pms_practitioner_id)
    return choice.decision in (mappings.MAP, mappings.CREATE) and was is not MappingDecision.MAPPED


def _with_people(rules: Rules, choices: Iterable[MappingChoice]) -> Rules:
    people = dict(rules.practitioners)
    for choice in choices:
        if choice.decision in _NOT_SHOWN:
            people[choice.pms_practitioner_id] = (_NOT_SHOWN[choice.decision], None)
        else:
            people[choice.pms_practitioner_id] = (MappingDecision.MAPPED, choice.clinician_id or NEW_COLUMN)
    return replace(rules, practitioners=people)


def _with_types(rules: Rules, choices: Iterable[TypeChoice]) -> Rules:
    types = dict(rules.types)
    for choice in choices:
        rule = types[choice.pms_type_id]
        decided, shown = rule.decision, rule.sync_enabled
        if not isinstance(choice.is_telehealth, Unchanged):
            decided = choice.is_telehealth
        if choice.sync_enabled is not None:
            shown = choice.sync_enabled
        types[choice.pms_type_id] = replace(rule, decision=decided, sync_enabled=shown, in_doubt=False)
    return replace(rules, types=types)


def _decided(rule: TypeRule) -> tuple[bool | None, bool]:
    return rule.decision, rule.sync_enabled


def _columns(session: Session) -> dict[int, str]:
    rows = session.execute(select(RunSheetClinician.id, RunSheetClinician.name)).all()
    return {row.id: row.name for row in rows}


def _cards(session: Session, connection_id: int, what: str, ids: Collection[str]) -> list[Any]:
    """The cards of these practitioners or types from today on, with whether staff worked on or moved each."""
    typed = and_(OVERRIDES.c.appointment_id == CARDS.c.id, OVERRIDES.c.state.in_(IN_FORCE))
    was_moved = and_(
        OVERRIDES.c.appointment_id == CARDS.c.id,
        OVERRIDES.c.field == "clinician_id",
        OVERRIDES.c.state == OverrideState.ACTIVE.value,
    )
    has_work = or_(
        CARDS.c.notes.is_not(None),
        CARDS.c.state != WorkflowState.BOOKED.value,
        exists().where(typed),
    )
    wanted = matching_changes.card_ids(session, connection_id, what, ids)
    query = select(CARDS, has_work.label("has_work"), exists().where(was_moved).label("was_moved"))
    return list(session.execute(query.where(CARDS.c.id.in_(wanted))))


def _keys(connection_id: int, ahead: Sequence[UnifiedAppointment] | None) -> dict[CardKey, str]:
    """Where the cards of these visits stand now."""
    if not ahead:
        return {}
    with reading() as session:
        rows = session.execute(
            select(CARDS.c.pms_appointment_id, CARDS.c.pms_patient_id, CARDS.c.presence).where(
                CARDS.c.pms_connection_id == connection_id,
                CARDS.c.pms_appointment_id.in_({pair.external_id for pair in ahead}),
            )
        ).all()
    return {(row[0], row[1]): row[2] for row in rows}


def _come_on(
    ahead: Sequence[UnifiedAppointment] | None, rules: Rules, then: Rules, stands: Mapping[CardKey, str]
) -> list[UnifiedAppointment] | None:
    """The visits that are not on the sheet and would be, each once; None when they could not be read."""
    if ahead is None:
        return None
    found: dict[CardKey, UnifiedAppointment] = {}
    for listed in ahead:
        pair = with_owner(listed, then)
        if pair.patient is None or not would_show(pair, then):
            continue
        key = (pair.external_id, pair.patient.external_id)
        is_there = stands.get(key) in (*IN_VIEW, *_STAYS_OFF)
        if not is_there and not would_show(with_owner(listed, rules), rules):
            found[key] = pair
    return list(found.values())


def _of_person(
    choice: MappingChoice,
    name: str,
    rules: Rules,
    cards: Sequence[Any],
    columns: Mapping[int, str],
    on: Sequence[UnifiedAppointment] | None,
    *,
    coming: Collection[str],
) -> Effect:
    key = choice.pms_practitioner_id
    own = [card for card in cards if card.pms_practitioner_id == key and card.presence in IN_VIEW]
    if choice.decision in _NOT_SHOWN:
        return Effect(name, off=len(own), with_work=sum(card.has_work for card in own))
    target = columns.get(choice.clinician_id or 0) if choice.decision == mappings.MAP else choice.name or name
    if key in coming:
        theirs = None if on is None else [pair for pair in on if pair.practitioner_external_id == key]
        return Effect(name, target=target, on=None if theirs is None else len(theirs))
    origin = columns.get(rules.practitioners[key][1] or 0)
    stay = sum(card.was_moved for card in own)
    return Effect(name, moves=len(own) - stay, stay=stay, origin=origin, target=target)


def _of_type(
    key: str,
    name: str,
    then: Rules,
    cards: Sequence[Any],
    ahead: Sequence[UnifiedAppointment] | None,
    on: Sequence[UnifiedAppointment] | None,
) -> Effect:
    says = {
        (pair.external_id, pair.patient.external_id): pair.telehealth_evidence
        for pair in ahead or ()
        if pair.patient is not None
    }
    flag = then.types[key].pms_is_telehealth

    def leaves(card: Any) -> bool:
        evidence = says.get((card.pms_appointment_id, card.pms_patient_id))
        verdict = placement_of_row(then, card, flag if evidence is None else evidence)
        return card.presence == Presence.ON_SHEET.value and verdict.presence is not Presence.ON_SHEET

    gone = [card for card in cards if card.pms_type_id == key and leaves(card)]
    theirs = None if on is None else [pair for pair in on if pair.type_external_id == key]
    return Effect(
        name,
        off=len(gone),
        with_work=sum(card.has_work for card in gone),
        on=None if theirs is None and not gone else len(theirs or ()),
    )
