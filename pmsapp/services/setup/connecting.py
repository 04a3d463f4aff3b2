"""Step 2 of a set-up: try what was typed, keep it for the next try, and say who answered before anything goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pmsapp import clock
from pmsapp.adapters.base import AdapterInfo
from pmsapp.domain.actor import Actor
from pmsapp.services.base.errors import Invalid
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.connections.pairing import tidy_code
from pmsapp.services.matching import live_lists
from pmsapp.services.setup import drafts, survey
from pmsapp.services.setup.drafts import DraftView

PAIRING_CODE = "pairing_code"
_OTHERS = ("display_name", "time_zone")


def form_fields(info: AdapterInfo) -> tuple[str, ...]:
    """The names of everything the connect form asks for."""
    code = (PAIRING_CODE,) if info.capabilities.pairing else ()
    return (*(field.name for field in info.credential_fields), *code, *_OTHERS)


def keep_typed(info: AdapterInfo, typed: Mapping[str, str], actor: Actor) -> DraftView:
    """Keep what was typed over what was typed before.

    A secret left empty stays, and so does all of it in an empty form; a secret of blanks alone is none.
    """
    before = drafts.of_vendor(info.slug)
    known = dict(before.fields) if before else {}
    given = {name: typed.get(name, "").strip() for name in form_fields(info)}
    secrets = {field.name for field in info.credential_fields if field.secret}
    is_empty = not any(text for name, text in given.items() if name not in _OTHERS)
    for name, text in given.items():
        if text:
            known[name] = text
        elif typed.get(name) or (name not in secrets and not is_empty):
            known.pop(name, None)
    return drafts.keep_fields(info.slug, known, actor)


def connect(info: AdapterInfo, draft: DraftView, actor: Actor, *, with_code: bool = True) -> ConnectionView:
    """Try what the draft holds, the code's shape first; a practice that answers becomes a connection in set-up.

    `with_code` False: the login alone, for a form without a code; that is asked for next. Raises Invalid, Refused and Conflict as `create_connection` does; then nothing but the draft is kept.
    """
    fields = draft.fields
    code = _code(info, fields) if with_code else None
    login = {
        field.name: fields[field.name]
        for field in info.credential_fields
        if field.goes_to == "credentials" and field.name in fields
    }
    columns = {
        field.goes_to: fields.get(field.name)
        for field in info.credential_fields
        if field.goes_to != "credentials"
    }
    view = connections.create_connection(
        actor,
        pms_type=info.slug,
        display_name=fields.get("display_name"),
        credentials=login,
        practice_id=columns.get("practice_id"),
        organization_id=columns.get("organization_id"),
        time_zone=fields.get("time_zone"),
        pairing_code=code,
    )
    drafts.attach(draft.id, view.id, {}, actor)
    if view.needs_pairing:
        return view
    look(view.id, actor)
    return connections.get_connection(view.id)


def look(connection_id: int, actor: Actor) -> None:
    """Ask who answers and what lies ahead, and keep it with the draft."""
    started_s = clock.monotonic_s()
    check = connections.check(connection_id, actor)
    took_ms = round((clock.monotonic_s() - started_s) * 1000)
    live_lists.forget(connection_id)
    found: dict[str, Any] = {"check": {**asdict(check), "took_ms": took_ms}}
    found["ahead"] = survey.read(connection_id) if check.healthy else None
    drafts.keep(connection_id, actor, found=found)


def use_zone(connection_id: int, zone: str, actor: Actor) -> None:
    """The times read wrong: read them in another zone. Raises Invalid."""
    connections.update_connection(connection_id, actor, time_zone=zone)
    look(connection_id, actor)


def not_ours(connection_id: int, actor: Actor) -> str:
    """It is another practice: take the connection away again. Returns the vendor to start over with."""
    view = connections.get_connection(connection_id)
    draft = drafts.of_connection(connection_id)
    if draft is not None:
        drafts.throw_away(draft.id, actor)
    else:
        connections.delete_connection(connection_id, actor=actor)
    return view.pms_type


def _code(info: AdapterInfo, fields: Mapping[str, str]) -> str | None:
    """The pairing code, where there is one to ask for; its shape is checked before anything is sent. Raises Invalid."""
    if not info.capabilities.pairing:
        return None
    if not fields.get(PAIRING_CODE):
        raise Invalid({PAIRING_CODE: "Enter the pairing code."})
    return tidy_code(fields[PAIRING_CODE])
