"""Sending messages to people outside the app, and the log of what was delivered. No patient data, ever.

A message is stored in the transaction that decides on it, one row for each channel, and sent afterwards: nothing is
lost when a process dies in between, and of several processes one sends it. In the app itself, incidents are shown
whatever becomes of the messages.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import CLOCK_SLACK
from pmsapp.extensions import current_settings
from pmsapp.models import AlertDelivery
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import reading, writing

SELF_TEST = "self-test"
TEST = "test"
SENDING = "being sent"
NOT_NEEDED = "over before it could be delivered"
# When to try again after the first, second ... failed try; after the last one nobody tries any more.
TRY_AGAIN_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
# A sender that dies in the middle leaves its message to others after this long.
SENDING_TAKES = timedelta(minutes=3)
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """One message: a title, what to do about it, and the page that helps."""

    title: str
    body: str
    path: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of the delivery log. `channel` names the kind of channel and its place, never its address.

    `state`: delivered, waiting (it will be tried again at `next_try_at`) or failed. `note` says why not, if not.
    """

    id: int
    incident_id: int | None
    kind: str
    channel: str
    title: str
    at: datetime
    state: str
    tries: int
    next_try_at: datetime | None
    note: str | None


def channels() -> list[str]:
    """The configured channels by kind, e.g. "mailto 1"; addresses stay in the settings."""
    return list(_addresses())


def post(session: Session, kind: str, notice: AlertMessage, *, incident_id: int | None = None) -> list[int]:
    """Write a message for every channel, to be sent soon; inside the caller's transaction. Returns the rows' ids."""
    return [_write(session, kind, notice, channel, incident_id) for channel in channels()]


def post_recovery(session: Session, notice: AlertMessage, incident_id: int) -> None:
    """Write the news that it is over, to those channels that were told; what still waits is not sent any more."""
    rows = session.scalars(select(AlertDelivery).where(AlertDelivery.incident_id == incident_id)).all()
    told = {row.channel for row in rows if row.delivered or row.note == SENDING}
    for row in rows:
        if not row.delivered and row.note != SENDING:
            row.next_try_at, row.note = None, NOT_NEEDED
    for channel in channels():
        if channel in told:
            _write(session, "recovery", notice, channel, incident_id)


def send_test(actor: Actor) -> list[Delivery]:
    """The test button: a message to every channel that says who asked for it, sent now. Returns what came of it."""
    notice = AlertMessage(
        "Test message", f"{actor.name} asked for this test. Nothing is wrong.", "/settings/alerts"
    )
    with writing() as session:
        ids = post(session, TEST, notice)
        audit.record(session, actor, "alert.test", None, {"channels": len(ids)})
    for row_id in ids:
        _deliver(row_id)
    with reading() as session:
        rows = session.scalars(
            select(AlertDelivery).where(AlertDelivery.id.in_(ids)).order_by(AlertDelivery.id)
        )
        return [_view(row) for row in rows]


def self_test() -> str:
    """The weekly proof that the channels still deliver. Returns how many were written to, in words."""
    notice = AlertMessage("Weekly self-test", "Alerts still reach you. Nothing is wrong.", "/settings/alerts")
    with writing() as session:
        ids = post(session, SELF_TEST, notice)
    return f"sent to {len(ids)} channel{'' if len(ids) == 1 else 's'}" if ids else "no channel is set up"


def deliver_due() -> int:
    """Send what waits to be sent, one message after the other; crosses the network. Returns how many were tried."""
    tried = 0
    while tried < AT_ONCE and (row_id := _next_due()) is not None:
        _deliver(row_id)
        tried += 1
    return tried


def list_deliveries(limit: int = 100, before_id: int | None = None) -> list[Delivery]:
    """The delivery log, newest first."""
    query = select(AlertDelivery).order_by(AlertDelivery.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(AlertDelivery.id < before_id)
    with reading() as session:
        return [_view(row) for row in session.scalars(query)]


def failed_channels(session: Session) -> list[str]:
    """Configured channels whose last message that came to an end was given up; one that still waits proves nothing."""
    given_up = AlertDelivery.next_try_at.is_(None) & AlertDelivery.note.is_distinct_from(NOT_NEEDED)
    newest = (
        select(func.max(AlertDelivery.id))
        .where(AlertDelivery.delivered.is_(True) | given_up)
        .group_by(AlertDelivery.channel)
    )
    rows = session.execute(
        select(AlertDelivery.channel).where(
            AlertDelivery.id.in_(newest),
            AlertDelivery.delivered.is_(False),
            AlertDelivery.next_try_at.is_(None),
        )
    )
    configured = _addresses()
    return sorted(row.channel for row in rows if row.channel in configured)


def _write(session: Session, kind: str, notice: AlertMessage, channel: str, incident_id: int | None) -> int:
    now = clock.now()
    row = AlertDelivery(
        incident_id=incident_id,
        kind=kind,
        channel=channel,
        at=now,
        delivered=False,
        title=notice.title,
        body=notice.body,
        path=notice.path,
        next_try_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def _next_due() -> int | None:
    now = clock.now()
    with reading() as session:
        return session.scalar(
            select(AlertDelivery.id)
            .where(AlertDelivery.delivered.is_(False), _is_due(now))
            .order_by(AlertDelivery.next_try_at, AlertDelivery.id)
            .limit(1)
        )


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Its time has come, or lies further ahead than any is ever set."""
    latest = now + max(SENDING_TAKES, *TRY_AGAIN_AFTER) + CLOCK_SLACK
    return (AlertDelivery.next_try_at <= now) | (AlertDelivery.next_try_at > latest)


def _deliver(row_id: int) -> None:
    """Take one message, send it outside any transaction, note what came of it. Never raises for the channel's sake."""
    taken = _take(row_id)
    if taken is None:
        return
    notice, channel, tries = taken
    address = _addresses().get(channel)
    fault = "this channel is no longer set up" if address is None else _notify(address, notice)
    now = clock.now()
    again = TRY_AGAIN_AFTER[tries - 1] if tries <= len(TRY_AGAIN_AFTER) and address is not None else None
    with writing() as session:
        session.execute(
            update(AlertDelivery)
            .where(AlertDelivery.id == row_id)
            .values(
                delivered=fault is None,
                note=fault,
                at=now,
                next_try_at=now + again if fault is not None and again is not None else None,
            )
        )


def _take(row_id: int) -> tuple[AlertMessage, str, int] | None:
    """Claim a message for this process. None when another was faster, or it is not due."""
    now = clock.now()
    with writing() as session:
        row = session.execute(
            update(AlertDelivery)
            .where(
                AlertDelivery.id == row_id,
                AlertDelivery.delivered.is_(False),
                _is_due(now),
            )
            .values(next_try_at=now + SENDING_TAKES, tries=AlertDelivery.tries + 1, note=SENDING)
            .returning(
                AlertDelivery.title,
                AlertDelivery.body,
                AlertDelivery.path,
                AlertDelivery.channel,
                AlertDelivery.tries,
            )
        ).first()
    return None if row is None else (AlertMessage(row.title, row.body, row.path), row.channel, row.tries)


def _notify(address: str, notice: AlertMessage) -> str | None:
    """The network part: None when the channel took it, else why not in words.

    Its library may raise anything, and its own log may hold addresses, so it stays silent.
    """
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    sender = apprise.Apprise()
    if not sender.add(address):
        return "the address of this channel is not understood"
    try:
        sent = sender.notify(title=f"[pmsapp] {notice.title}", body=_text(notice))
    except Exception as error:  # noqa: BLE001 - a broken channel must not stop the watch
        return type(error).__name__
    return None if sent else "the channel did not take the message"


def _text(notice: AlertMessage) -> str:
    settings = current_settings()
    host = settings.trusted_hosts[0] if settings.trusted_hosts else f"{settings.host}:{settings.port}"
    scheme = "https" if settings.trusted_hosts else "http"
    return f"{notice.body}\n{scheme}://{host}{notice.path}"


def _addresses() -> dict[str, str]:
    """Name -> address of every configured channel."""
    return {
        f"{urlsplit(address).scheme or 'unknown'} {number}": address
        for number, address in enumerate(current_settings().alert_urls, 1)
    }


def _view(row: AlertDelivery) -> Delivery:
    waits = row.next_try_at is not None
    return Delivery(
        id=row.id,
        incident_id=row.incident_id,
        kind=row.kind,
        channel=row.channel,
        title=row.title,
        at=row.at,
        state="delivered" if row.delivered else "waiting" if waits else "failed",
        tries=row.tries,
        next_try_at=None if row.delivered else row.next_try_at,
        note=row.note,
    )
