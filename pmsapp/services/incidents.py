"""Incidents: kept in step with what is wrong, told about once, snoozed with a reason, ended when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import advice_for, message_for
from pmsapp.domain.incidents import IncidentFacts, Message, Severity, Trouble, is_worth_telling, next_message
from pmsapp.models import Incident, PMSConnection
from pmsapp.services import alerts, audit, due, troubles
from pmsapp.services.errors import Conflict, Invalid, NotFound
from pmsapp.services.transaction import reading, writing

WATCH = "watch"
WATCH_EVERY = timedelta(seconds=30)
LONGEST_SNOOZE = timedelta(days=7)
_GRAVITY = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2}


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident in words. `told`: alerts went out; `path`: the page that helps to fix it."""

    id: int
    subject: str
    connection_id: int | None
    name: str
    code: str
    message: str
    advice: str
    severity: str
    started_at: datetime
    failures: int
    ended_at: datetime | None
    told: bool
    snoozed_until: datetime | None
    snoozed_by: str | None
    snoozed_reason: str | None
    path: str


def watch() -> None:
    """Look at everything once: the scheduler and every web process call this, one of them does it each half minute."""
    if due.take(WATCH, WATCH_EVERY):
        look()


def look() -> list[tuple[int, Message]]:
    """Bring incidents into step with what is wrong, and send what is owed. Returns what was sent.

    What to send is noted in the database before it is sent, so two processes never send the same twice.
    """
    now = clock.now()
    with writing() as session:
        owed = _step(session, troubles.find(session, now), now)
    for incident_id, message, notice in owed:
        alerts.send(incident_id, message.value, notice)
    alerts.retry_undelivered()
    return [(incident_id, message) for incident_id, message, _ in owed]


def _step(
    session: Session, found: Sequence[Trouble], now: datetime
) -> list[tuple[int, Message, alerts.Notice]]:
    rows = {row.subject: row for row in session.scalars(select(Incident).where(Incident.ended_at.is_(None)))}
    overdue = {one.subject: one.overdue for one in found}
    for one in found:
        row = rows.get(one.subject)
        if row is None:
            row = Incident(
                subject=one.subject, connection_id=one.connection_id, started_at=now, severity=one.severity
            )
            session.add(row)
            rows[one.subject] = row
        row.code, row.last_seen_at, row.failures = one.code, now, max(one.failures, row.failures or 0)
        if _GRAVITY[one.severity] > _GRAVITY[Severity(row.severity)]:
            row.severity = one.severity.value
    for subject, row in rows.items():
        if subject not in overdue:
            row.ended_at = now
    session.flush()
    owed = []
    for row in rows.values():
        message = next_message(_facts(row, overdue.get(row.subject, False)), now)
        if message is not None:
            _note(row, message, now)
            owed.append((row.id, message, _notice(session, row, message)))
    return owed


def _facts(row: Incident, overdue: bool) -> IncidentFacts:
    return IncidentFacts(
        row.failures,
        overdue,
        Severity(row.severity),
        row.opened_at,
        row.escalated_at,
        row.ended_at,
        row.snoozed_until,
    )


def _note(row: Incident, message: Message, now: datetime) -> None:
    if message is Message.OPENING:
        row.opened_at = now
    elif message is Message.ESCALATION:
        row.escalated_at = now


def _notice(session: Session, row: Incident, message: Message) -> alerts.Notice:
    view = _view(session, row)
    headline = {
        Message.OPENING: view.message,
        Message.ESCALATION: f"Still: {view.message}",
        Message.RECOVERY: f"Over: {view.message}",
    }[message]
    body = "Everything is up to date again." if message is Message.RECOVERY else view.advice
    return alerts.Notice(f"{view.name}: {headline}", body, view.path, row.started_at)


def list_open() -> list[IncidentView]:
    """What is going on, gravest first. A blip that nobody needs to know of is left out."""
    with reading() as session:
        rows = session.scalars(
            select(Incident).where(Incident.ended_at.is_(None)).order_by(Incident.id)
        ).all()
        known = [row for row in rows if row.opened_at or is_worth_telling(row.failures, False)]
        return [
            _view(session, row) for row in sorted(known, key=lambda row: -_GRAVITY[Severity(row.severity)])
        ]


def list_recent(limit: int = 50) -> list[IncidentView]:
    """Newest first, ended ones too."""
    with reading() as session:
        rows = session.scalars(select(Incident).order_by(Incident.id.desc()).limit(limit))
        return [_view(session, row) for row in rows]


def snooze(incident_id: int, until: datetime | None, reason: str | None, actor: Actor) -> IncidentView:
    """Silence an incident's messages until a time, with a reason; `until` None ends a snooze.

    Raises NotFound, Invalid, Conflict INCIDENT-OVER.
    """
    now = clock.now()
    text = (reason or "").strip()
    wrong: dict[str, str] = {}
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        wrong["until"] = "Choose an end within the next seven days."
    if until is not None and not 3 <= len(text) <= 200:
        wrong["reason"] = "Say in a few words why (3 to 200 characters)."
    if wrong:
        raise Invalid(wrong)
    with writing() as session:
        row = session.get(Incident, incident_id)
        if row is None:
            raise NotFound("incident")
        if row.ended_at is not None:
            raise Conflict("INCIDENT-OVER", "This is over already.")
        row.snoozed_until = until
        row.snoozed_by, row.snoozed_reason = (actor.name, text) if until else (None, None)
        audit.record(
            session, actor, "incident.snooze", f"incident:{row.id}", {"until": until and until.isoformat()}
        )
        session.flush()
        return _view(session, row)


def _view(session: Session, row: Incident) -> IncidentView:
    connection = session.get(PMSConnection, row.connection_id) if row.connection_id else None
    label = get_info(connection.pms_type).label if connection else "pmsapp"
    return IncidentView(
        id=row.id,
        subject=row.subject,
        connection_id=row.connection_id,
        name=connection.display_name if connection else "pmsapp",
        code=row.code,
        message=message_for(row.code, label),
        advice=advice_for(row.code, label),
        severity=row.severity,
        started_at=row.started_at,
        failures=row.failures,
        ended_at=row.ended_at,
        told=row.opened_at is not None,
        snoozed_until=row.snoozed_until,
        snoozed_by=row.snoozed_by,
        snoozed_reason=row.snoozed_reason,
        path=f"/integrations/{connection.id}" if connection else "/settings/health",
    )
