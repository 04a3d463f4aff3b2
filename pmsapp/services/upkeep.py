"""The daily and weekly chores, each its own small transaction: purge, receipts, keys that age, backup."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, func, select, update

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.models import (
    AlertDelivery,
    APIToken,
    Incident,
    LoginThrottle,
    Quarantine,
    SyncRun,
    SyncScope,
    UserSession,
    WebhookEvent,
)
from pmsapp.services import backup
from pmsapp.services.transaction import reading, writing

PREVIEWS_STAY = timedelta(days=7)
WEBHOOK_IDS_STAY = timedelta(days=14)
SESSIONS_STAY = timedelta(days=30)
QUARANTINE_STAYS = timedelta(days=30)
RUNS_STAY = timedelta(days=90)
THROTTLES_STAY = timedelta(days=7)
KEYS_AGE_BEFORE = timedelta(days=14)


def purge() -> dict[str, int]:
    """Throw away what has served its time. Cards, notes, timelines and the audit log are never touched here."""
    now = clock.now()
    doomed: dict[str, Any] = {
        "webhook ids": delete(WebhookEvent).where(WebhookEvent.received_at < now - WEBHOOK_IDS_STAY),
        "sessions": delete(UserSession).where(UserSession.last_seen_at < now - SESSIONS_STAY),
        "quarantine": delete(Quarantine).where(Quarantine.resolved_at < now - QUARANTINE_STAYS),
        "throttles": delete(LoginThrottle).where(LoginThrottle.last_failure_at < now - THROTTLES_STAY),
        "deliveries": delete(AlertDelivery).where(AlertDelivery.at < now - RUNS_STAY),
        "incidents": delete(Incident).where(Incident.ended_at < now - RUNS_STAY),
        "runs": delete(SyncRun).where(SyncRun.completed_at < now - RUNS_STAY),
        "previews": update(SyncRun)
        .where(SyncRun.preview.is_not(None), SyncRun.completed_at < now - PREVIEWS_STAY)
        .values(preview=None),
    }
    gone: dict[str, int] = {}
    for name, statement in doomed.items():
        with writing() as session:
            result: CursorResult[Any] = session.execute(
                statement.execution_options(synchronize_session=False)
            )
            gone[name] = result.rowcount
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


def check_receipts() -> None:
    """Fail, so that the chore's result says so, when a column does not match what was read."""
    found = differing_receipts()
    if found:
        raise ConfigurationError(f"{len(found)} columns do not match what was read; see the history.")


def ageing_tokens() -> list[str]:
    """Names of API tokens that expire within two weeks."""
    now = clock.now()
    with reading() as session:
        return list(
            session.scalars(
                select(APIToken.name)
                .where(
                    APIToken.revoked_at.is_(None),
                    APIToken.expires_at > now,
                    APIToken.expires_at <= now + KEYS_AGE_BEFORE,
                )
                .order_by(APIToken.expires_at)
            )
        )


def nightly_backup() -> None:
    """The nightly copy. Raises ConfigurationError when it did not work."""
    backup.make()


def do_purge() -> None:
    """The nightly purge as a chore."""
    purge()
