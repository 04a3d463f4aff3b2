"""When somebody may have got in: end everything that opens a door, in one transaction, and say how much that was."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.extensions import key_ring
from pmsapp.models import APIToken, KnownBrowser, OneTimeLink, PMSConnection, SetupDraft
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.transaction import writing
from pmsapp.services.people import sessions


@dataclass(frozen=True, slots=True)
class Ended:
    """How many of each were ended."""

    sessions: int
    browsers: int
    links: int
    tokens: int
    webhooks: int
    logins: int


def end_all(actor: Actor, *, keep_logins: bool = False) -> Ended:
    """End every session, known browser, one-time link, API token and webhook secret, and take every vendor's login
    out (unless `keep_logins`). Passwords and second factors stay: people sign in again with them.

    Nothing stored about patients is touched; updates stop until a login is entered again.
    """
    with writing() as session:
        ended = Ended(
            sessions=sessions.end_where(session, actor, "breach"),
            browsers=_count(session, delete(KnownBrowser).returning(KnownBrowser.id)),
            links=_count(session, delete(OneTimeLink).returning(OneTimeLink.id)),
            tokens=_count(
                session,
                update(APIToken)
                .where(APIToken.revoked_at.is_(None))
                .values(revoked_at=clock.now())
                .returning(APIToken.id),
            ),
            webhooks=_end_webhooks(session),
            logins=0 if keep_logins else _take_logins_out(session),
        )
        session.execute(delete(SetupDraft))  # a login typed into a set-up that was not finished
        detail = {name: getattr(ended, name) for name in Ended.__slots__}
        audit.record(session, actor, "breach.ended_all", "clinic:1", detail)
    return ended


def _end_webhooks(session: Session) -> int:
    return _count(
        session,
        update(PMSConnection)
        .where(PMSConnection.webhook_secret_sealed.is_not(None))
        .values(webhook_secret_sealed=None)
        .returning(PMSConnection.id),
    )


def _take_logins_out(session: Session) -> int:
    """Also of runs under way: their fence is raised, so what they fetched with the old login is not written."""
    rows = session.scalars(
        select(PMSConnection).where(
            or_(PMSConnection.credentials_sealed.is_not(None), PMSConnection.access_token.is_not(None))
        )
    ).all()
    for row in rows:
        encrypted_columns.seal_credentials(key_ring(), row, None)
        encrypted_columns.seal_token(key_ring(), row, None, None)
        row.state, row.last_error_code, row.last_sync_error = "needs_you", "NO-LOGIN", None
        row.fence += 1
        row.config_version += 1
        row.updated_at = clock.now()
    return len(rows)


def _count(session: Session, statement: object) -> int:
    found = session.execute(statement.execution_options(synchronize_session=False))  # type: ignore[attr-defined]
    return len(found.all())
