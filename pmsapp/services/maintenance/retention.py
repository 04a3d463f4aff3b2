"""What the periodic tasks do, each in its own small transaction: purge, receipts, keys that age, backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, update

from pmsapp import clock
from pmsapp.extensions import current_settings
from pmsapp.models import (
    AlertDelivery,
    APIToken,
    Disconnected,
    Incident,
    KnownBrowser,
    LoginThrottle,
    MatchingChange,
    OneTimeLink,
    Quarantine,
    Receipt,
    StoredAnswer,
    SyncRun,
    SyncScope,
    UserSession,
    WebhookEvent,
)
from pmsapp.services.base import idempotency
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import audit_watch, backup, periods
from pmsapp.services.maintenance.purge import purge_records
from pmsapp.services.people import known_browsers
from pmsapp.services.setup import drafts

# Names of the tasks, as the health page shows them.
DATABASE = "check the database"
BACKUP = "back up"
AWAY = "take the backup away"
VERIFY = "verify the backup"
PURGE = "purge"
AUDIT = "check the log"
RECEIPTS = "check receipts"
KEYS = "check token age"
SELF_TEST = "test the alert channels"

PREVIEWS_STAY = timedelta(days=7)
WEBHOOK_IDS_STAY = timedelta(days=14)
SESSIONS_STAY = timedelta(days=30)
QUARANTINE_STAYS = timedelta(days=30)
THROTTLES_STAY = timedelta(days=7)
KEYS_AGE_BEFORE = timedelta(days=14)


def purge() -> dict[str, int]:
    """Throw away what runs, sessions and messages leave behind; `services.maintenance.purge` does cards and the log."""
    now, runs_stay = clock.now(), periods.of(current_settings()).runs
    doomed: dict[str, Any] = {
        "webhook ids": delete(WebhookEvent).where(WebhookEvent.received_at < now - WEBHOOK_IDS_STAY),
        "sessions": delete(UserSession).where(UserSession.last_seen_at < now - SESSIONS_STAY),
        "quarantine": delete(Quarantine).where(Quarantine.resolved_at < now - QUARANTINE_STAYS),
        "answers": delete(StoredAnswer).where(StoredAnswer.created_at <= now - idempotency.KEPT),
        "throttles": delete(LoginThrottle).where(LoginThrottle.last_failure_at < now - THROTTLES_STAY),
        "browsers": delete(KnownBrowser).where(KnownBrowser.last_used_at < now - known_browsers.LIFE),
        "links": delete(OneTimeLink).where(OneTimeLink.expires_at < now - SESSIONS_STAY),
        "deliveries": delete(AlertDelivery).where(AlertDelivery.at < now - runs_stay),
        "incidents": delete(Incident).where(Incident.ended_at < now - runs_stay),
        "runs": delete(SyncRun).where(SyncRun.completed_at < now - runs_stay),
        "disconnected": delete(Disconnected).where(Disconnected.expires_at <= now),
        "matching": delete(MatchingChange).where(MatchingChange.expires_at <= now),
        "receipts": delete(Receipt).where(Receipt.asked_at < now - runs_stay),
        "previews": update(SyncRun)
        .where(SyncRun.preview.is_not(None), SyncRun.completed_at < now - PREVIEWS_STAY)
        .values(preview=None),
    }
    gone: dict[str, int] = {}
    for name, statement in doomed.items():
        with writing() as session:
            result = session.execute(statement.execution_options(synchronize_session=False))
            gone[name] = cast(CursorResult[Any], result).rowcount
    gone["set-ups"] = drafts.purge()
    return gone


def differing_receipts() -> list[tuple[int, str | None, int, int]]:
    """Scopes of the last day whose cards did not all equal what was read: (connection, name, matched, expected)."""
    since = clock.now() - timedelta(days=1)
    with reading() as session:
        newest = (
            select(func.max(SyncScope.id))
            .where(SyncScope.checked_at >= since, SyncScope.outcome == "complete")
            .group_by(SyncScope.connection_id, SyncScope.date, SyncScope.pms_practitioner_id)
        )
        rows = session.execute(
            select(SyncScope.connection_id, SyncScope.name, SyncScope.matched, SyncScope.expected).where(
                SyncScope.id.in_(newest), SyncScope.matched < SyncScope.expected
            )
        )
        return [(row.connection_id, row.name, row.matched or 0, row.expected or 0) for row in rows]


class ReceiptsDifferError(Exception):
    """Some columns do not hold what was read. The message holds a count."""


def check_receipts() -> str:
    """How many columns were compared in words. Raises ReceiptsDifferError when one does not match what was read."""
    found = differing_receipts()
    if found:
        raise ReceiptsDifferError(f"{len(found)} columns do not match what was read; see the history.")
    return "every column matches"


@dataclass(frozen=True, slots=True)
class AgeingToken:
    """An API token that stops working soon."""

    name: str
    expires_at: datetime


def ageing_tokens() -> list[AgeingToken]:
    """API tokens that expire within two weeks, the first to go first."""
    now = clock.now()
    with reading() as session:
        rows = session.execute(
            select(APIToken.name, APIToken.expires_at)
            .where(
                APIToken.revoked_at.is_(None),
                APIToken.expires_at > now,
                APIToken.expires_at <= now + KEYS_AGE_BEFORE,
            )
            .order_by(APIToken.expires_at)
        )
        return [AgeingToken(row.name, row.expires_at) for row in rows if row.expires_at is not None]


def check_token_age() -> str:
    """How many API tokens expire soon, in words."""
    found = len(ageing_tokens())
    if not found:
        return "no token expires within two weeks"
    return f"{found} token{'' if found == 1 else 's'} will expire within two weeks"


def nightly_backup() -> str:
    """The nightly copy. Raises ConfigurationError when it did not work."""
    made = backup.make()
    head = audit_watch.note_head()
    log_at = f"; the log stands at {head}" if head else ""
    return ("PostgreSQL makes its own" if made is None else f"{made.size_bytes // 1000} kB, checked") + log_at


def do_purge() -> str:
    """The nightly purge; how many rows went, in words."""
    gone = sum(purge().values()) + sum(purge_records().values())
    return f"{gone} row{'' if gone == 1 else 's'} removed"
