"""Opening and closing what only a person can settle. Each open decision is unique by its subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp.models import Decision


def open_one(
    session: Session,
    *,
    kind: str,
    subject: str,
    now: datetime,
    connection_id: int | None = None,
    run_id: int | None = None,
    day: date | None = None,
    clinician_id: int | None = None,
    appointment_ids: Sequence[int] = (),
    field: str | None = None,
    ours: Any = None,
    theirs: Any = None,
    marker: str | None = None,
) -> None:
    """Ask a person; when the same question is open already, bring what it shows up to date."""
    known = session.scalar(select(Decision.id).where(Decision.subject == subject, Decision.state == "open"))
    shown = {
        "date": day,
        "clinician_id": clinician_id,
        "appointment_ids": list(appointment_ids),
        "field": field,
        "ours": ours,
        "theirs": theirs,
        "marker": marker,
    }
    if known is not None:
        session.execute(update(Decision).where(Decision.id == known).values(**shown))
        return
    session.add(
        Decision(
            kind=kind,
            subject=subject,
            connection_id=connection_id,
            run_id=run_id,
            since=now,
            state="open",
            **shown,
        )
    )
    session.flush()


def lapse(session: Session, subjects: Sequence[str], now: datetime) -> None:
    """Close questions that settled themselves."""
    if subjects:
        session.execute(
            update(Decision)
            .where(Decision.subject.in_(list(subjects)), Decision.state == "open")
            .values(state="lapsed", decided_at=now)
            .execution_options(synchronize_session=False)
        )
