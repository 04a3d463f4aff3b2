"""Consuming a pairing code. A code works once, so what it opened is stored whatever else fails."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace

from pmsapp import clock
from pmsapp.adapters.base import Adapter, ConnectionCheck, Pairing
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import PMSError
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, Refused
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import reconnect, same_practice
from pmsapp.services.connections.rows import forget_error, get_row, learn
from pmsapp.services.runs import planning
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import credential_check
from pmsapp.services.vendors.adapters import ConnectionValues

CODE_CHARS = 8
# Gentu's own description also speaks of a longer form.
_IS_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


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
        raise _no(error) from error
    if before.tenant_id is not None and before.tenant_id != pairing.tenant_id:
        raise credential_check.wrong_practice(before.pms_type, before.practice_name, pairing.practice_name)
    found = _ask_who(connection_id, replace(values, tenant_id=pairing.tenant_id, time_zone=None))
    paired, wants_run = _store(connection_id, actor, pairing, found)
    if wants_run:
        run_requests.start(connection_id, actor)
    return paired


def pair_unsaved(values: ConnectionValues, code: str) -> tuple[Pairing, ConnectionCheck | None]:
    """Consume a code for a login that is not stored yet: the practice it opened, and who that says it is.

    Raises as `pair` does; then nothing is stored.
    """
    adapter = vendor_adapters.adapter_from(values, deadline=Deadline(credential_check.INTERACTIVE_S))
    with closing(adapter.client):
        try:
            pairing = _in_any_case(adapter, tidy_code(code))
        except PMSError as error:
            raise _no(error) from error
    named = replace(values, tenant_id=pairing.tenant_id, time_zone=None)
    asked = vendor_adapters.adapter_from(named, deadline=Deadline(credential_check.INTERACTIVE_S))
    with closing(asked.client):
        try:
            return pairing, asked.check_connection()
        except PMSError:
            return pairing, None


def tidy_code(code: str) -> str:
    """The code as the vendor wrote it: without spaces, and without dashes that only group its characters.

    Raises Invalid when it cannot be one: then it is not sent.
    """
    text = re.sub(r"\s+", "", code)
    bare = text.replace("-", "")
    if not bare:
        raise Invalid({"pairing_code": "Enter the pairing code."})
    if _IS_ID.fullmatch(text):
        return text
    if not re.fullmatch("[A-Za-z0-9]*", bare):
        raise Invalid({"pairing_code": "A pairing code has only letters and digits."})
    if len(bare) != CODE_CHARS:
        raise Invalid(
            {"pairing_code": f"A pairing code has {CODE_CHARS} letters and digits; this has {len(bare)}."}
        )
    return bare


def _consume(connection_id: int, values: ConnectionValues, code: str) -> Pairing:
    adapter = vendor_adapters.build(connection_id, values, deadline=Deadline(credential_check.INTERACTIVE_S))
    with closing(adapter.client):
        return _in_any_case(adapter, code)


def _in_any_case(adapter: Adapter, code: str) -> Pairing:
    """The code as it was typed; where that is not known, in small letters. An unknown code is not spent by asking."""
    try:
        return adapter.pair(code)
    except PMSError as error:
        if error.code != "PAIR-UNKNOWN" or code == code.lower():
            raise
    return adapter.pair(code.lower())


def _no(error: PMSError) -> Conflict | Refused:
    """The vendor's no to a code."""
    if error.code == "PAIR-USED":
        return Conflict(error.code, error.message)
    return credential_check.refusal(error)


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
