"""Consuming a pairing code. A code works once, so what it opened is stored whatever else fails."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace

from pmsapp import clock
from pmsapp.adapters.base import ConnectionCheck, Pairing
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import PMSError
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import reconnect, same_practice
from pmsapp.services.connections.rows import forget_error, get_row, learn
from pmsapp.services.runs import planning
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import credential_check
from pmsapp.services.vendors.adapters import ConnectionValues

CODE_CHARS = 8
MAX_CODE_CHARS = 64


@dataclass(frozen=True, slots=True)
class Paired:
    """The practice a code opened."""

    tenant_id: str
    practice_name: str | None
    time_zone: str


def pair(connection_id: int, code: str, actor: Actor) -> Paired:
    """Consume a pairing code and keep the practice it opens.

    Raises NotFound, Invalid, Conflict PAIR-USED, Refused with the catalogue's code. A code of another practice than
    the one this connection is for is refused with AUTH-WRONG-PRACTICE, one of a practice that another connection
    reads with PracticeConnected; then nothing is saved.
    """
    code = tidy_code(code)
    with reading() as session:
        before = get_row(session, connection_id)
    try:
        values = vendor_adapters.values_of(connection_id)
        pairing = _consume(connection_id, values, code)
    except PMSError as error:
        if error.code == "PAIR-USED":
            raise Conflict(error.code, error.message) from error
        raise credential_check.refusal(error) from error
    if before.tenant_id is not None and before.tenant_id != pairing.tenant_id:
        raise credential_check.wrong_practice(before.pms_type, before.practice_name, pairing.practice_name)
    found = _ask_who(connection_id, replace(values, tenant_id=pairing.tenant_id, time_zone=None))
    paired, wants_run = _store(connection_id, actor, pairing, found)
    if wants_run:
        run_requests.start(connection_id, actor)
    return paired


def tidy_code(code: str) -> str:
    """The code as the vendor wrote it: without spaces, and without dashes that only group its characters.

    Raises Invalid when nothing, or something far too long, is left.
    """
    text = re.sub(r"\s+", "", code)
    if len(text.replace("-", "")) == CODE_CHARS:
        text = text.replace("-", "")
    if not text or len(text) > MAX_CODE_CHARS or not text.isprintable():
        raise Invalid({"pairing_code": f"A pairing code has {CODE_CHARS} characters."})
    return text


def _consume(connection_id: int, values: ConnectionValues, code: str) -> Pairing:
    adapter = vendor_adapters.build(connection_id, values, deadline=Deadline(credential_check.INTERACTIVE_S))
    with closing(adapter.client):
        return adapter.pair(code)


def _ask_who(connection_id: int, values: ConnectionValues) -> ConnectionCheck | None:
    """Who the practice is. The code is spent, so a failure here leaves it for the next test to learn."""
    adapter = vendor_adapters.build(connection_id, values, deadline=Deadline(credential_check.INTERACTIVE_S))
    with closing(adapter.client):
        try:
            return adapter.check_connection()
        except PMSError:
            return None


def _store(
    connection_id: int, actor: Actor, pairing: Pairing, found: ConnectionCheck | None
) -> tuple[Paired, bool]:
    now = clock.now()
    with writing() as session:
        row = get_row(session, connection_id, lock=True)
        other = row.tenant_id is not None and row.tenant_id != pairing.tenant_id
        if other or (found is not None and same_practice.is_another_practice(row, found)):
            raise credential_check.wrong_practice(row.pms_type, row.practice_name, pairing.practice_name)
        row.tenant_id = pairing.tenant_id
        row.practice_name = pairing.practice_name or row.practice_name
        if row.display_name == get_info(row.pms_type).label and pairing.practice_name:
            row.display_name = pairing.practice_name
        if pairing.time_zone and not row.time_zone_chosen:
            row.time_zone = pairing.time_zone
        if found is not None:
            learn(row, found)
        same_practice.claim(session, row)
        forget_error(row)
        planning.plan_next(session, row, now)
        row.updated_at = now
        session.flush()
        taken_back = reconnect.take_back(session, row, now)
        audit.record(
            session,
            actor,
            "connection.paired",
            f"connection:{connection_id}",
            {"tenant_id": pairing.tenant_id, "cards_taken_back": taken_back},
        )
        paired = Paired(pairing.tenant_id, row.practice_name, pairing.time_zone or row.time_zone)
        return paired, row.sync_enabled
