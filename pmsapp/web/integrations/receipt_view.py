"""A receipt in words: whether the sheet matches the practice software, and where it does not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pmsapp.domain.errors import message_for
from pmsapp.domain.sync.receipt import Kind
from pmsapp.domain.worklist.patients import initials
from pmsapp.services.sync.receipts import DIFFERS, MATCH, ReceiptView
from pmsapp.web.integrations.contexts import DifferenceRow, ReceiptLine
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.page_contexts import Badge

_APART = {
    "edited": "with what staff typed over it, which is no difference",
    "removed_by_staff": "removed by staff",
    "held": "held until somebody looks",
    "kept_by_staff": "kept by staff although no longer listed",
    "not_understood": "not understood and kept aside",
    "not_read": "of lists that could not be read",
}


def line(receipt: ReceiptView | None, *, is_waiting: bool, pms: str, now: datetime, zone: str) -> ReceiptLine:
    """ "42 of 42 match Gentu, checked 08:55"."""
    if receipt is None or receipt.checked_at is None:
        word = "Being compared" if is_waiting else "Not compared yet"
        return ReceiptLine(Badge(word, "sync" if is_waiting else "half", "wait"), "", is_waiting)
    at = fmt.moment(receipt.checked_at, now, zone)
    if receipt.outcome == MATCH:
        return ReceiptLine(
            Badge("Matches", "tick", "good"),
            f"{receipt.matched} of {receipt.expected} match {pms}, checked {at}",
            is_waiting,
        )
    if receipt.outcome == DIFFERS:
        found = len(receipt.differences)
        differ = f"{fmt.plural(found, 'difference')}"
        return ReceiptLine(
            Badge("Differs" if receipt.is_confirmed else "To look at", "warn", "warn"),
            f"{receipt.matched} of {receipt.expected} match {pms}, {differ}, checked {at}",
            is_waiting,
        )
    return ReceiptLine(
        Badge("Not compared", "half", "wait"), f"Could not be compared, tried {at}", is_waiting
    )


def explained(receipt: ReceiptView, pms: str) -> str:
    """What a receipt means, and what happens by itself."""
    if receipt.outcome == MATCH:
        return f"Every card of the day holds what {pms} says now."
    if receipt.outcome == DIFFERS and receipt.is_confirmed:
        return (
            f"An update in between has not settled this. Look at these visits in {pms}, "
            "then have them read again."
        )
    if receipt.outcome == DIFFERS:
        return (
            f"{pms} may have changed since the last update. An update was asked for; "
            "the day is compared again after it."
        )
    if receipt.error_code:
        return f"{message_for(receipt.error_code, pms)}. It is tried again in the night, or when you ask."
    return "Updates were under way the whole time. Ask again in a while."


def apart(receipt: ReceiptView) -> tuple[str, ...]:
    """What staff did, counted apart: "2 removed by staff"."""
    return tuple(
        f"{fmt.plural(receipt.apart[name], 'card')} {words}"
        for name, words in _APART.items()
        if receipt.apart.get(name)
    )


def rows(
    receipt: ReceiptView,
    *,
    names: Mapping[int, str | None],
    columns: Mapping[int, str],
    people: Mapping[str, str],
    zone: str,
    names_shown: bool,
) -> tuple[DifferenceRow, ...]:
    """The differences by time and clinician. Names are masked until somebody asks for them."""
    made = []
    for found in receipt.differences:
        start = datetime.fromisoformat(found["start_at"])
        card_id = found["card_id"]
        name = names.get(card_id) if card_id is not None else None
        clinician = columns.get(found["clinician_id"] or 0) or people.get(found["pms_practitioner_id"] or "")
        who = "" if name is None else name if names_shown else initials(name)
        made.append(
            DifferenceRow(
                at=fmt.hhmm(start, zone),
                clinician=clinician or "Nobody named",
                who=who,
                what=_what(found["kind"], found["fields"]),
                href=f"/cards/{card_id}" if card_id is not None else None,
            )
        )
    return tuple(made)


def _what(kind: str, fields: list[str]) -> str:
    if kind == Kind.MISSING:
        return "Booked there, and not on the sheet"
    if kind == Kind.EXTRA:
        return "On the sheet, and not booked there"
    if kind == Kind.PLACE:
        return "Stands elsewhere than it should"
    told = dict.fromkeys(labels.PMS_FIELDS.get(name, "details").lower() for name in fields)
    return f"Says something else: {fmt.listed(list(told))}"
