"""A vendor's message that something changed. It is authenticated, remembered, and only ever leads to reading again."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain import sync_state
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import PMSError
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection, WebhookEvent
from pmsapp.models.upsert import upsert
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.errors import Conflict, Refused, ServiceError
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections.rows import get_row
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors.adapters import ConnectionValues

MAX_BODY_BYTES = 64 * 1024
_SECRET_BYTES = 24


class NotAuthentic(ServiceError):  # noqa: N818 - read as a sentence
    """Not from the vendor, or not for anybody we know: one answer for all, so that nothing can be found out."""

    def __init__(self) -> None:
        super().__init__("WEBHOOK-REFUSED", "This is not a webhook of a connection here.")


@dataclass(frozen=True, slots=True)
class _Target:
    pms_type: str
    secret: str
    reads: bool


def make_secret(connection_id: int, actor: Actor) -> str:
    """Make the text to type into the vendor's webhook form as its authentication header. It is shown this once.

    The one made before stops working. Raises NotFound, and Refused UNSUPPORTED where the vendor has no webhooks.
    """
    secret = random.token_urlsafe(_SECRET_BYTES)
    with writing() as session:
        row = get_row(session, connection_id, lock=True)
        info = get_info(row.pms_type)
        if not info.capabilities.webhooks:
            raise Refused("UNSUPPORTED", f"{info.label} sends no webhooks.")
        encrypted_columns.seal_webhook_secret(key_ring(), row, secret)
        row.updated_at = clock.now()
        audit.record(session, actor, "connection.webhook_secret_made", f"connection:{connection_id}")
    return secret


def receive(connection_id: int, event: str, headers: Mapping[str, str], body: bytes, actor: Actor) -> None:
    """Take a webhook as a nudge to read again. A delivery that came before changes nothing.

    Raises NotAuthentic, also for an unknown connection, an unknown event, or a vendor without webhooks.
    """
    target = _target(connection_id, event)
    adapter = vendor_adapters.build(connection_id, ConnectionValues(target.pms_type))
    try:
        event_ids = adapter.check_webhook(headers, body, target.secret)
    except PMSError as error:
        raise NotAuthentic from error
    if not _is_new(connection_id, event, event_ids) or not target.reads:
        return
    with suppress(Conflict):  # there is nothing to read with; its card says so
        run_requests.request_run(connection_id, actor=actor)


def _target(connection_id: int, event: str) -> _Target:
    with reading() as session:
        row = session.scalar(select(PMSConnection).where(PMSConnection.id == connection_id))
        secret = encrypted_columns.open_webhook_secret(key_ring(), row) if row is not None else None
    if row is None or secret is None or event not in get_info(row.pms_type).webhook_events:
        raise NotAuthentic
    reads = row.sync_enabled and not sync_state.is_paused(row.paused_until, clock.now())
    return _Target(row.pms_type, secret, reads)


def _is_new(connection_id: int, event: str, event_ids: tuple[str, ...]) -> bool:
    """Remember the ids. True when one of them is new, or when there is none to go by."""
    if not event_ids:
        return True
    now = clock.now()
    with writing() as session:
        known = session.scalars(
            select(WebhookEvent.event_id).where(
                WebhookEvent.connection_id == connection_id, WebhookEvent.event_id.in_(event_ids)
            )
        ).all()
        rows = [
            {"connection_id": connection_id, "event_id": event_id, "event": event, "received_at": now}
            for event_id in event_ids
        ]
        upsert(session, WebhookEvent, rows, keys=["connection_id", "event_id"], update=[])
    return len(known) < len(set(event_ids))
