"""Sending messages to people outside the app, and the log of what was delivered. No patient data, ever."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select

from pmsapp import clock
from pmsapp.extensions import current_settings
from pmsapp.models import AlertDelivery
from pmsapp.services.transaction import reading, writing

SELF_TEST = "self-test"
TRIES = 3
RETRY_WITHIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: a title, a sentence of what to do, the page that helps, since when."""

    title: str
    body: str
    path: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of the delivery log. `channel` names the kind of channel and its place, never its address."""

    id: int
    incident_id: int | None
    kind: str
    channel: str
    at: datetime
    delivered: bool
    note: str | None


def channels() -> list[str]:
    """The configured channels by kind, e.g. "mailto 1"; addresses stay in the settings."""
    return [_channel(number, url) for number, url in enumerate(current_settings().alert_urls, 1)]


def send(incident_id: int | None, kind: str, notice: Notice) -> list[Delivery]:
    """Send to every channel and log each delivery. Never raises: an alert that fails is itself logged and tried again."""
    return [
        _deliver(incident_id, kind, notice, number, url)
        for number, url in enumerate(current_settings().alert_urls, 1)
    ]


def send_test(actor_name: str) -> list[Delivery]:
    """The test button: a message to every channel that says who asked for it."""
    return send(
        None, "test", Notice("Test message", f"{actor_name} asked for this test.", "/settings/alerts")
    )


def self_test() -> None:
    """The weekly proof that the channels still deliver."""
    send(
        None,
        SELF_TEST,
        Notice("Weekly self-test", "Alerts still reach you. Nothing to do.", "/settings/alerts"),
    )


def list_deliveries(limit: int = 100) -> list[Delivery]:
    """The delivery log, newest first."""
    with reading() as session:
        rows = session.scalars(select(AlertDelivery).order_by(AlertDelivery.id.desc()).limit(limit))
        return [_view(row) for row in rows]


def retry_undelivered() -> None:
    """Try again what no attempt has delivered yet, a few times."""
    now = clock.now()
    with reading() as session:
        rows = session.scalars(
            select(AlertDelivery)
            .where(AlertDelivery.incident_id.is_not(None), AlertDelivery.at >= now - RETRY_WITHIN)
            .order_by(AlertDelivery.id)
        ).all()
    attempts: dict[tuple[int | None, str, str], list[AlertDelivery]] = {}
    for row in rows:
        attempts.setdefault((row.incident_id, row.kind, row.channel), []).append(row)
    urls = dict(zip(channels(), enumerate(current_settings().alert_urls, 1), strict=True))
    for (incident_id, kind, channel), tried in attempts.items():
        if channel in urls and not any(one.delivered for one in tried) and len(tried) < TRIES:
            number, url = urls[channel]
            last = tried[-1]
            _deliver(incident_id, kind, Notice(last.title, last.body, last.path), number, url)


def _deliver(incident_id: int | None, kind: str, notice: Notice, number: int, url: str) -> Delivery:
    delivered, note = _notify(url, notice)
    with writing() as session:
        row = AlertDelivery(
            incident_id=incident_id,
            kind=kind,
            channel=_channel(number, url),
            at=clock.now(),
            delivered=delivered,
            note=note,
            title=notice.title,
            body=notice.body,
            path=notice.path,
        )
        session.add(row)
        session.flush()
        return _view(row)


def _notify(url: str, notice: Notice) -> tuple[bool, str | None]:
    """The network part. Its library may raise anything; its own log may hold addresses, so it stays silent."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    sender = apprise.Apprise()
    if not sender.add(url):
        return False, "the address of this channel is not understood"
    try:
        sent = sender.notify(title=f"[pmsapp] {notice.title}", body=_text(notice))
    except Exception as error:  # noqa: BLE001 - a broken channel must not stop the watch
        return False, type(error).__name__
    return (True, None) if sent else (False, "the channel did not take the message")


def _text(notice: Notice) -> str:
    settings = current_settings()
    host = settings.trusted_hosts[0] if settings.trusted_hosts else f"{settings.host}:{settings.port}"
    scheme = "https" if settings.trusted_hosts else "http"
    return f"{notice.body}\n{scheme}://{host}{notice.path}"


def _channel(number: int, url: str) -> str:
    return f"{urlsplit(url).scheme or 'unknown'} {number}"


def _view(row: AlertDelivery) -> Delivery:
    return Delivery(row.id, row.incident_id, row.kind, row.channel, row.at, row.delivered, row.note)
