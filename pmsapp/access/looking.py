"""Notes for the log what the one asking is shown. Every page and call that gives out a patient calls it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from flask import request

from pmsapp.access import guard
from pmsapp.services.records import access_log


def at_sheet(day: date, cards: Collection[int], action: str = access_log.SHEET) -> None:
    """A day of the run sheet, or what was found, printed or exported of it."""
    _note(action, f"sheet:{day.isoformat()}", cards)


def at_card(card_id: int) -> None:
    """One card."""
    _note(access_log.CARD, f"card:{card_id}", [card_id])


def at_decisions(cards: Collection[int]) -> None:
    """The questions that wait, with the patients they are about."""
    _note(access_log.DECISIONS, None, cards)


def at_preview(run_id: int, cards: Collection[int]) -> None:
    """What an update would change, with the patients it names."""
    _note(access_log.PREVIEW, f"run:{run_id}", cards)


def at_reveal(subject: str, cards: Collection[int]) -> None:
    """Names that were hidden until somebody asked for them."""
    _note(access_log.REVEAL, subject, cards)


def at_receipt(connection_id: int, cards: Collection[int]) -> None:
    """The cards that differ from the practice software."""
    _note(access_log.RECEIPT, f"connection:{connection_id}", cards)


def at_export(subject: str) -> None:
    """A list that leaves the program as a file."""
    _note(access_log.EXPORT, subject, ())


def at_person(cards: Collection[int], action: str = access_log.PERSON) -> None:
    """Everything kept on one patient, or an export of it."""
    _note(action, None, cards)


def _note(action: str, subject: str | None, cards: Collection[int]) -> None:
    signed_in = guard.current_session()
    rule = guard.rule_for(request.endpoint, request.method)
    access_log.note(
        action,
        subject,
        guard.current_actor(),
        cards,
        session_id=signed_in.session_id if signed_in else None,
        later=guard.POLL_HEADER in request.headers or (rule is not None and rule.poll),
    )
