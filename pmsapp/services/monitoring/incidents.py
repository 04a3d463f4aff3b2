"""Incidents: kept in step with what is wrong, told about once, snoozed with a reason, ended when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain import incidents as rules
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import advice_for, message_for
from pmsapp.domain.incidents import LONGEST_SNOOZE, Condition, IncidentFacts, Message, Severity
from pmsapp.domain.schedule import Rhythm
from pmsapp.domain.window import local_time
from pmsapp.models import Incident, PMSConnection
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.next_step import NextStep, next_step
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.monitoring import alerts, conditions, task_table

WATCH = "watch"
WATCH_EVERY = timedelta(seconds=20)
REASON_CHARS = range(3, 201)


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident in words. `told`: people were told; `step`: what to do next, and where."""

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
    step: NextStep

    @property
    def path(self) -> str:
        """The page with the step that fixes it."""
        return self.step.href


def watch() -> None:
    """Look at everything once: the scheduler and every web process call this, one of them does it each time."""
    if task_table.take(WATCH, Rhythm(WATCH_EVERY)):
        look()


def look() -> None:
    """Bring incidents into step with what is wrong, and write the messages that are owed.

    An incident and its message are one transaction, so two processes never write the same message twice and none is
    lost; `alerts` sends them afterwards. When all is well, nothing is written.
    """
    now = clock.now()
    with reading() as session:
        found = conditions.find(session, now)
        going_on = session.scalar(select(exists().where(Incident.ended_at.is_(None))))
    if found or going_on:
        with writing() as session:
            _step(session, found, now)


def _step(session: Session, found: Sequence[Condition], now: datetime) -> None:
    rows = {row.subject: row for row in session.scalars(select(Incident).where(Incident.ended_at.is_(None)))}
    wrong = {condition.subject: condition for condition in found}
    for condition in found:
        if condition.subject not in rows:
            rows[condition.subject] = _begin(session, condition, now)
        _follow(rows[condition.subject], condition, now)
    session.flush()
    for row in rows.values():
        _notify(session, row, wrong, now)


def _begin(session: Session, condition: Condition, now: datetime) -> Incident:
    row = Incident(
        subject=condition.subject,
        connection_id=condition.connection_id,
        code=condition.code,
        severity=condition.severity.value,
        started_at=now,
        last_seen_at=now,
        failures=0,
    )
    session.add(row)
    return row


def _follow(row: Incident, condition: Condition, now: datetime) -> None:
    if rules.begins_anew(row.opened_at, row.last_seen_at, now):
        row.started_at = now
    row.code, row.last_seen_at = condition.code, now
    row.failures = max(condition.failures, row.failures)
    row.severity = rules.graver(condition.severity, Severity(row.severity)).value


def _notify(session: Session, row: Incident, wrong: Mapping[str, Condition], now: datetime) -> None:
    """Write what is owed for one incident, and end it when it is over."""
    condition = wrong.get(row.subject)
    facts = IncidentFacts(
        condition,
        Severity(row.severity),
        row.started_at,
        row.last_seen_at,
        row.opened_at,
        row.escalated_at,
        row.snoozed_until,
    )
    message = rules.next_message(facts, now)
    if message is Message.OPENING:
        row.opened_at = now
    elif message is Message.ESCALATION:
        row.escalated_at = now
    if rules.is_over(facts, now):
        row.ended_at = row.last_seen_at if row.opened_at else now
    if message is Message.RECOVERY:
        alerts.post_recovery(session, _notice(session, row, message, None), row.id)
    elif message is not None:
        alerts.post(session, message.value, _notice(session, row, message, condition), incident_id=row.id)


def _notice(
    session: Session, row: Incident, message: Message, condition: Condition | None
) -> alerts.AlertMessage:
    """What people read: what, since when, what is at stake, what to do. Times of the clinic, no patient."""
    view, zone = _view(session, row), clinic.time_zone(session)
    headline = {
        Message.OPENING: view.message,
        Message.ESCALATION: f"Still: {view.message}",
        Message.RECOVERY: f"Over: {view.message}",
    }[message]
    since = f"Since {_when(row.started_at, zone)}."
    if message is Message.RECOVERY:
        body = f"{since} Over since {_when(row.last_seen_at, zone)}."
    else:
        risk = condition.at_risk_at if condition else None
        stake = f" Next appointment that depends on it: {_when(risk, zone)}." if risk else ""
        body = f"{since}{stake}\n{view.advice}\nCode {row.code}: Help in pmsapp says what is behind it."
    return alerts.AlertMessage(f"{view.name}: {headline}", body, view.path)


def list_open() -> list[IncidentView]:
    """What people should know of now, gravest first; a blip is left out, and so is what has just gone away."""
    since = clock.now() - 3 * WATCH_EVERY
    with reading() as session:
        rows = session.execute(
            select(Incident, PMSConnection)
            .outerjoin(PMSConnection, PMSConnection.id == Incident.connection_id)
            .where(
                Incident.ended_at.is_(None), Incident.opened_at.is_not(None), Incident.last_seen_at >= since
            )
            .order_by(Incident.id)
        ).all()
        return [
            _view_with(row, connection)
            for row, connection in sorted(rows, key=lambda pair: -rules.gravity(Severity(pair[0].severity)))
        ]


def list_recent(limit: int = 50, before_id: int | None = None) -> list[IncidentView]:
    """Those that people were told of, newest first, ended ones too."""
    query = select(Incident).where(Incident.opened_at.is_not(None)).order_by(Incident.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Incident.id < before_id)
    with reading() as session:
        return [_view(session, row) for row in session.scalars(query)]


def snooze(incident_id: int, until: datetime | None, reason: str | None, actor: Actor) -> IncidentView:
    """Silence an incident's messages until a time, with a reason; `until` None ends a snooze.

    Raises NotFound, Invalid, Conflict INCIDENT-OVER.
    """
    now = clock.now()
    text = (reason or "").strip()
    wrong: dict[str, str] = {}
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        wrong["until"] = "Choose an end within the next seven days."
    if until is not None and (len(text) not in REASON_CHARS or not text.isprintable()):
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
    return _view_with(row, session.get(PMSConnection, row.connection_id) if row.connection_id else None)


def _view_with(row: Incident, connection: PMSConnection | None) -> IncidentView:
    label = get_info(connection.pms_type).label if connection else "the practice software"
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
        step=next_step(row.code, label, connection.id if connection else None),
    )


def _when(instant: datetime, zone: str) -> str:
    """ "Mon 23 Nov 09:02" at the clinic; a message may be read days later."""
    local = local_time(instant, zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"
