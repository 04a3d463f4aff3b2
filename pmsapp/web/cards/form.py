"""The form of a card: what it shows, and what was typed into it. Pure, but for the clinic's zone it is handed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date as Day  # noqa: N812 - beside `time`
from datetime import datetime, time
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator
from pydantic import Field as PydanticField

from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import local_to_utc
from pmsapp.schemas.addresses import day_or_none
from pmsapp.schemas.base import given
from pmsapp.schemas.reading import read_form
from pmsapp.schemas.sheet import CardChange
from pmsapp.services.base.errors import Invalid
from pmsapp.web.cards.contexts import CardForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.field_text import in_words
from pmsapp.web.ui.forms import ChosenId, Form
from pmsapp.web.ui.page_contexts import FormField, Option

TEXTS = ("patient_name", "patient_phone", "patient_email", "notes")
EDITABLE = (*TEXTS, "start_at", "duration_minutes", "clinician_id", "is_telehealth", "state")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")
_SENTENCES = {
    "duration_minutes": "Enter whole minutes, 1 to 1440.",
    "clinician_id": "Choose a clinician of the run sheet.",
    "state": "This is not a state of the run sheet.",
}
_TELEHEALTH = {"yes": True, "no": False, "": None}


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


Lines = Annotated[str, BeforeValidator(_tidy)]  # browsers send line ends of their own
LABELS = labels.FIELDS | {
    "start_date": "Day",
    "duration_minutes": "Length in minutes",
    "clinician_id": "Clinician",
}


class StateForm(Form):
    """A state to take, and the state that was looked at."""

    state: str = ""
    looked_at: str = PydanticField("", alias="from")


class CardButtons(Form):
    """What a card's form says beside its fields: the version and the story it was made of, and what is given up."""

    sentences: ClassVar[Mapping[str, str]] = {"row_version": "Open the card again."}
    row_version: ChosenId = None
    seen_event: str = ""
    use_pms: str | None = None
    use_now: str | None = None


class NotesForm(Form):
    """Notes as they were left, and as they were shown."""

    notes: Lines = ""
    base: Lines = ""
    row_version: ChosenId = None


class RemoveForm(Form):
    """Why a card is taken off."""

    sentences: ClassVar[Mapping[str, str]] = {"row_version": "Open the card again."}
    reason: str = ""
    row_version: ChosenId = None


class NewsForm(Form):
    """In the address of a panel's poll: the last event it shows, and the last it told of."""

    since: str = ""
    told: str = ""


def shown_values(card: Card) -> dict[str, str]:
    """The card's values as the form's inputs hold them."""
    local = card.start_at.astimezone(fmt.zone_of(card.time_zone))
    return {
        "patient_name": card.patient_name or "",
        "patient_phone": str(fmt.phone(card.patient_phone)) if card.patient_phone else "",
        "patient_email": card.patient_email or "",
        "notes": card.notes or "",
        "start_date": local.date().isoformat(),
        "start_time": f"{local:%H:%M}",
        "duration_minutes": "" if card.duration_minutes is None else str(card.duration_minutes),
        "clinician_id": "" if card.clinician_id is None else str(card.clinician_id),
        "is_telehealth": {True: "yes", False: "no", None: ""}[card.is_telehealth],
        "state": card.state,
    }


def shown_words(card: Card, clinicians: Mapping[int, str]) -> dict[str, str]:
    """The card's values as they are read: "Tue 1 Dec", "40 min", "Dr Hart"; "" where there is none."""
    values = shown_values(card)
    told = {
        "duration_minutes": card.duration_minutes,
        "clinician_id": card.clinician_id,
        "is_telehealth": card.is_telehealth,
        "state": card.state,
    }
    return {
        **values,
        **{
            name: in_words(name, value, zone=card.time_zone, clinicians=clinicians, day=card.date)
            for name, value in told.items()
        },
        "clinician_id": clinicians.get(card.clinician_id or 0, "No clinician"),
        "start_date": fmt.short_day(card.date),
    }


def typed_words(name: str, value: str, clinicians: Mapping[int, str]) -> str:
    """What an input holds, as it is read."""
    if name == "clinician_id":
        return clinicians.get(int(value), "another clinician") if value.isdecimal() else "No clinician"
    if name == "is_telehealth":
        return {"yes": "yes", "no": "no"}.get(value, "not known")
    if name == "state" and value in set(WorkflowState):
        return labels.WORKFLOW[WorkflowState(value)].word
    if name == "start_date":
        day = day_or_none(value)
        return fmt.short_day(day) if day else value
    return f"{value} min" if name == "duration_minutes" and value else value


def new_values(day: Day) -> dict[str, str]:
    """What an empty form starts with."""
    empty = dict.fromkeys((*TEXTS, "start_time", "clinician_id"), "")
    return empty | {
        "start_date": day.isoformat(),
        "duration_minutes": "15",
        "is_telehealth": "yes",
        "state": WorkflowState.BOOKED.value,
    }


def base_values(sent: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """What the inputs held when the form was made; a form that does not say was made of what shows now."""
    return {name: _tidy(sent.get(f"base_{name}", value)) for name, value in shown.items()}


def typed_values(sent: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """What the inputs held when the form was sent; an input that was not sent is untouched."""
    return {name: _tidy(sent.get(name, value)) for name, value in base.items()}


def touched(typed: Mapping[str, str], base: Mapping[str, str]) -> set[str]:
    """The inputs that somebody changed: they hold something else than what the form was made with."""
    return {name for name, value in typed.items() if value != base[name].strip()}


def changes(
    typed: Mapping[str, str], base: Mapping[str, str], zone: str, also_wrong: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The fields that were changed, as the service takes them, by the rules of the JSON interface.

    `also_wrong`: faults found elsewhere in the form, told with these. Raises Invalid.
    """
    wanted: dict[str, Any] = {}
    faults: dict[str, str] = dict(also_wrong or {})
    for name in touched(typed, base):
        if name in ("start_date", "start_time"):
            wanted["start_at"] = _instant(typed["start_date"], typed["start_time"], zone)
        elif name == "is_telehealth":
            wanted[name] = _TELEHEALTH.get(typed[name])
        else:
            wanted[name] = typed[name] or None
    if "start_at" in wanted and wanted["start_at"] is None:
        faults["start_time"] = "Enter a day and a time as hours and minutes, for example 09:30."
    try:
        checked = given(read_form(CardChange, wanted))
    except Invalid as error:
        raise Invalid(_in_form_words(error.errors) | faults) from None
    if faults:
        raise Invalid(faults)
    return checked


def _in_form_words(errors: Mapping[str, str]) -> dict[str, str]:
    """A number typed into a form has a sentence of its own."""
    return {name: _SENTENCES.get(name, sentence) for name, sentence in errors.items()}


def _instant(day: str, clock: str, zone: str) -> datetime | None:
    found = day_or_none(day)
    if found is None or not _CLOCK.fullmatch(clock):
        return None
    return local_to_utc(datetime.combine(found, time.fromisoformat(clock)), zone)[0]


def build_form(
    values: Mapping[str, str],
    *,
    clinicians: Mapping[int, str],
    faults: Mapping[str, str] | None = None,
    card: Card | None = None,
    source: str = "",
    theirs: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
) -> CardForm:
    """The form with what was typed, the practice software's values beneath, and what is wrong.

    `theirs`: what the card now holds where somebody else saved first, shown beside what was typed. `base`: what the
    inputs held before anything was typed; the form sends it back, so that only what was typed is a change.
    """
    faults = {
        {"start_at": "start_time", "date": "start_date"}.get(name, name): text
        for name, text in (faults or {}).items()
    }
    edits = {edit.field: edit for edit in card.edited} if card else {}
    shown = shown_words(card, clinicians) if card else {}
    fields: dict[str, FormField] = {}
    for name, value in values.items():
        edit = edits.get({"start_time": "start_at"}.get(name, name))
        differs = theirs is not None and theirs.get(name, value) != value
        pms = None
        if edit is not None and card is not None:
            pms = in_words(
                edit.field, edit.pms_value, zone=card.time_zone, clinicians=clinicians, day=card.date
            )
        fields[name] = FormField(
            name=name,
            label=LABELS.get(name, "Start time"),
            value=value,
            pms=pms,
            pms_note=f"{source} says {pms}" if pms is not None else None,
            error=faults.get(name),
            theirs=(theirs or {}).get(name) if differs else None,
            shown=shown.get(name, ""),
            is_open=name in faults or differs or (base is not None and base.get(name, value) != value),
        )
    return CardForm(
        fields=fields,
        clinicians=(
            Option("", "No clinician", values["clinician_id"] == ""),
            *(Option(str(key), name, values["clinician_id"] == str(key)) for key, name in clinicians.items()),
        ),
        states=tuple(
            Option(state.value, labels.WORKFLOW[state].word, values["state"] == state)
            for state in WorkflowState
        ),
        telehealth=_telehealth(values["is_telehealth"]),
        errors=tuple((name, text) for name, text in faults.items()),
        autosave=f"/cards/{card.id}/notes" if card else None,
        base=tuple((base or {}).items()),
    )


def _telehealth(value: str) -> tuple[Option, ...]:
    options = [Option("yes", "Yes", value == "yes"), Option("no", "No, in person", value == "no")]
    if value == "":
        options.insert(0, Option("", "Not known", True))
    return tuple(options)
