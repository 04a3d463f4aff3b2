"""Finding everything kept on one patient. A patient is one file of one practice, never a name.

A reference names exactly one: `3:1234` is patient 1234 of connection 3; `card:17` is the patient of card 17 where no
connection is behind it (typed in by hand, or left by a connection that was taken away: then every card of the same
file there). Two people with one name have two references.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.models import FormerCard, PMSConnection, RunSheet, RunSheetAppointment, RunSheetOverride
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.base.transaction import reading

_PHONE_DIGITS = 8
_LEAST_DIGITS = 6
_CARD = "card"


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """One patient as the cards know them. `cards`: their numbers; `source`: the connection, None for cards by hand."""

    reference: str
    names: tuple[str, ...]
    birth_dates: tuple[date, ...]
    phones: tuple[str, ...]
    source: str | None
    cards: tuple[int, ...]
    first_on: date
    last_on: date

    def __repr__(self) -> str:
        return f"Patient({self.reference})"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a reference stands for: a file of a connection, of a practice whose connection is gone, or one card."""

    connection_id: int | None = None
    practice: tuple[str, str] | None = None  # PMS and practice key
    patient_id: str = ""
    card_id: int | None = None


def find(*, name: str = "", birth_date: date | None = None, phone: str = "") -> list[Patient]:
    """Every patient who matches all that is given. Names match by the beginnings of their words, phones by their last
    digits, in what the PMS said as in what staff typed. Raises Invalid when nothing is given."""
    words, digits = _words(name), _digits(phone)
    if phone.strip() and len(digits) < _LEAST_DIGITS:
        raise Invalid({"phone": f"Give {_LEAST_DIGITS} digits or more."})
    if not (words or birth_date or digits):
        raise Invalid({"name": "Give a name, a birth date or a phone number."})
    with reading() as session:
        patients = _all(session)
    return [
        patient
        for patient in patients
        if (not words or any(_has_words(known, words) for known in patient.names))
        and (birth_date is None or birth_date in patient.birth_dates)
        and (not digits or any(_ends_alike(known, digits) for known in patient.phones))
    ]


def get(reference: str) -> Patient:
    """The patient a reference names. Raises NotFound."""
    with reading() as session:
        cards = card_ids(session, identity_of(session, reference))
        found = [patient for patient in _all(session, cards) if set(patient.cards) == set(cards)]
    if not cards or len(found) != 1:
        raise NotFound("patient")
    return found[0]


def cards_of(reference: str) -> frozenset[int]:
    """The numbers of a patient's cards. Raises NotFound."""
    return frozenset(get(reference).cards)


def identity_of(session: Session, reference: str) -> Identity:
    """What a reference stands for. Raises NotFound."""
    kind, _, rest = reference.strip().partition(":")
    if kind == _CARD and _is_number(rest):
        return _identity_of_card(session, int(rest))
    if _is_number(kind) and rest:
        return Identity(connection_id=int(kind), patient_id=rest)
    raise NotFound("patient")


def card_ids(session: Session, identity: Identity) -> list[int]:
    """The cards of one patient, oldest first."""
    card = RunSheetAppointment
    query = select(card.id).order_by(card.id)
    if identity.card_id is not None:
        query = query.where(card.id == identity.card_id)
    elif identity.connection_id is not None:
        query = query.where(
            card.pms_connection_id == identity.connection_id, card.pms_patient_id == identity.patient_id
        )
    else:
        pms_type, key = identity.practice or ("", "")
        query = query.join(FormerCard, FormerCard.appointment_id == card.id).where(
            card.pms_connection_id.is_(None),
            FormerCard.pms_type == pms_type,
            FormerCard.practice_key == key,
            FormerCard.pms_patient_id == identity.patient_id,
        )
    return list(session.scalars(query))


def _identity_of_card(session: Session, card_id: int) -> Identity:
    card = session.get(RunSheetAppointment, card_id)
    if card is None:
        raise NotFound("patient")
    if card.pms_connection_id is not None and card.pms_patient_id:
        return Identity(connection_id=card.pms_connection_id, patient_id=card.pms_patient_id)
    former = session.scalars(select(FormerCard).where(FormerCard.appointment_id == card_id).limit(1)).first()
    if former is None or not former.pms_patient_id:
        return Identity(card_id=card_id)
    return Identity(practice=(former.pms_type, former.practice_key), patient_id=former.pms_patient_id)


def _all(session: Session, only: Iterable[int] | None = None) -> list[Patient]:
    """Every patient there is (of these cards), the most recently seen first."""
    card = RunSheetAppointment
    query = (
        select(
            card.id,
            card.patient_name,
            card.patient_dob,
            card.patient_phone,
            card.pms_connection_id,
            card.pms_patient_id,
            RunSheet.date,
        )
        .join(RunSheet, RunSheet.id == card.run_sheet_id)
        .order_by(RunSheet.date.desc(), card.id.desc())
    )
    if only is not None:
        query = query.where(card.id.in_(list(only)))
    typed = _typed(session)
    former = _former(session)
    sources = {
        row.id: row.display_name
        for row in session.execute(select(PMSConnection.id, PMSConnection.display_name))
    }
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in session.execute(query):
        if row.pms_connection_id is not None and row.pms_patient_id:
            groups["file", row.pms_connection_id, row.pms_patient_id].append(row)
        else:
            groups["former", *former.get(row.id, (row.id,))].append(row)
    return [_patient(rows, typed, sources) for rows in groups.values()]


def _patient(rows: list[Any], typed: dict[int, dict[str, list[str]]], sources: dict[int, str]) -> Patient:
    first = rows[0]
    is_file = first.pms_connection_id is not None and first.pms_patient_id
    reference = (
        f"{first.pms_connection_id}:{first.pms_patient_id}"
        if is_file
        else f"{_CARD}:{min(r.id for r in rows)}"
    )
    names = [row.patient_name for row in rows] + [
        text for row in rows for text in typed.get(row.id, {}).get("patient_name", ())
    ]
    phones = [row.patient_phone for row in rows] + [
        text for row in rows for text in typed.get(row.id, {}).get("patient_phone", ())
    ]
    return Patient(
        reference=reference,
        names=_unique(names),
        birth_dates=tuple(dict.fromkeys(row.patient_dob for row in rows if row.patient_dob)),
        phones=_unique(phones),
        source=sources.get(first.pms_connection_id) if is_file else None,
        cards=tuple(sorted(row.id for row in rows)),
        first_on=min(row.date for row in rows),
        last_on=max(row.date for row in rows),
    )


def _typed(session: Session) -> dict[int, dict[str, list[str]]]:
    """What staff typed over names and phones, and what stood there: card -> field -> texts."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in session.execute(
        select(
            RunSheetOverride.appointment_id,
            RunSheetOverride.field,
            RunSheetOverride.value,
            RunSheetOverride.base_value,
        ).where(RunSheetOverride.field.in_(("patient_name", "patient_phone")))
    ):
        texts = found[row.appointment_id][row.field]
        texts += [text for text in (row.value, row.base_value) if isinstance(text, str)]
    return found


def _former(session: Session) -> dict[int, tuple[str, str, str]]:
    rows = session.execute(
        select(
            FormerCard.appointment_id,
            FormerCard.pms_type,
            FormerCard.practice_key,
            FormerCard.pms_patient_id,
        )
    )
    return {
        row.appointment_id: (row.pms_type, row.practice_key, row.pms_patient_id)
        for row in rows
        if row.pms_patient_id
    }


def _unique(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return "".join(sign if sign.isalnum() else " " for sign in letters).split()


def _has_words(name: str, words: list[str]) -> bool:
    own = _words(name)
    return all(any(part.startswith(word) for part in own) for word in words)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isascii() and sign.isdigit())


def _ends_alike(phone: str, digits: str) -> bool:
    return _digits(phone)[-_PHONE_DIGITS:].endswith(digits[-_PHONE_DIGITS:])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
