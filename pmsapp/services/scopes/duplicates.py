"""A card typed by hand, and a PMS card that may be the same visit: suggested, never merged silently."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from pmsapp.domain.names import names_alike
from pmsapp.domain.sync.reconcile import Incoming
from pmsapp.services.scopes.write import Writer
from pmsapp.services.sheet import questions
from pmsapp.services.sheet.stored_cards import CARDS, card_ids

NEAR = timedelta(minutes=20)


def duplicate_subject(manual_id: int, pms_id: int) -> str:
    """The subject of a merge suggestion."""
    return f"duplicate:{manual_id}:{pms_id}"


def suggest_duplicates(writer: Writer, creates: Sequence[Incoming]) -> None:
    """For each new PMS card with a hand-made one beside it (same clinician, near time, like name), ask a person.

    Never where both birth dates are known and differ.
    """
    days = {incoming.values.pms_date for incoming in creates}
    if not days:
        return
    starts = [incoming.values.start_at for incoming in creates]
    manual = writer.session.execute(
        select(
            CARDS.c.id, CARDS.c.clinician_id, CARDS.c.start_at, CARDS.c.patient_name, CARDS.c.patient_dob
        ).where(
            CARDS.c.pms_appointment_id.is_(None),
            CARDS.c.presence == "on_sheet",
            CARDS.c.start_at >= min(starts) - NEAR,
            CARDS.c.start_at <= max(starts) + NEAR,
        )
    ).all()
    for card in manual:
        for incoming in creates:
            if _alike(card, incoming):
                _suggest(writer, card, incoming)


def _alike(card: Any, incoming: Incoming) -> bool:
    clinician_id, start_at, name = card.clinician_id, card.start_at, card.patient_name
    if clinician_id != incoming.values.clinician_id or abs(start_at - incoming.values.start_at) > NEAR:
        return False
    born = card.patient_dob, incoming.values.patient_dob
    if None not in born and born[0] != born[1]:
        return False
    return bool(name and incoming.values.patient_name and names_alike(name, incoming.values.patient_name))


def _suggest(writer: Writer, card: Any, incoming: Incoming) -> None:
    manual_id: int = card.id
    found = card_ids(writer.session, writer.connection_id, [incoming.key])
    if not found:
        return
    pms_id = found[0]
    questions.open_question(
        writer.session,
        kind="merge_suggestion",
        subject=duplicate_subject(manual_id, pms_id),
        connection_id=writer.connection_id,
        run_id=writer.run_id,
        day=incoming.values.pms_date,
        clinician_id=incoming.values.clinician_id,
        appointment_ids=[manual_id, pms_id],
        field="card",
        ours=card.patient_name,
        theirs=incoming.values.patient_name,
        now=writer.now,
    )
