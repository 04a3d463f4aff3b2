"""The form of a card: what it shows, and what was typed into it. Pure, but for the clinic's zone it is handed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Day  # noqa: N812 - beside `time`
from datetime import datetime, time
from typing import Any

from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import local_to_utc
from pmsapp.services.base.errors import Invalid
from pmsapp.web.cards.contexts import CardForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.field_text import in_words
from pmsapp.web.ui.page_contexts import FormField, Option

TEXTS = ("patient_name", "patient_phone", "patient_email", "notes")
EDITABLE = (*TEXTS, "start_at", "duration_minutes", "clinician_id", "is_telehealth", "state")
_TELEHEALTH = {"yes": True, "no": False, "": None}
LABELS = labels.FIELDS | {
    "start_date": "Day",
    "duration_minutes": "Length in minutes",
    "clinician_id": "Clinician",
}


def shown_values(card: Card) -> dict[str, str]:
    """The card's values as the form's inputs hold them."""
    local = card.start_at.astimezone(fmt.zone_of(card.time_zone))
    return {
        "patient_name": card.patient_name or "",
        "patient_phone": fmt.phone(card.patient_phone) if card.patient_phone else "",
        "patient_email": card.patient_email or "",
        "notes": card.notes or "",
        "start_date": local.date().isoformat(),
        "start_time": f"{local:%H:%M}",
        "duration_minutes": "" if card.duration_minutes is None else str(card.duration_minutes),
        "clinician_id": "" if card.clinician_id is None else str(card.clinician_id),
        "is_telehealth": {True: "yes", False: "no", None: ""}[card.is_telehealth],
        "state": card.state,
    }


def new_values(day: Day) -> dict[str, str]:
    """What an empty form starts with."""
    empty = dict.fromkeys((*TEXTS, "start_time", "clinician_id"), "")
    return empty | {
        "start_date": day.isoformat(),
        "duration_minutes": "15",
        "is_telehealth": "yes",
        "state": WorkflowState.BOOKED.value,
    }


def typed_values(given: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """What the inputs held when the form was sent; an input that was not sent keeps what was shown."""
    return {name: given.get(name, value).replace("\r\n", "\n").strip() for name, value in shown.items()}


def changes(typed: Mapping[str, str], shown: Mapping[str, str], zone: str) -> dict[str, Any]:
    """The fields that differ from what was shown, as the service takes them. Raises Invalid."""
    faults: dict[str, str] = {}
    out: dict[str, Any] = {}
    for name in TEXTS:
        if typed[name] != shown[name].strip():
            out[name] = typed[name] or None
    if (typed["start_date"], typed["start_time"]) != (shown["start_date"], shown["start_time"]):
        instant = _instant(typed["start_date"], typed["start_time"], zone)
        if instant is None:
            faults["start_time"] = "Enter the time as hours and minutes, for example 09:30."
        out["start_at"] = instant
    for name, sentence in (
        ("duration_minutes", "Enter whole minutes, 1 to 1440."),
        ("clinician_id", "Choose a clinician of the run sheet."),
    ):
        if typed[name] != shown[name]:
            if typed[name] and not typed[name].isdecimal():
                faults[name] = sentence
            out[name] = int(typed[name]) if typed[name].isdecimal() else None
    if typed["is_telehealth"] != shown["is_telehealth"]:
        out["is_telehealth"] = _TELEHEALTH.get(typed["is_telehealth"])
    if typed["state"] != shown["state"]:
        out["state"] = typed["state"]
    if faults:
        raise Invalid(faults)
    return out


def _instant(day: str, clock: str, zone: str) -> datetime | None:
    try:
        naive = datetime.combine(Day.fromisoformat(day), time.fromisoformat(clock))
    except ValueError:
        return None
    return local_to_utc(naive, zone)[0]


def build_form(
    values: Mapping[str, str],
    *,
    clinicians: Mapping[int, str],
    faults: Mapping[str, str] | None = None,
    card: Card | None = None,
    source: str = "",
    theirs: Mapping[str, str] | None = None,
) -> CardForm:
    """The form with what was typed, the practice software's values beneath, and what is wrong.

    `theirs`: what the card now holds where somebody else saved first, shown beside what was typed.
    """
    faults = {{"start_at": "start_time"}.get(name, name): text for name, text in (faults or {}).items()}
    edits = {edit.field: edit for edit in card.edited} if card else {}
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
    )


def _telehealth(value: str) -> tuple[Option, ...]:
    options = [Option("yes", "Yes", value == "yes"), Option("no", "No, in person", value == "no")]
    if value == "":
        options.insert(0, Option("", "Not known", True))
    return tuple(options)
