"""Set-ups that are not finished: how far each has come, what was typed and chosen, and who was there last.

One mechanism for every vendor. Until the login is accepted a draft stands alone, one for each vendor; then it belongs
to its connection, which is in state setup. Any administrator may go on with it; after two weeks it is thrown away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain.actor import SYSTEM, Actor
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection, SetupDraft
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import views as connection_views
from pmsapp.services.connections.connections import ConnectionView, delete_connection
from pmsapp.services.connections.views import SETUP_STEPS

LIFE = timedelta(days=14)
CONNECT, MATCH, TYPES, START = 2, 3, 4, 5
_PAGES = {CONNECT: "found", MATCH: "practitioners", TYPES: "types", START: "start"}


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft as pages use it. `fields`: what was typed, by name, secrets too; never shown and never logged."""

    id: int
    pms_type: str
    label: str
    connection_id: int | None
    step: int
    by: str
    at: datetime
    expires_at: datetime
    found: Mapping[str, Any] | None
    choices: Mapping[str, Any]
    fields: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def href(self) -> str:
        """Where it goes on."""
        if self.connection_id is None:
            return f"/integrations/new/{self.pms_type}"
        return f"/integrations/{self.connection_id}/{_PAGES[self.step]}"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A set-up to go on with: its name, the step that comes next of `steps`, where, and who was there last."""

    name: str
    step: int
    href: str
    by: str | None
    at: datetime | None
    draft_id: int | None
    connection_id: int | None
    steps: int = SETUP_STEPS


def of_vendor(pms_type: str) -> DraftView | None:
    """What was typed for a vendor whose login has not been accepted yet."""
    with reading() as session:
        row = session.scalar(
            select(SetupDraft).where(SetupDraft.pms_type == pms_type, SetupDraft.connection_id.is_(None))
        )
        return _view(row) if row is not None and row.expires_at > clock.now() else None


def of_connection(connection_id: int) -> DraftView | None:
    """How far the set-up of a connection has come; None where nobody has used the pages for it."""
    with reading() as session:
        row = session.scalar(select(SetupDraft).where(SetupDraft.connection_id == connection_id))
        return _view(row) if row is not None else None


def keep_fields(pms_type: str, fields: Mapping[str, str], actor: Actor) -> DraftView:
    """Keep what was typed into a vendor's connect form, sealed, in place of what was typed before."""
    now = clock.now()
    with writing() as session:
        row = session.scalar(
            select(SetupDraft).where(SetupDraft.pms_type == pms_type, SetupDraft.connection_id.is_(None))
        )
        row = row or _new(session, pms_type, None, actor, now)
        _seal(row, fields)
        _touch(row, actor, now)
        session.flush()
        return _view(row)


def attach(draft_id: int, connection_id: int, found: Mapping[str, Any], actor: Actor) -> None:
    """The login was accepted: the draft belongs to its connection now, and what was typed is not needed any more."""
    now = clock.now()
    with writing() as session:
        row = session.get(SetupDraft, draft_id) or _new(
            session, _type_of(session, connection_id), connection_id, actor, now
        )
        row.connection_id, row.found, row.fields_sealed = connection_id, dict(found), None
        _touch(row, actor, now)


def keep(
    connection_id: int,
    actor: Actor,
    *,
    step: int | None = None,
    found: Mapping[str, Any] | None = None,
    choices: Mapping[str, Any] | None = None,
) -> None:
    """Note how far a connection's set-up has come: what is given is kept, the rest stays. `choices`: by step."""
    now = clock.now()
    with writing() as session:
        row = session.scalar(select(SetupDraft).where(SetupDraft.connection_id == connection_id))
        if row is None:
            row = _new(session, _type_of(session, connection_id), connection_id, actor, now)
        row.step = step or row.step
        if found is not None:
            row.found = {**(row.found or {}), **found}
        if choices is not None:
            row.choices = {**row.choices, **choices}
        _touch(row, actor, now)


def end(connection_id: int) -> None:
    """The set-up is finished: nothing of the draft is needed any more."""
    with writing() as session:
        session.execute(delete(SetupDraft).where(SetupDraft.connection_id == connection_id))


def throw_away(draft_id: int, actor: Actor) -> None:
    """Give a set-up up, with the connection it made. Raises NotFound."""
    with reading() as session:
        row = session.get(SetupDraft, draft_id)
        if row is None:
            raise NotFound("set-up")
        connection_id = row.connection_id
        in_setup = connection_id is not None and _in_setup(session, connection_id)
    with writing() as session:
        session.execute(delete(SetupDraft).where(SetupDraft.id == draft_id))
    if connection_id is not None and in_setup:
        delete_connection(connection_id, actor=actor)


def unfinished(listed: tuple[ConnectionView, ...]) -> list[Unfinished]:
    """Every set-up that somebody began and nobody finished, those of programs too; the latest first."""
    now = clock.now()
    with reading() as session:
        rows = session.scalars(select(SetupDraft).where(SetupDraft.expires_at > now)).all()
        drafts = {row.connection_id: _view(row) for row in rows if row.connection_id is not None}
        alone = [_view(row) for row in rows if row.connection_id is None]
    found = [
        Unfinished(begun.label, begun.step, begun.href, begun.by, begun.at, begun.id, None) for begun in alone
    ]
    for view in listed:
        if view.state is not ConnectionState.SETUP:
            continue
        draft = drafts.get(view.id)
        if draft is not None:
            href = f"/integrations/{view.id}/pair" if view.needs_pairing else draft.href
            found.append(
                Unfinished(view.display_name, draft.step, href, draft.by, draft.at, draft.id, view.id)
            )
            continue
        step, touch = connection_views.next_setup_step(view), connection_views.last_touch(view.id)
        by, at = (touch.who, touch.at) if touch else (None, None)
        found.append(Unfinished(view.display_name, step.number, step.href, by, at, None, view.id))
    return sorted(found, key=lambda begun: (begun.at is None, -(begun.at.timestamp() if begun.at else 0)))


def purge() -> int:
    """Throw away what nobody went on with for two weeks. Returns how many."""
    with reading() as session:
        old = session.scalars(select(SetupDraft.id).where(SetupDraft.expires_at <= clock.now())).all()
    for draft_id in old:
        throw_away(draft_id, SYSTEM)
    return len(old)


def context_of(row: SetupDraft) -> str:
    """What a draft's sealed text is bound to."""
    return f"{SetupDraft.__tablename__}|{row.secret_uid}|fields_sealed"


def _new(
    session: Session, pms_type: str, connection_id: int | None, actor: Actor, now: datetime
) -> SetupDraft:
    row = SetupDraft(
        pms_type=pms_type,
        connection_id=connection_id,
        step=CONNECT,
        secret_uid=encrypted_columns.new_uid(),
        choices={},
        started_by=actor.name,
        touched_by=actor.name,
        created_at=now,
        updated_at=now,
        expires_at=now + LIFE,
    )
    session.add(row)
    return row


def _touch(row: SetupDraft, actor: Actor, now: datetime) -> None:
    row.touched_by, row.updated_at, row.expires_at = actor.name, now, now + LIFE


def _seal(row: SetupDraft, fields: Mapping[str, str]) -> None:
    ring = key_ring()
    row.key_id = ring.current_id
    row.fields_sealed = ring.seal(json.dumps(dict(fields), sort_keys=True), context_of(row))


def _opened(row: SetupDraft) -> dict[str, str]:
    """What was typed; nothing where it does not open with this server's key: then it is typed again."""
    if row.fields_sealed is None:
        return {}
    try:
        fields: dict[str, str] = json.loads(key_ring().open(row.fields_sealed, context_of(row)))
    except CipherError:
        return {}
    return fields


def _view(row: SetupDraft) -> DraftView:
    return DraftView(
        id=row.id,
        pms_type=row.pms_type,
        label=get_info(row.pms_type).label,
        connection_id=row.connection_id,
        step=row.step,
        by=row.touched_by,
        at=row.updated_at,
        expires_at=row.expires_at,
        found=row.found,
        choices=row.choices,
        fields=_opened(row),
    )


def _type_of(session: Session, connection_id: int) -> str:
    pms_type = session.scalar(select(PMSConnection.pms_type).where(PMSConnection.id == connection_id))
    if pms_type is None:
        raise NotFound("connection")
    return pms_type


def _in_setup(session: Session, connection_id: int) -> bool:
    state = session.scalar(select(PMSConnection.state).where(PMSConnection.id == connection_id))
    return state == ConnectionState.SETUP.value
