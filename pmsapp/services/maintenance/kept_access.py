"""What a restored backup must not give back: rights, logins and doors that were taken away after it was made.

Of every field that lets somebody in, or lets the program into a vendor, the newer or the more restrictive one stays:
roles, disabled people, passwords, second factors, known browsers, failed sign-ins, tokens, logins and webhook secrets,
connections removed, paused or switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pmsapp.models import (
    APIToken,
    Clinic,
    KnownBrowser,
    LoginThrottle,
    OneTimeLink,
    PMSConnection,
    RunSheetClinician,
    User,
)
from pmsapp.services.connections.input import LONGEST_PAUSE
from pmsapp.services.people import second_factor
from pmsapp.services.people.second_factor import Kept

_PERSON = ("role", "clinician_id", "password_hash", "must_change_password", "disabled_at")
_THROTTLE = ("kind", "key_hash", "failures", "last_failure_at")
# A login as it is stored: sealed texts open only on the row with this `secret_uid`.
_LOGIN = (
    "credentials_sealed",
    "access_token",
    "refresh_token",
    "token_expires_at",
    "token_minted_at",
    "webhook_secret_sealed",
    "key_id",
)
_OFF = ("paused_until", "paused_by", "paused_reason")
REMOVED_REASON = "Disconnected after the backup was made; sign in again to use it"


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Who and what is let in by the database that will be replaced. Texts in it stay sealed or hashed."""

    people: dict[str, dict[str, Any]]
    second_factors: dict[str, Kept]
    browsers: frozenset[tuple[str, str]]
    throttles: tuple[dict[str, Any], ...]
    tokens: dict[str, datetime | None]
    connections: dict[str, dict[str, Any]]
    second_factor_for_all: bool

    def __repr__(self) -> str:
        return "Access([hidden])"


def read(session: Session) -> Access:
    """What the open database lets in now."""
    clinic = session.get(Clinic, 1)
    browsers = session.execute(
        select(User.email, KnownBrowser.token_hash).join(User, User.id == KnownBrowser.user_id)
    )
    return Access(
        people={person.email: _columns(person, _PERSON) for person in session.scalars(select(User))},
        second_factors=second_factor.kept_of_everybody(session),
        browsers=frozenset((email, token_hash) for email, token_hash in browsers),
        throttles=tuple(_columns(row, _THROTTLE) for row in session.scalars(select(LoginThrottle))),
        tokens={row.token_hash: row.revoked_at for row in session.scalars(select(APIToken))},
        connections={
            row.secret_uid: _columns(row, (*_LOGIN, *_OFF, "sync_enabled"))
            for row in session.scalars(select(PMSConnection))
        },
        second_factor_for_all=bool(clinic and clinic.require_second_factor),
    )


def keep(session: Session, known: Access, now: datetime) -> None:
    """Inside the transaction that makes the copy fit to take over: let nobody and nothing in that `known` does not."""
    clinic = session.get(Clinic, 1)
    if clinic is not None:
        clinic.require_second_factor = clinic.require_second_factor or known.second_factor_for_all
    _keep_people(session, known, now)
    _keep_tokens(session, known, now)
    for row in session.scalars(select(PMSConnection)).all():
        _keep_connection(row, known.connections.get(row.secret_uid), now)


def _keep_people(session: Session, known: Access, now: datetime) -> None:
    """Roles, passwords and second factors as they are now; whoever was put out stays out; no one-time link works."""
    session.execute(delete(OneTimeLink))
    session.execute(delete(LoginThrottle))
    session.add_all(LoginThrottle(**throttle) for throttle in known.throttles)
    columns = set(session.scalars(select(RunSheetClinician.id)))
    emails: dict[int, str] = {}
    for person in session.scalars(select(User)).all():
        emails[person.id] = person.email
        present = known.people.get(person.email)
        if present is None:
            person.disabled_at = person.disabled_at or now
            continue
        second_factor.put_back(session, person.id, known.second_factors.get(person.email))
        was_disabled_at = person.disabled_at
        for name, value in present.items():
            setattr(person, name, value)
        person.disabled_at = person.disabled_at or was_disabled_at
        if person.clinician_id is not None and person.clinician_id not in columns:
            # Their column came after the backup; without one of their own they would see everybody's.
            person.clinician_id, person.disabled_at = None, person.disabled_at or now
    for browser in session.scalars(select(KnownBrowser)).all():
        if (emails[browser.user_id], browser.token_hash) not in known.browsers:
            session.delete(browser)


def _keep_tokens(session: Session, known: Access, now: datetime) -> None:
    """A token revoked since stays revoked; so does one that is no longer kept at all."""
    for token in session.scalars(select(APIToken)):
        revoked_at = known.tokens.get(token.token_hash, now)
        token.revoked_at = revoked_at or token.revoked_at


def _keep_connection(row: PMSConnection, present: dict[str, Any] | None, now: datetime) -> None:
    """The login and webhook secret in force now; a connection paused or off stays so, one removed reads nothing."""
    if present is None:
        for name in _LOGIN:
            setattr(row, name, None)
        _switch_off(row, (now + LONGEST_PAUSE, "restore", REMOVED_REASON))
        return
    for name in _LOGIN:
        setattr(row, name, present[name])
    if not present["sync_enabled"]:
        _switch_off(row, tuple(present[name] for name in _OFF))
    elif row.sync_enabled:
        for name in _OFF:
            setattr(row, name, present[name])


def _switch_off(row: PMSConnection, pause: tuple[Any, ...]) -> None:
    row.sync_enabled = False
    row.next_sync_at = row.next_sync_reason = None
    row.paused_until, row.paused_by, row.paused_reason = pause


def _columns(row: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
