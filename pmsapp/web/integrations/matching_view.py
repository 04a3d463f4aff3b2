"""Matching practitioners to columns and choosing telehealth types: what the tables show and what was chosen. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.schemas.addresses import id_or_none
from pmsapp.services.connections.update import Unchanged
from pmsapp.services.matching import mappings
from pmsapp.services.matching.appointment_types import TypeChoice, TypeView
from pmsapp.services.matching.mappings import MappingChoice, PractitionerView
from pmsapp.services.sheet.columns import ClinicianView
from pmsapp.web.integrations.contexts import PractitionerRow, TypeRow
from pmsapp.web.integrations.setup import column_choice
from pmsapp.web.ui.page_contexts import Option

_YES, _NO, _FOLLOW = "yes", "no", "follow"
_TELEHEALTH: dict[str, bool | None] = {_YES: True, _NO: False, _FOLLOW: None}


def practitioner_rows(
    listed: Sequence[PractitionerView],
    columns: Sequence[ClinicianView],
    *,
    chosen: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> tuple[PractitionerRow, ...]:
    """A line each, most upcoming appointments first."""
    ordered = sorted(listed, key=lambda person: (-(person.upcoming_appointments or 0), person.name))
    return tuple(
        PractitionerRow(
            key=person.pms_practitioner_id,
            name=person.name,
            marks=column_choice.marks(person),
            upcoming="" if person.upcoming_appointments is None else str(person.upcoming_appointments),
            options=column_choice.options(
                person,
                columns,
                (chosen or {}).get(person.pms_practitioner_id) or column_choice.standing(person),
            ),
            why=_why(person),
            error=(errors or {}).get(person.pms_practitioner_id),
        )
        for person in ordered
    )


def _why(person: PractitionerView) -> str | None:
    if person.decision is not MappingDecision.UNDECIDED or not person.suggestions:
        return None
    best = person.suggestions[0]
    return f"{best.name}: {best.reason}"


def counter(rows: Sequence[PractitionerRow]) -> str:
    """ "6 matched, 1 not shown on purpose, 2 to decide"."""
    values = [
        next((option.value for option in row.options if option.chosen), mappings.UNDECIDED) for row in rows
    ]
    ignored, undecided = values.count(mappings.IGNORE), values.count(mappings.UNDECIDED)
    return (
        f"{len(values) - ignored - undecided} matched, {ignored} not shown on purpose, {undecided} to decide"
    )


def mapping_choices(chosen: Mapping[str, str]) -> list[MappingChoice]:
    """What the selects held, as the service takes it."""
    choices = []
    for key, value in chosen.items():
        decision, _, clinician = value.partition(":")
        choices.append(MappingChoice(key, decision, id_or_none(clinician)))
    return choices


def type_rows(listed: Sequence[TypeView], *, pms: str, follows_pms: bool) -> tuple[TypeRow, ...]:
    """A line each, those that look like telehealth first."""
    return tuple(
        TypeRow(
            key=kind.pms_type_id,
            name=kind.name,
            length=f"{kind.default_duration_minutes} min" if kind.default_duration_minutes else "",
            evidence=_evidence(kind, pms),
            options=_type_options(kind, pms, follows_pms),
            shown=kind.sync_enabled,
            archived=not kind.active,
        )
        for kind in sorted(listed, key=lambda kind: (not _looks_like_telehealth(kind), kind.name.casefold()))
    )


def as_chosen(listed: Sequence[TypeView], chosen: Mapping[str, TypeChoice]) -> list[TypeView]:
    """The types as the form was sent, which is not kept yet."""
    shown = []
    for kind in listed:
        choice = chosen.get(kind.pms_type_id)
        if choice is not None and not isinstance(choice.is_telehealth, Unchanged):
            kind = replace(kind, is_telehealth=choice.is_telehealth, sync_enabled=bool(choice.sync_enabled))
        shown.append(kind)
    return shown


def _looks_like_telehealth(kind: TypeView) -> bool:
    mark = kind.is_telehealth if kind.is_telehealth is not None else kind.pms_is_telehealth
    return kind.suggested if mark is None else mark


def _evidence(kind: TypeView, pms: str) -> str:
    if kind.pms_is_telehealth is not None:
        return f"{pms} says {'telehealth' if kind.pms_is_telehealth else 'not telehealth'}"
    return (kind.evidence or "Looks like telehealth") if kind.suggested else "—"


def _type_options(kind: TypeView, pms: str, follows_pms: bool) -> tuple[Option, ...]:
    decided = {True: _YES, False: _NO, None: _FOLLOW}[kind.is_telehealth]
    follow = f"As {pms} says" if follows_pms else "Not decided"
    return tuple(
        Option(value, word, value == decided)
        for value, word in ((_YES, "Yes"), (_NO, "No"), (_FOLLOW, follow))
    )


def type_choices(telehealth: Mapping[str, str], shown: Mapping[str, bool]) -> list[TypeChoice]:
    """What the radios and ticks held, as the service takes it."""
    return [
        TypeChoice(key, is_telehealth=_TELEHEALTH.get(value), sync_enabled=shown.get(key, False))
        for key, value in telehealth.items()
    ]
