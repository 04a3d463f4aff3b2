"""The second factor: codes of an authenticator app (RFC 6238), and recovery codes for when the phone is gone.

The shared secret is kept sealed, recovery codes as hashes. Each code works once: a code of a 30-second step that was
used, or of an earlier one, is refused. Administrators must have one, others where the clinic says so; a training
clinic asks nobody.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain.actor import Actor
from pmsapp.extensions import key_ring
from pmsapp.models import Clinic, RecoveryCode, SecondFactor, User, UserSession
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import login_throttle, passwords, sessions

ISSUER = "pmsapp"
_KEPT_COLUMNS = ("secret_uid", "secret_sealed", "key_id", "enabled_at", "last_step")
STEP_S = 30
RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # no look-alikes
_GROUPS, _GROUP_CHARS = 3, 4  # 30^12: about 59 bits, hashed like a password


@dataclass(frozen=True, slots=True)
class Setup:
    """What the authenticator app has to be given: as an address in a picture, or typed. `held` is the same sealed, for
    the browser to bring back."""

    address: str
    secret: str
    held: str
    is_new: bool

    def __repr__(self) -> str:
        return "Setup([hidden])"


@dataclass(frozen=True, slots=True)
class Status:
    """How a person stands: `enabled_at` None means none is set up. `required`: they cannot work without."""

    enabled_at: datetime | None
    recovery_left: int
    required: bool
    is_training: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A second factor as it is stored, its secret sealed, to be put back into another copy of the database."""

    columns: dict[str, Any]
    codes: tuple[tuple[str, datetime | None], ...]

    def __repr__(self) -> str:
        return "Kept([hidden])"


def status(user_id: int) -> Status:
    """How this person stands. Raises NotFound."""
    with reading() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("user")
        row = _row(session, user_id)
        clinic = session.get(Clinic, 1)
        left = session.scalar(
            select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        )
        return Status(
            row.enabled_at if row else None,
            left or 0,
            sessions.second_factor_required(
                user.role,
                is_training=bool(clinic and clinic.is_training),
                for_everybody=bool(clinic and clinic.require_second_factor),
            ),
            bool(clinic and clinic.is_training),
        )


def is_enabled(user_id: int) -> bool:
    """True when this person is asked for a code."""
    with reading() as session:
        row = _row(session, user_id)
        return row is not None


def people_with_one() -> frozenset[int]:
    """The ids of everybody who has set one up."""
    with reading() as session:
        return frozenset(session.scalars(select(SecondFactor.user_id)))


def begin(user_id: int, held: str | None = None) -> Setup:
    """The secret to set up: that of `held` when it opens, so that a page opened again shows the same, else a fresh one.

    Nothing is stored before a code proves that the app has it. Raises Conflict when a second factor is in use, NotFound.
    """
    with reading() as session:
        user = session.get(User, user_id)
        row = _row(session, user_id)
    if user is None:
        raise NotFound("user")
    if row is not None:
        raise Conflict("SECOND-FACTOR-SET", "A second factor is set up already; take it away first.")
    known = _opened(held, _setup_context(user_id))
    secret = known or pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    return Setup(address, secret, key_ring().seal(secret, _setup_context(user_id)), known is None)


def enable(user_id: int, held: str | None, code: str, actor: Actor) -> list[str]:
    """Turn it on with a code of the app that was given `held`. Returns the recovery codes, shown this once.

    Every session of the person ends. Raises Invalid for a wrong code, Conflict when one is in use, TooManyTries.
    """
    keys = login_throttle.keys_of_code(user_id, None)
    login_throttle.begin_try(keys)
    now = clock.now()
    secret = _opened(held, _setup_context(user_id))
    step = _step_of(secret, code, now)
    if secret is None or step is None:
        with writing() as session:
            if login_throttle.failed(session, keys).worth_a_line:
                audit.record(session, actor, "second_factor.refused", f"user:{user_id}")
        raise Invalid({"code": "This is not the app's current code. Wait for the next one and try again."})
    codes = _new_codes()
    with writing() as session:
        if _row(session, user_id) is not None:
            raise Conflict("SECOND-FACTOR-SET", "A second factor is set up already; take it away first.")
        session.add(_sealed(user_id, secret, now, step))
        _store_codes(session, user_id, codes)
        audit.record(session, actor, "second_factor.enabled", f"user:{user_id}")
        sessions.end_where(session, actor, "second_factor", UserSession.user_id == user_id)
    return list(codes)


def check(user_id: int, code: str, actor: Actor, *, browser_id: int | None = None) -> bool:
    """True when it is the app's code now (used for the first time) or an unused recovery code; it is then used up.

    Raises TooManyTries.
    """
    keys = login_throttle.keys_of_code(user_id, browser_id)
    login_throttle.begin_try(keys)
    now = clock.now()
    spare_id = _recovery_code_id(user_id, code)
    with writing() as session:
        if _use_app_code(session, user_id, code, now):
            return True
        if spare_id is not None and _use_recovery_code(session, spare_id, now):
            audit.record(session, actor, "second_factor.recovery_code_used", f"user:{user_id}")
            return True
        if login_throttle.failed(session, keys).worth_a_line:
            audit.record(session, actor, "second_factor.refused", f"user:{user_id}")
    return False


def renew_recovery_codes(user_id: int, actor: Actor) -> list[str]:
    """Ten fresh recovery codes in the place of the old ones. Raises Conflict without a second factor."""
    codes = _new_codes()
    with writing() as session:
        if _row(session, user_id) is None:
            raise Conflict("NO-SECOND-FACTOR", "Set up a second factor first.")
        _store_codes(session, user_id, codes)
        audit.record(session, actor, "second_factor.recovery_codes_renewed", f"user:{user_id}")
    return list(codes)


def reset(user_id: int, actor: Actor) -> bool:
    """Take a person's second factor away and end their sessions. False when there was none. Raises NotFound."""
    with writing() as session:
        if session.get(User, user_id) is None:
            raise NotFound("user")
        gone = session.scalars(
            delete(SecondFactor)
            .where(SecondFactor.user_id == user_id)
            .returning(SecondFactor.id)
            .execution_options(synchronize_session=False)
        ).all()
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        if gone:
            audit.record(session, actor, "second_factor.reset", f"user:{user_id}")
            sessions.end_where(session, actor, "second_factor", UserSession.user_id == user_id)
    return bool(gone)


def require_for_everybody(wanted: bool, actor: Actor) -> None:
    """Set whether people of every role must have one."""
    with writing() as session:
        row = session.get(Clinic, 1)
        if row is None:
            raise NotFound("clinic")
        if row.require_second_factor is not wanted:
            row.require_second_factor = wanted
            row.updated_at = clock.now()
            audit.record(session, actor, "clinic.changed", "clinic:1", {"fields": ["require_second_factor"]})


def kept_of_everybody(session: Session) -> dict[str, Kept]:
    """Every second factor by its person's email."""
    codes: dict[int, list[tuple[str, datetime | None]]] = {}
    for code in session.scalars(select(RecoveryCode).order_by(RecoveryCode.id)):
        codes.setdefault(code.user_id, []).append((code.code_hash, code.used_at))
    rows = session.execute(select(User.email, SecondFactor).join(User, User.id == SecondFactor.user_id))
    return {
        email: Kept(
            {name: getattr(row, name) for name in _KEPT_COLUMNS},
            tuple(codes.get(row.user_id, ())),
        )
        for email, row in rows
    }


def put_back(session: Session, user_id: int, kept: Kept | None) -> None:
    """Inside a `writing()` transaction: have this person's second factor be what `kept` says; None: none."""
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    if kept is not None:
        session.add(SecondFactor(user_id=user_id, **kept.columns))
        session.add_all(
            RecoveryCode(user_id=user_id, code_hash=code_hash, used_at=used_at)
            for code_hash, used_at in kept.codes
        )


def context_of(row: SecondFactor) -> str:
    """What the sealed secret is bound to."""
    return f"{SecondFactor.__tablename__}|{row.secret_uid}|secret_sealed"


def _row(session: Session, user_id: int) -> SecondFactor | None:
    return session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))


def _setup_context(user_id: int) -> str:
    return f"second_factor_setup|{user_id}"


def _sealed(user_id: int, secret: str, now: datetime, step: int) -> SecondFactor:
    ring = key_ring()
    row = SecondFactor(
        user_id=user_id,
        secret_uid=uuid.uuid4().hex,
        key_id=ring.current_id,
        enabled_at=now,
        last_step=step,
    )
    row.secret_sealed = ring.seal(secret, context_of(row))
    return row


def _opened(sealed: str | None, context: str) -> str | None:
    """The secret; None when there is none or no key opens it here."""
    try:
        return key_ring().open(sealed, context) if sealed else None
    except CipherError:
        return None


def _step_of(secret: str | None, code: str, now: datetime) -> int | None:
    """The 30-second step a code belongs to, of the current one and its neighbours; None for a wrong code."""
    plain = "".join(char for char in code if char.isascii() and char.isdigit())
    if secret is None or len(plain) != 6:
        return None
    totp, step = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    for candidate in (step, step - 1, step + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(candidate), plain):
            return candidate
    return None


def _use_app_code(session: Session, user_id: int, code: str, now: datetime) -> bool:
    """The update itself says whether this step is new, so that two requests at once cannot both use it."""
    row = _row(session, user_id)
    step = _step_of(_opened(row.secret_sealed, context_of(row)), code, now) if row is not None else None
    if row is None or step is None:
        return False
    last, latest = SecondFactor.last_step, int(now.timestamp()) // STEP_S + 1
    fresh = (
        last.is_(None) | (last < step) | (last > latest)
    )  # a step to come is from when the clock was wrong
    taken = session.scalars(
        update(SecondFactor)
        .where(SecondFactor.id == row.id, fresh)
        .values(last_step=step)
        .returning(SecondFactor.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(taken)


def _recovery_code_id(user_id: int, code: str) -> int | None:
    """Which unused recovery code this is. Hashes take time, so they are looked at outside the write transaction."""
    plain = _plain(code)
    if len(plain) != _GROUPS * _GROUP_CHARS:
        return None
    with reading() as session:
        unused = session.execute(
            select(RecoveryCode.id, RecoveryCode.code_hash).where(
                RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
            )
        ).all()
    return next((row.id for row in unused if passwords.matches(row.code_hash, plain)), None)


def _use_recovery_code(session: Session, code_id: int, now: datetime) -> bool:
    taken = session.scalars(
        update(RecoveryCode)
        .where(RecoveryCode.id == code_id, RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(taken)


def _new_codes() -> dict[str, str]:
    """Fresh recovery codes and their hashes."""
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]
    return {code: passwords.make_hash(_plain(code)) for code in codes}


def _group() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP_CHARS))


def _store_codes(session: Session, user_id: int, codes: dict[str, str]) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=code_hash) for code_hash in codes.values())


def _plain(code: str) -> str:
    return "".join(char for char in code.lower() if char.isalnum())
