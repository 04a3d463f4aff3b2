"""How far the set-up of a connection has come, and who was at it last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from pmsapp.models import AuditEvent
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections.views import ConnectionView

STEPS = 5


@dataclass(frozen=True, slots=True)
class SetupStep:
    """The step that comes next: its number of `STEPS` and its address."""

    number: int
    href: str


@dataclass(frozen=True, slots=True)
class LastTouch:
    """Who did something to a connection last, and when."""

    who: str
    at: datetime


def next_step(view: ConnectionView) -> SetupStep:
    """Where the set-up of this connection goes on."""
    base = f"/integrations/{view.id}"
    if not view.has_credentials:
        return SetupStep(2, f"{base}/login")
    if view.needs_pairing:
        return SetupStep(2, f"{base}/pair")
    if not view.counts.mapped and not view.counts.ignored:
        return SetupStep(3, f"{base}/practitioners")
    return SetupStep(5, f"{base}/start")


def last_touch(connection_id: int) -> LastTouch | None:
    """Who worked on a connection last; None where nothing tells."""
    with reading() as session:
        row = session.execute(
            select(AuditEvent.actor, AuditEvent.at)
            .where(AuditEvent.subject == f"connection:{connection_id}", AuditEvent.actor.like("user:%"))
            .order_by(AuditEvent.id.desc())
            .limit(1)
        ).one_or_none()
    return LastTouch(row.actor.partition(" ")[2], row.at) if row else None
