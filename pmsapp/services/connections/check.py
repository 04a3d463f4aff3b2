"""Testing a connection: who answers, how fast, with which clock. Uses the stored token."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from pmsapp import clock
from pmsapp.adapters.base import ConnectionCheck
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import clocks_differ
from pmsapp.domain.errors import PMSError, ReconnectRequiredError
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import reconnect, same_practice
from pmsapp.services.connections.rows import forget_error, get_row, learn, note_error
from pmsapp.services.runs import planning
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import credential_check


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a test found. `code` is None when healthy, or CLOCK where the two clocks differ; `message` is one or more sentences for the person.

    `clock_skew_s`: the vendor's clock minus ours; None when it sent none. `can_read`: permission -> may be read.
    """

    healthy: bool
    code: str | None
    message: str
    latency_ms: int
    practice_name: str | None
    time_zone: str | None
    practitioners: int | None
    clock_skew_s: float | None
    can_read: dict[str, bool]


def check(connection_id: int, actor: Actor) -> CheckResult:
    """Ask the vendor who we are talking to, and note what came of it. Raises NotFound only."""
    with reading() as session:
        before = get_row(session, connection_id)
    label = get_info(before.pms_type).label
    started_s = clock.monotonic_s()
    try:
        found = _ask(connection_id, before)
    except PMSError as error:
        latency_ms = _ms_since(started_s)
        _note(connection_id, actor, None, error)
        return _unhealthy(before, error, latency_ms)
    latency_ms = _ms_since(started_s)
    if taken := _note(connection_id, actor, found, None):
        return _unhealthy(before, taken, latency_ms)
    return CheckResult(
        healthy=True,
        code="CLOCK" if _is_off(found) else None,
        message=_sentences(label, found),
        latency_ms=latency_ms,
        practice_name=found.practice_name or before.practice_name,
        time_zone=found.time_zone or before.time_zone,
        practitioners=found.practitioners,
        clock_skew_s=round(found.clock_skew_s, 1) if found.clock_skew_s is not None else None,
        can_read=dict(found.can_read),
    )


def _unhealthy(row: PMSConnection, error: PMSError, latency_ms: int) -> CheckResult:
    return CheckResult(
        healthy=False,
        code=error.code,
        message=f"{error.message}. {error.advice}",
        latency_ms=latency_ms,
        practice_name=row.practice_name,
        time_zone=row.time_zone,
        practitioners=None,
        clock_skew_s=None,
        can_read={},
    )


def _ask(connection_id: int, row: PMSConnection) -> ConnectionCheck:
    values = vendor_adapters.without_zone(vendor_adapters.values_of(connection_id))
    adapter = vendor_adapters.build(connection_id, values, deadline=Deadline(credential_check.INTERACTIVE_S))
    with closing(adapter.client):
        found = adapter.check_connection()
    if same_practice.is_another_practice(row, found):
        raise ReconnectRequiredError("AUTH-WRONG-PRACTICE", pms=adapter.info.label)
    return found


def _note(
    connection_id: int, actor: Actor, found: ConnectionCheck | None, error: PMSError | None
) -> PMSError | None:
    """Store what a test found. Returns why it is not well after all: the practice is another connection's."""
    now = clock.now()
    with writing() as session:
        row = get_row(session, connection_id, lock=True)
        first_met = row.practice_fingerprint is None
        if found is not None and first_met:
            error = same_practice.taken_elsewhere(session, row, found)
        if found is not None and error is None:
            learn(row, found)
            row.clock_skew_s = found.clock_skew_s
            if first_met:
                same_practice.claim(session, row)
            if row.state in (ConnectionState.NEEDS_YOU, ConnectionState.SETUP):
                forget_error(row)
                planning.plan_next(session, row, now)
            if first_met:
                session.flush()
                reconnect.take_back(session, row, now)
        if error is not None:
            note_error(row, error)
        audit.record(
            session,
            actor,
            "connection.tested",
            f"connection:{connection_id}",
            {"code": error.code if error else None},
        )
    return error


def _sentences(label: str, found: ConnectionCheck) -> str:
    parts = [f"{label} answered for {found.practice_name}." if found.practice_name else f"{label} answered."]
    if _is_off(found):
        minutes = round(abs(found.clock_skew_s or 0.0) / 60)
        parts.append(f"Its clock and this server's differ by {minutes} min; logins may fail.")
    return " ".join([*parts, *found.warnings])


def _is_off(found: ConnectionCheck) -> bool:
    return clocks_differ(found.clock_skew_s)


def _ms_since(started_s: float) -> int:
    return round((clock.monotonic_s() - started_s) * 1000)
