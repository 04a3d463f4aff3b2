"""Connections: list and add; changing, pairing, testing and taking away come from the modules imported here.

A login is tried against the vendor before it is stored; the network is never inside a transaction; what changed
is audited in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Mapping

from pmsapp import clock
from pmsapp.adapters.base import AdapterInfo, ConnectionCheck, Pairing
from pmsapp.domain.actor import Actor
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic, snapshot
from pmsapp.services.connections import input as connection_input
from pmsapp.services.connections import reconnect, same_practice
from pmsapp.services.connections.check import CheckResult, check
from pmsapp.services.connections.disconnect import CARDS_CHOICES, delete_connection
from pmsapp.services.connections.input import Findings, Pause
from pmsapp.services.connections.pairing import Paired, pair, pair_unsaved, tidy_code
from pmsapp.services.connections.rows import get_row
from pmsapp.services.connections.same_practice import PracticeConnected
from pmsapp.services.connections.update import UNCHANGED, Unchanged, update_connection
from pmsapp.services.connections.views import (
    ConnectionCounts,
    ConnectionView,
    ErrorView,
    PauseView,
    view_of,
    views_in,
)
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import credential_check
from pmsapp.services.vendors.adapters import ConnectionValues

__all__ = [
    "CARDS_CHOICES",
    "UNCHANGED",
    "CheckResult",
    "ConnectionCounts",
    "ConnectionView",
    "ErrorView",
    "Paired",
    "Pause",
    "PauseView",
    "PracticeConnected",
    "Unchanged",
    "check",
    "create_connection",
    "delete_connection",
    "get_connection",
    "list_connections",
    "pair",
    "update_connection",
    "views_in",
]


def list_connections() -> list[ConnectionView]:
    """Every connection, in the order they were added."""
    with reading() as session:
        now = clock.now()
        return views_in(snapshot.load(session, now), now)


def get_connection(connection_id: int) -> ConnectionView:
    """One connection. Raises NotFound."""
    with reading() as session:
        return view_of(session, get_row(session, connection_id))


def create_connection(
    actor: Actor,
    *,
    pms_type: str,
    display_name: str | None = None,
    credentials: Mapping[str, str] | None = None,
    practice_id: str | None = None,
    organization_id: str | None = None,
    time_zone: str | None = None,
    pairing_code: str | None = None,
) -> ConnectionView:
    """Add a connection in state setup. A login that is given is tried live first; one that is empty but for what
    the server's settings supply is given too, and None is none yet.

    Raises Invalid (bad fields), Refused (the vendor's no, with its code) and PracticeConnected (another connection
    reads that practice); nothing is stored then. The time zone is the one given, else the vendor's, else the clinic's.
    `pairing_code` is consumed once the login is accepted.
    """
    info = connection_input.known_vendor(pms_type)
    findings = Findings()
    columns = {
        "display_name": connection_input.check_text(
            findings, "display_name", display_name, connection_input.MAX_NAME_CHARS
        ),
        "practice_id": connection_input.check_text(
            findings, "practice_id", practice_id, connection_input.MAX_ID_CHARS
        ),
        "organization_id": connection_input.check_text(
            findings, "organization_id", organization_id, connection_input.MAX_ID_CHARS
        ),
    }
    connection_input.check_zone(findings, time_zone)
    login: dict[str, str] = {}
    if credentials is not None:
        known = vendor_adapters.filled_credentials(info, {})
        login = connection_input.check_credentials(findings, info, credentials, known)
    connection_input.check_columns(findings, info, columns)
    findings.raise_any()
    if pairing_code is not None:
        pairing_code = tidy_code(pairing_code)
    found: ConnectionCheck | None = None
    pairing: Pairing | None = None
    if credentials is not None:
        values = ConnectionValues(
            pms_type, login, practice_id=columns["practice_id"], organization_id=columns["organization_id"]
        )
        found = credential_check.verify(values)
        if pairing_code is not None:
            pairing, found = pair_unsaved(values, pairing_code)
    return _insert(actor, info, columns, login, time_zone, found, pairing)


def _insert(
    actor: Actor,
    info: AdapterInfo,
    columns: Mapping[str, str | None],
    login: Mapping[str, str],
    time_zone: str | None,
    found: ConnectionCheck | None,
    pairing: Pairing | None = None,
) -> ConnectionView:
    now = clock.now()
    practice_name = (found and found.practice_name) or (pairing and pairing.practice_name)
    named_zone = (found and found.time_zone) or (pairing and pairing.time_zone)
    with writing() as session:
        row = PMSConnection(
            pms_type=info.slug,
            display_name=columns["display_name"] or practice_name or info.label,
            practice_name=practice_name,
            tenant_id=pairing.tenant_id if pairing else None,
            practice_id=columns["practice_id"],
            organization_id=columns["organization_id"],
            practice_fingerprint=found.practice_fingerprint if found else None,
            practice_marks=sorted(found.practice_marks) or None if found else None,
            time_zone=time_zone or named_zone or clinic.time_zone(session),
            time_zone_chosen=time_zone is not None,
            secret_uid=encrypted_columns.new_uid(),
            state=ConnectionState.SETUP.value,
            created_at=now,
            updated_at=now,
        )
        encrypted_columns.seal_credentials(key_ring(), row, login)
        same_practice.claim(session, row)
        session.add(row)
        session.flush()
        taken_back = reconnect.take_back(session, row, now)
        audit.record(
            session,
            actor,
            "connection.created",
            f"connection:{row.id}",
            {"pms_type": info.slug, "login": sorted(login), "cards_taken_back": taken_back},
        )
        return view_of(session, row)
