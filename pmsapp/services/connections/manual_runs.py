"""Asking for runs by hand: of one connection once it can be read, or of every enabled one."""

from __future__ import annotations

from datetime import date, timedelta

from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.rows import get_row, require_ready
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.requests import RunRequest

# A day further away than this is a slip of the keyboard.
FURTHEST_DAYS = 366


def for_connection(
    connection_id: int, actor: Actor, *, day: date | None = None, dry_run: bool = False
) -> RunRequest:
    """Ask for a run of one connection, enabled or still in set-up.

    Raises NotFound, Invalid, and Conflict NOT-PAIRED or AUTH-REFUSED while there is nothing to read with.
    """
    _check_day(day)
    with reading() as session:
        row = get_row(session, connection_id)
        require_ready(row, get_info(row.pms_type))
    return run_requests.request_run(
        connection_id, day=day, dry_run=dry_run, trigger=_trigger(actor), actor=actor
    )


def for_all(actor: Actor, *, day: date | None = None) -> list[tuple[int, RunRequest]]:
    """Ask for a run of every enabled connection: (connection id, its run). Raises Invalid."""
    _check_day(day)
    return [
        (view.id, run_requests.request_run(view.id, day=day, trigger=_trigger(actor), actor=actor))
        for view in connections.list_connections()
        if view.sync_enabled
    ]


def _trigger(actor: Actor) -> str:
    """How the history calls it: a program's run or a person's."""
    return "api" if actor.kind == "token" else "manual"


def _check_day(day: date | None) -> None:
    if day is not None and abs(day - clinic.today()) > timedelta(days=FURTHEST_DAYS):
        raise Invalid({"date": "Choose a day at most a year away."})
