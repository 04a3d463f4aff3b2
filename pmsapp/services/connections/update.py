"""Changing a connection: its name, login, zone, rhythm, pause, and whether it is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from pmsapp import clock
from pmsapp.adapters.base import AdapterInfo, ConnectionCheck
from pmsapp.adapters.registry import get_info
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain import sync_state
from pmsapp.domain.actor import Actor
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import input as connection_input
from pmsapp.services.connections import reconnect, same_practice
from pmsapp.services.connections.input import Findings, Pause
from pmsapp.services.connections.rows import forget_error, get_row, learn
from pmsapp.services.connections.views import ConnectionView, view_of
from pmsapp.services.runs import planning
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sheet import questions
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import credential_check
from pmsapp.services.vendors.adapters import ConnectionValues
from pmsapp.services.vendors.readiness import require_ready


class Unchanged(Enum):
    """Stands for "not mentioned" where None means "take it away"."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


# Columns whose change is worth a row of the log, and those that move the next run.
_AUDITED = (
    "display_name",
    "time_zone",
    "sync_frequency_minutes",
    "sync_telehealth_only",
    "sync_enabled",
    "paused_until",
    "paused_reason",
)
_PLANNED = {"paused_until", "sync_enabled", "sync_frequency_minutes"}


@dataclass(frozen=True, slots=True, repr=False)
class _Changes:
    """What an update asks for, checked. None: not mentioned."""

    columns: Mapping[str, Any]
    login: Mapping[str, str] | None
    found: ConnectionCheck | None
    sync_enabled: bool | None
    reason: str | None
    paused: Pause | None | Unchanged


def update_connection(
    connection_id: int,
    actor: Actor,
    *,
    display_name: str | None = None,
    credentials: Mapping[str, str] | None = None,
    time_zone: str | None = None,
    sync_enabled: bool | None = None,
    reason: str | None = None,
    sync_frequency_minutes: int | None = None,
    sync_telehealth_only: bool | None = None,
    paused: Pause | None | Unchanged = UNCHANGED,
) -> ConnectionView:
    """Change what is given (None: left alone; `paused=None` ends a pause).

    A new login (given fields over the stored ones) is tried live first, must open the same practice, and replaces
    the token at once. Switching updates on ends set-up and starts a run; so does a login that heals a connection.
    Switching them off needs `reason` and lasts as long as the longest pause. Nothing is audited when nothing changed.
    Raises NotFound, Invalid, Refused, Conflict NOT-PAIRED or NO-LOGIN (not ready to be switched on), and
    PracticeConnected when the login opens the practice of another connection.
    """
    with reading() as session:
        info = get_info(get_row(session, connection_id).pms_type)
    findings = Findings()
    columns: dict[str, Any] = {
        "display_name": connection_input.check_text(
            findings, "display_name", display_name, connection_input.MAX_NAME_CHARS
        ),
        "time_zone": connection_input.check_zone(findings, time_zone),
        "sync_frequency_minutes": sync_frequency_minutes,
        "sync_telehealth_only": sync_telehealth_only,
    }
    if sync_frequency_minutes is not None:
        connection_input.check_frequency(findings, sync_frequency_minutes)
    if isinstance(paused, Pause):
        paused = connection_input.check_pause(findings, paused)
    if sync_enabled is False:
        reason = connection_input.check_reason(findings, "reason", reason)
    elif reason is not None:
        findings.add("reason", "A reason belongs to switching updates off; a pause has its own.")
    values = _values_with(connection_id, info, credentials, findings) if credentials else None
    findings.raise_any()
    found = credential_check.verify(values) if values else None
    changes = _Changes(
        columns={name: value for name, value in columns.items() if value is not None},
        login=values.credentials if values else None,
        found=found,
        sync_enabled=sync_enabled,
        reason=reason,
        paused=paused,
    )
    view, wants_run = _apply(connection_id, actor, info, changes)
    if wants_run:
        run_requests.start(connection_id, actor)
    return view


def _values_with(
    connection_id: int, info: AdapterInfo, given: Mapping[str, str], findings: Findings
) -> ConnectionValues:
    """The connection with the given login fields over the stored ones; a stored login that does not open counts for nothing."""
    with reading() as session:
        row = get_row(session, connection_id)
        try:
            stored = encrypted_columns.open_credentials(key_ring(), row)
        except CipherError:
            stored = {}
    known = {**vendor_adapters.filled_credentials(info, {}), **stored}
    login = {**stored, **connection_input.check_credentials(findings, info, given, known)}
    return ConnectionValues(
        pms_type=row.pms_type,
        credentials=login,
        tenant_id=row.tenant_id,
        practice_id=row.practice_id,
        organization_id=row.organization_id,
    )


def _apply(
    connection_id: int, actor: Actor, info: AdapterInfo, changes: _Changes
) -> tuple[ConnectionView, bool]:
    """Write an update. Returns the view, and whether a run should start."""
    now = clock.now()
    with writing() as session:
        row = get_row(session, connection_id, lock=True)
        before = {name: getattr(row, name) for name in _AUDITED}
        for name in {"time_zone", "sync_telehealth_only"} & changes.columns.keys():
            if getattr(row, name) != changes.columns[name]:
                row.config_version += 1
        for name, value in changes.columns.items():
            setattr(row, name, value)
        if "time_zone" in changes.columns:
            row.time_zone_chosen = True
        healed = _apply_login(row, info, changes) if changes.login is not None else False
        resumed = False
        if not isinstance(changes.paused, Unchanged):
            resumed = _apply_pause(row, actor, changes.paused, now)
        switched_on = False
        if changes.sync_enabled is not None:
            ends_setup = changes.sync_enabled and row.state == ConnectionState.SETUP
            switched_on = _switch(row, actor, changes, now)
            if ends_setup:
                questions.ask_about_undecided(session, row.id, now)
        changed = sorted(name for name in _AUDITED if getattr(row, name) != before[name])
        if _PLANNED & {*changed, *changes.columns}:
            planning.plan_next(session, row, now)
        if resumed and row.sync_enabled:
            row.next_sync_at, row.next_sync_reason = now, "the pause has ended"
        named = changed + (["login"] if changes.login is not None else [])
        if named:
            row.updated_at = now
        session.flush()
        if changes.found is not None:
            same_practice.claim(session, row)
            reconnect.take_back(session, row, now)
        if named:
            detail: dict[str, Any] = {"fields": sorted(named)}
            if "sync_enabled" in changed:
                detail["sync_enabled"] = row.sync_enabled
            if "paused_until" in changed:
                detail["paused_until"] = row.paused_until and row.paused_until.isoformat()
            audit.record(session, actor, "connection.changed", f"connection:{row.id}", detail)
        wants_run = row.sync_enabled and (switched_on or healed)
        return view_of(session, row), wants_run


def _apply_login(row: PMSConnection, info: AdapterInfo, changes: _Changes) -> bool:
    """Store a proven login and drop the old token. True when it heals a connection that waited for it."""
    found = changes.found
    if found is not None:
        if same_practice.is_another_practice(row, found):
            raise credential_check.wrong_practice(info.slug, row.practice_name, found.practice_name)
        learn(row, found)
    encrypted_columns.seal_credentials(key_ring(), row, changes.login)
    encrypted_columns.seal_token(key_ring(), row, None, None)
    healed = row.state != ConnectionState.SETUP and row.last_error_code is not None
    forget_error(row)
    return healed


def _apply_pause(row: PMSConnection, actor: Actor, pause: Pause | None, now: datetime) -> bool:
    """Pause, or end a pause. True when one has ended here. What is switched off stays so until it is switched on."""
    was_paused = sync_state.is_paused(row.paused_until, now)
    if pause is None:
        if row.sync_enabled or row.state == ConnectionState.SETUP:
            _set_pause(row, None)
            return was_paused
        return False
    if (pause.until, pause.reason) != (row.paused_until, row.paused_reason):
        _set_pause(row, (pause.until, actor.name, pause.reason))
    return False


def _set_pause(row: PMSConnection, pause: tuple[datetime, str, str | None] | None) -> None:
    row.paused_until, row.paused_by, row.paused_reason = pause or (None, None, None)


def _switch(row: PMSConnection, actor: Actor, changes: _Changes, now: datetime) -> bool:
    """Switch updates on or off. True when they were off until now. Raises Conflict when it cannot work yet.

    Off is for a time, with who and why, like a pause; a connection in set-up has never been on.
    """
    if not changes.sync_enabled:
        if row.sync_enabled:
            _set_pause(row, (now + connection_input.LONGEST_PAUSE, actor.name, changes.reason))
        row.sync_enabled = False
        row.next_sync_at = None
        return False
    require_ready(row)
    was_off = not row.sync_enabled
    if was_off and not isinstance(changes.paused, Pause):
        _set_pause(row, None)
    row.sync_enabled = True
    if row.state == ConnectionState.SETUP:
        state = sync_state.state_after_error(row.last_error_code) if row.last_error_code else None
        row.state = (state or ConnectionState.OK).value
    return was_off
