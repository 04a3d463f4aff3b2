"""Slows guessing of passwords and codes without shutting anybody out.

Failures are counted per account, per address (IPv6 by /64) and for everybody together. They make a browser nobody
knows wait, with a ceiling; a browser the person signed in on before is held up by its own failures alone. Who was
told to wait gets a ticket: when its time has come, one try is looked at whatever others failed meanwhile. Only a failed
try is stored; a refused or a right one writes nothing. The table keeps the newest `MAX_ROWS` counters.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.ages import is_older, is_within
from pmsapp.models import LoginThrottle
from pmsapp.models.upsert import upsert
from pmsapp.services.base.errors import Refused
from pmsapp.services.base.transaction import reading

MAX_ROWS = 20_000
TICKET_LIFE = timedelta(minutes=10)  # how long a try that was waited for can be made
ALERT_AFTER = 50  # failures of one account or address that are more than somebody's bad day
_IPV6_PREFIX = 64  # what one household or server is given
_TICKET = "ticket"
_TURNS = 12  # tries of one address that tickets let pass within its delay: one per 10 s at the ceiling


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures cost nothing; the next waits 1 s, then 2, 4 ... up to `ceiling`. `forget` of quiet starts anew."""

    free: int
    ceiling: timedelta
    forget: timedelta


ACCOUNT = Limit(free=5, ceiling=timedelta(minutes=1), forget=timedelta(hours=1))
ADDRESS = Limit(free=20, ceiling=timedelta(minutes=2), forget=timedelta(hours=1))
EVERYBODY = Limit(free=200, ceiling=timedelta(seconds=10), forget=timedelta(minutes=15))
BROWSER = Limit(free=10, ceiling=timedelta(minutes=1), forget=timedelta(hours=1))
OWN = Limit(free=5, ceiling=timedelta(minutes=5), forget=timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class ThrottleKey:
    """What is counted, and how. `text` is stored only as a hash."""

    kind: str
    text: str
    limit: Limit

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.kind}\0{self.text}".encode()).hexdigest()


Keys = tuple[ThrottleKey, ...]
_LONGEST_S = int(max(limit.ceiling for limit in (ACCOUNT, ADDRESS, EVERYBODY, BROWSER, OWN)).total_seconds())


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a browser that was told to wait brings back: for which counters, from when on, once."""

    about: str
    due_at: datetime
    nonce: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the counters say of a try. `wait_s` 0: look at it; else `ticket` is to be given to the browser.

    `used`: the ticket that lets this try pass; it is used up when the try fails.
    """

    wait_s: int = 0
    ticket: Ticket | None = None
    used: Ticket | None = None


class TooManyTries(Refused):
    """Too many failed tries; the next is looked at in `retry_after_s` seconds, with `ticket` for certain."""

    def __init__(self, retry_after_s: int, ticket: Ticket | None = None) -> None:
        self.retry_after_s = retry_after_s
        self.ticket = ticket
        super().__init__(
            "SIGN-IN-WAIT",
            "There were too many failed tries.",
            "Wait a moment, then try again; the account stays open.",
        )


@dataclass(frozen=True, slots=True)
class Failures:
    """The counters after one more failure. `worth_a_line`: this one should stand in the audit log.

    The first ones do, then those that double the count, so that an attack fills no disk.
    """

    counts: tuple[int, ...]
    worth_a_line: bool


def keys_for(account: str, remote_addr: str | None) -> Keys:
    """The counters of a try from a browser nobody knows; `account` is the normalised name."""
    return (
        ThrottleKey("account", account, ACCOUNT),
        ThrottleKey("address", network_of(remote_addr), ADDRESS),
        ThrottleKey("everybody", "", EVERYBODY),
    )


def keys_of_browser(account: str, browser_id: int) -> Keys:
    """The counter of a try from a browser the account's person signed in on before."""
    return (ThrottleKey("browser", f"{account}\0{browser_id}", BROWSER),)


def keys_of_code(user_id: int, browser_id: int | None) -> Keys:
    """The counter of second-factor codes; only who gave the right password gets that far."""
    return (ThrottleKey("code", f"{user_id}\0{browser_id or ''}", OWN),)


def keys_of_session(user_id: int) -> Keys:
    """The counter of passwords a signed-in person is asked for once more."""
    return (ThrottleKey("confirm", str(user_id), OWN),)


def keys_of_setup(remote_addr: str | None) -> Keys:
    """The counter of the first administrator's code, by address: an outsider elsewhere holds nobody up."""
    return (ThrottleKey("setup", network_of(remote_addr), ACCOUNT),)


def network_of(remote_addr: str | None) -> str:
    """The address as it is counted: IPv4 whole, IPv6 by its /64, an IPv4 address written as IPv6 as IPv4."""
    try:
        address = ipaddress.ip_address((remote_addr or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)


def look(keys: Keys, ticket: Ticket | None = None) -> Look:
    """What the counters say of one more try. Reads only."""
    now = clock.now()
    with reading() as session:
        counted = _counted(session, keys, now)
        wait = max((_wait(counted.get(key.digest), key.limit, now) for key in keys), default=timedelta(0))
        if wait <= timedelta(0):
            return Look()
        if ticket is None or not _is_due(session, ticket, keys, now):
            told = min(_whole_seconds(wait), _LONGEST_S)  # the last failure may lie a little ahead
            due_at = now + timedelta(seconds=told)
            return Look(told, Ticket(_about(keys), due_at, secrets.token_hex(8)))
        pause = _pause_of_address(counted, keys, now)
        return Look(_whole_seconds(pause), ticket) if pause > timedelta(0) else Look(used=ticket)


def begin_try(keys: Keys, ticket: Ticket | None = None) -> Look:
    """As `look`, for those who go on only when they may. Raises TooManyTries."""
    found = look(keys, ticket)
    if found.wait_s:
        raise TooManyTries(found.wait_s, found.ticket)
    return found


def failed(session: Session, keys: Keys, used: Ticket | None = None) -> Failures:
    """Inside a `writing()` transaction: count one failed try against every key."""
    now = clock.now()
    counts = tuple(_count(session, key, now) for key in keys)
    if used is not None:
        row = {"kind": _TICKET, "key_hash": _spent(used), "failures": 1, "last_failure_at": now}
        upsert(session, LoginThrottle, [row], keys=["key_hash"], update=["last_failure_at"])
    _drop_oldest(session)
    beyond = [count for count, key in zip(counts, keys, strict=True) if count > key.limit.free]
    most = max(beyond, default=0)
    return Failures(counts, most & (most - 1) == 0)


def delay(failures: int, limit: Limit) -> timedelta:
    """How long to wait after so many failures."""
    beyond = failures - limit.free - 1
    if beyond < 0:
        return timedelta(0)
    return min(limit.ceiling, timedelta(seconds=2 ** min(beyond, 20)))


def under_attack(session: Session, now: datetime) -> int:
    """How many failures of late stand at the account, address or everybody that is tried most; 0 when that is few."""
    of_one = LoginThrottle.kind.in_(("account", "address")) & (LoginThrottle.failures >= ALERT_AFTER)
    of_all = (LoginThrottle.kind == "everybody") & (LoginThrottle.failures >= EVERYBODY.free)
    most = session.scalar(
        select(func.max(LoginThrottle.failures)).where(
            of_one | of_all, LoginThrottle.last_failure_at > now - EVERYBODY.forget
        )
    )
    return most or 0


def _about(keys: Keys) -> str:
    """Which counters a ticket is for: not the one of everybody, which is the same for all."""
    return hashlib.sha256("".join(key.digest for key in keys[:2]).encode()).hexdigest()[:32]


def _spent(ticket: Ticket) -> str:
    return hashlib.sha256(f"{_TICKET}\0{ticket.about}\0{ticket.nonce}".encode()).hexdigest()


def _is_due(session: Session, ticket: Ticket, keys: Keys, now: datetime) -> bool:
    """True for a ticket of these counters whose time has come and that no failed try has used up."""
    if ticket.about != _about(keys) or not ticket.due_at <= now <= ticket.due_at + TICKET_LIFE:
        return False
    used = select(LoginThrottle.id).where(LoginThrottle.key_hash == _spent(ticket))
    return session.scalar(used) is None


def _pause_of_address(counted: dict[str, tuple[int, datetime]], keys: Keys, now: datetime) -> timedelta:
    """How long tickets of one address still have to queue. Much shorter than the delay: a person behind the same
    address as a guesser gets a turn, and a guesser who collects tickets still guesses slowly."""
    for key in keys:
        if key.kind == "address" and key.digest in counted:
            failures, last_at = counted[key.digest]
            return last_at + delay(failures, key.limit) / _TURNS - now
    return timedelta(0)


def _counted(session: Session, keys: Sequence[ThrottleKey], now: datetime) -> dict[str, tuple[int, datetime]]:
    """Failures and when the last was, by digest. Quiet for long enough counts as none; so does a time to come."""
    rows = session.execute(
        select(LoginThrottle.key_hash, LoginThrottle.failures, LoginThrottle.last_failure_at).where(
            LoginThrottle.key_hash.in_([key.digest for key in keys])
        )
    )
    found = {row.key_hash: (row.failures, row.last_failure_at) for row in rows}
    return {
        key.digest: found[key.digest]
        for key in keys
        if key.digest in found and is_within(found[key.digest][1], now, key.limit.forget)
    }


def _wait(counted: tuple[int, datetime] | None, limit: Limit, now: datetime) -> timedelta:
    return timedelta(0) if counted is None else counted[1] + delay(counted[0], limit) - now


def _whole_seconds(wait: timedelta) -> int:
    return max(0, ceil(wait.total_seconds()))


def _count(session: Session, key: ThrottleKey, now: datetime) -> int:
    new = {"kind": key.kind, "key_hash": key.digest, "failures": 0, "last_failure_at": now}
    upsert(session, LoginThrottle, [new], keys=["key_hash"], update=[])
    row = session.scalars(
        select(LoginThrottle).where(LoginThrottle.key_hash == key.digest).with_for_update()
    ).one()
    if is_older(row.last_failure_at, now, key.limit.forget):
        row.failures = 0
    row.failures += 1
    row.last_failure_at = now
    session.flush()
    return row.failures


def _drop_oldest(session: Session) -> None:
    """Keep the newest rows: whoever fails again and again stays, who failed long ago goes."""
    beyond = (session.scalar(select(func.count()).select_from(LoginThrottle)) or 0) - MAX_ROWS
    if beyond <= 0:
        return
    oldest = select(LoginThrottle.id).order_by(LoginThrottle.last_failure_at, LoginThrottle.id).limit(beyond)
    session.execute(
        delete(LoginThrottle)
        .where(LoginThrottle.id.in_(oldest.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )
