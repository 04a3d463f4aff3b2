"""How the installation looks after itself: the clinic's hours, incidents, messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Day  # noqa: N812 - a field is called date
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from pmsapp.schemas.base import (
    NOT_SENT,
    Answer,
    Asked,
    AskedInAddress,
    Change,
    local,
    local_or_none,
)
from pmsapp.schemas.fields import MAX_CLOSED_DAYS, ClinicName, Cursor, Instant, Reason, Zone
from pmsapp.schemas.fields import Day as AskedDay
from pmsapp.services.clinic.clinic import CLOCK_TIME, ClinicView
from pmsapp.services.monitoring.alerts import Delivery
from pmsapp.services.monitoring.incidents import IncidentView

LIMIT = 100
OpenTimes = tuple[str, str] | None
_ClockTime = Annotated[str, Field(pattern=f"^(?:{CLOCK_TIME})$")]
AskedTimes = tuple[_ClockTime, _ClockTime] | None


class Hours(Answer):
    """Opening hours by weekday: ["08:30", "17:00"] of the clinic's wall clock, null on a day that is closed."""

    mon: OpenTimes
    tue: OpenTimes
    wed: OpenTimes
    thu: OpenTimes
    fri: OpenTimes
    sat: OpenTimes
    sun: OpenTimes


class ClinicOut(Answer):
    """The clinic. `state` decides which public holidays are kept; null: none."""

    name: str
    time_zone: str
    state: str | None
    hours: Hours
    closed_days: list[Day]

    @classmethod
    def of(cls, view: ClinicView) -> Self:
        return cls(
            name=view.name,
            time_zone=view.time_zone,
            state=view.state,
            hours=Hours(**dict(view.hours)),
            closed_days=list(view.closed_days),
        )


class HoursIn(Asked):
    """All seven days, as in the answer."""

    mon: AskedTimes
    tue: AskedTimes
    wed: AskedTimes
    thu: AskedTimes
    fri: AskedTimes
    sat: AskedTimes
    sun: AskedTimes


class ClinicChange(Change):
    """What to change; what is not mentioned stays. `state: null` keeps no public holidays."""

    name: ClinicName = NOT_SENT
    time_zone: Zone = NOT_SENT
    state: Literal["ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"] | None = NOT_SENT
    hours: HoursIn = NOT_SENT
    closed_days: Annotated[list[AskedDay], Field(max_length=MAX_CLOSED_DAYS)] = NOT_SENT


class Snoozed(Answer):
    """Messages about an incident are held back: until when, by whom, why."""

    until: datetime
    by: str | None
    reason: str | None


class IncidentOut(Answer):
    """A condition that people were told of. `path` is the page with the step that fixes it; `ended_at` null: it goes on."""

    id: int
    subject: str
    connection_id: int | None
    name: str
    code: str
    message: str
    advice: str
    severity: Literal["low", "medium", "high"]
    started_at: datetime
    ended_at: datetime | None
    failures: int
    snoozed: Snoozed | None
    path: str

    @classmethod
    def of(cls, view: IncidentView, zone: str) -> Self:
        return cls.model_validate(
            {
                "id": view.id,
                "subject": view.subject,
                "connection_id": view.connection_id,
                "name": view.name,
                "code": view.code,
                "message": view.message,
                "advice": view.advice,
                "severity": view.severity,
                "started_at": local(view.started_at, zone),
                "ended_at": local_or_none(view.ended_at, zone),
                "failures": view.failures,
                "snoozed": {
                    "until": local(view.snoozed_until, zone),
                    "by": view.snoozed_by,
                    "reason": view.snoozed_reason,
                }
                if view.snoozed_until
                else None,
                "path": view.path,
            }
        )


class IncidentsAsked(AskedInAddress):
    """open: what goes on now, gravest first. all: newest first, ended ones too, in pages."""

    state: Literal["open", "all"] = "open"
    limit: Annotated[int, Field(ge=1, le=LIMIT)] = 50
    cursor: Cursor | None = None


class IncidentList(Answer):
    """Incidents and the cursor of the next page."""

    items: list[IncidentOut]
    next: str | None = None

    @classmethod
    def of(cls, views: Sequence[IncidentView], zone: str, *, full_at: int | None = None) -> Self:
        more = str(views[-1].id) if full_at is not None and len(views) == full_at else None
        return cls(items=[IncidentOut.of(view, zone) for view in views], next=more)


class SnoozeIn(Asked):
    """Until when (at most seven days ahead) and why; `until: null` ends a snooze."""

    until: Instant | None
    reason: Reason | None = None


class DeliveryOut(Answer):
    """One message to one channel. `channel` names its kind, never its address."""

    id: int
    incident_id: int | None
    kind: str
    channel: str
    title: str
    at: datetime
    state: Literal["delivered", "waiting", "failed"]
    tries: int
    next_try_at: datetime | None
    note: str | None

    @classmethod
    def of(cls, view: Delivery, zone: str) -> Self:
        return cls.model_validate(
            {
                "id": view.id,
                "incident_id": view.incident_id,
                "kind": view.kind,
                "channel": view.channel,
                "title": view.title,
                "at": local(view.at, zone),
                "state": view.state,
                "tries": view.tries,
                "next_try_at": local_or_none(view.next_try_at, zone),
                "note": view.note,
            }
        )


class DeliveriesAsked(AskedInAddress):
    """Which part of the log, newest first."""

    limit: Annotated[int, Field(ge=1, le=LIMIT)] = 50
    cursor: Cursor | None = None


class DeliveryList(Answer):
    """Messages and the cursor of the next page."""

    items: list[DeliveryOut]
    next: str | None = None

    @classmethod
    def of(cls, views: Sequence[Delivery], zone: str, *, full_at: int | None = None) -> Self:
        more = str(views[-1].id) if full_at is not None and len(views) == full_at else None
        return cls(items=[DeliveryOut.of(view, zone) for view in views], next=more)
