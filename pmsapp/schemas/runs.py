"""Runs: asked for, in progress, over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date as Day  # noqa: N812 - a field is called date
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from pmsapp.domain.errors import message_for
from pmsapp.domain.sync_state import ConnectionState, RunStatus
from pmsapp.schemas.base import Answer, Asked, AskedInAddress, is_none, local, local_or_none
from pmsapp.schemas.connections import ErrorOut
from pmsapp.schemas.fields import Cursor
from pmsapp.schemas.fields import Day as AskedDay
from pmsapp.services.connections.status_summary import StatusSummary
from pmsapp.services.runs.history import (
    PAGE_SIZE,
    PAGE_SIZE_LIMIT,
    RunPage,
    RunView,
    ScopeView,
)
from pmsapp.services.runs.requests import RunRequest


class Counts(Answer):
    """fetched = created + updated + unchanged + skipped + failed; removed and held count stored cards."""

    fetched: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    removed: int
    held: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Self:
        return cls(**{name: counts.get(name, 0) for name in cls.model_fields})


class Scope(Answer):
    """One practitioner-day of a run."""

    pms_practitioner_id: str | None
    name: str | None
    date: Day
    outcome: Literal["complete", "incomplete", "failed"]
    counts: Counts
    error_code: str | None

    @classmethod
    def of(cls, view: ScopeView) -> Self:
        return cls.model_validate(
            {
                "pms_practitioner_id": view.pms_practitioner_id,
                "name": view.name,
                "date": view.date,
                "outcome": view.outcome,
                "counts": Counts.of(view.counts),
                "error_code": view.error_code,
            }
        )


class Run(Answer):
    """One reading of a practice. Only where there is something to say: `progress`, `preview` (dry run), `note`."""

    id: int
    sync_type: str
    dry_run: bool
    trigger: str
    actor: str | None
    dates: list[Day]
    not_before: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    status: RunStatus
    counts: Counts
    scopes: list[Scope]
    error: ErrorOut | None
    progress: Annotated[dict[str, Any] | None, Field(exclude_if=is_none)] = None
    preview: Annotated[Any, Field(exclude_if=is_none)] = None
    note: Annotated[str | None, Field(exclude_if=is_none)] = None

    @classmethod
    def of(cls, view: RunView, zone: str, *, with_patients: bool = False) -> Self:
        return cls(
            id=view.id,
            sync_type=view.sync_type,
            dry_run=view.dry_run,
            trigger=view.trigger,
            actor=view.actor,
            dates=list(view.dates),
            not_before=local_or_none(view.not_before, zone),
            started_at=local_or_none(view.started_at, zone),
            completed_at=local_or_none(view.completed_at, zone),
            status=RunStatus(view.status),
            counts=Counts.of(view.counts),
            scopes=[Scope.of(scope) for scope in view.scopes],
            error=_error(view.error) if view.error else None,
            progress=view.progress if not view.is_over else None,
            preview=_preview(view.preview, zone) if with_patients and view.preview else None,
            note=view.note,
        )


def _preview(stored: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """What a dry run found, its instants with the clinic's offset like all others."""

    def shown(card: Mapping[str, Any]) -> dict[str, Any]:
        start_at = card["start_at"]
        return {
            **card,
            "start_at": local(datetime.fromisoformat(start_at), zone).isoformat() if start_at else None,
        }

    return {"changes": stored["changes"], "cards": [shown(card) for card in stored["cards"]]}


def _error(error: tuple[str, str]) -> ErrorOut:
    code, message = error
    return ErrorOut(code=code, message=message or message_for(code, "the practice software"))


class RunList(Answer):
    """Newest first; `next` is the cursor of the following page."""

    current: Run | None
    items: list[Run]
    next: str | None

    @classmethod
    def of(cls, page: RunPage, zone: str, *, with_patients: bool = False) -> Self:
        return cls(
            current=Run.of(page.current, zone, with_patients=with_patients) if page.current else None,
            items=[Run.of(view, zone, with_patients=with_patients) for view in page.items],
            next=str(page.next) if page.next is not None else None,
        )


def _usual_for_blank(value: Any) -> Any:
    return PAGE_SIZE if value == "" else value


class RunsAsked(AskedInAddress):
    """Which page of the history."""

    limit: Annotated[int, BeforeValidator(_usual_for_blank), Field(ge=1, le=PAGE_SIZE_LIMIT)] = PAGE_SIZE
    cursor: Cursor | None = None


class RunAsked(Asked):
    """Which day to read (today and the look-ahead when none is named), and whether only to look."""

    date: AskedDay | None = None
    dry_run: bool = False


class DayAsked(Asked):
    """Which day to read; today and the look-ahead when none is named."""

    date: AskedDay | None = None


class RunAccepted(Answer):
    """The run that answers. `created` false: it joined one; `not_before`: the vendor asked us to wait."""

    sync_id: int
    created: bool
    not_before: datetime | None

    @classmethod
    def of(cls, request: RunRequest, zone: str) -> Self:
        return cls(
            sync_id=request.sync_id,
            created=request.created,
            not_before=local_or_none(request.not_before, zone),
        )


class ConnectionRun(Answer):
    """The run of one connection. `not_before`: the vendor asked us to wait."""

    connection_id: int
    sync_id: int
    created: bool
    not_before: datetime | None


class RunsAccepted(Answer):
    """A run per enabled connection."""

    items: list[ConnectionRun]
    next: str | None = None

    @classmethod
    def of(cls, requests: Sequence[tuple[int, RunRequest]], zone: str) -> Self:
        return cls(
            items=[
                ConnectionRun(
                    connection_id=connection_id,
                    sync_id=request.sync_id,
                    created=request.created,
                    not_before=local_or_none(request.not_before, zone),
                )
                for connection_id, request in requests
            ]
        )


class ConnectionStanding(Answer):
    """One connection in short; `current` is the run in progress or queued."""

    id: int
    state: ConnectionState
    as_of: datetime | None
    next_sync_at: datetime | None
    current: Run | None


class OverallStanding(Answer):
    """How updating stands altogether: the most serious state counts."""

    state: ConnectionState
    connections: list[ConnectionStanding]

    @classmethod
    def of(cls, overall: StatusSummary, zone: str) -> Self:
        return cls(
            state=overall.state,
            connections=[
                ConnectionStanding(
                    id=view.id,
                    state=view.state,
                    as_of=local_or_none(view.freshness.as_of, zone),
                    next_sync_at=local_or_none(view.next_sync_at, zone),
                    current=Run.of(run, zone) if run else None,
                )
                for view, run in overall.connections
            ],
        )
