"""People who may sign in. Every change is audited with it, and ends that person's sessions."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.roles import ADMIN, CLINICIAN, PEOPLE_ROLES
from pmsapp.models import Clinic, RunSheetClinician, User, UserSession
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound, Refused
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import login_throttle, passwords, sessions, setup_code
from pmsapp.services.people.setup_code import SetupCode

MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 80


@dataclass(frozen=True, slots=True)
class UserView:
    """A person, without anything secret."""

    id: int
    email: str
    name: str
    role: str
    clinician_id: int | None
    disabled_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None


class SignInFailed(Refused):
    """Wrong email, wrong password, or a disabled person: one answer for all, so nothing is given away."""

    def __init__(self) -> None:
        super().__init__(
            "SIGN-IN-FAILED",
            "That email and password do not go together.",
            "Check both and try again; an administrator can set a new password.",
        )


class TooManyTries(Refused):
    """Too many failed tries; the next is looked at in `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            "SIGN-IN-WAIT",
            "There were too many failed tries.",
            "Wait a moment, then try again; the account stays open.",
        )


def add_user(
    email: str,
    *,
    role: str,
    password: str,
    actor: Actor,
    name: str | None = None,
    clinician_id: int | None = None,
) -> UserView:
    """Let a person in. `name` defaults to the part of the email before the "@". Raises Invalid, Conflict (EMAIL-TAKEN)."""
    email = normalise_email(email)
    name = (name or email.partition("@")[0]).strip()
    _require(_field_faults(email, name, role, clinician_id) | _password_faults(password, email, name))
    password_hash = passwords.make_hash(password)
    with writing() as session:
        return _insert(session, email, name, role, clinician_id, password_hash, actor)


def list_users() -> list[UserView]:
    """Everybody, also the disabled, by email."""
    with reading() as session:
        return [_view(row) for row in session.scalars(select(User).order_by(User.email))]


def get_user(user_id: int) -> UserView:
    """One person. Raises NotFound."""
    with reading() as session:
        return _view(_get(session, user_id))


def find_user(email: str) -> UserView:
    """The person with that email. Raises NotFound."""
    with reading() as session:
        row = session.scalar(select(User).where(User.email == normalise_email(email)))
        if row is None:
            raise NotFound("user")
        return _view(row)


def any_users() -> bool:
    """False until the first administrator is set up."""
    with reading() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def set_password(user_id: int, password: str, actor: Actor) -> None:
    """Give a person a new password and end their sessions. Raises NotFound, Invalid."""
    user = get_user(user_id)
    _require(_password_faults(password, user.email, user.name))
    password_hash = passwords.make_hash(password)
    with writing() as session:
        row = _get(session, user_id)
        row.password_hash = password_hash
        _changed(session, row, actor, "user.password_changed", "password_changed")


def change_own_password(user_id: int, current: str, new: str, actor: Actor) -> None:
    """As `set_password`, after proof of the current one. Raises Invalid, TooManyTries."""
    if not check_password(user_id, current, actor):
        raise Invalid({"current_password": "This is not your current password."})
    try:
        set_password(user_id, new, actor)
    except Invalid as error:
        raise Invalid({"new_password": error.errors["password"]}) from None


def check_password(user_id: int, password: str, actor: Actor) -> bool:
    """True when it is that person's password; guessing is slowed as at sign-in. Raises TooManyTries, NotFound."""
    with reading() as session:
        row = _get(session, user_id)
    keys = login_throttle.keys_for(row.email, actor.remote_addr)
    _begin_try(keys)
    right = row.disabled_at is None and passwords.matches(row.password_hash, password)
    with writing() as session:
        if right:
            login_throttle.succeeded(session, keys)
        action = "user.password_confirmed" if right else "user.password_refused"
        audit.record(session, actor, action, f"user:{user_id}")
    return right


def disable_user(user_id: int, actor: Actor) -> None:
    """Keep a person out from now on. Raises NotFound, Conflict (LAST-ADMIN)."""
    with writing() as session:
        row = _get(session, user_id)
        _keep_an_admin(session, row)
        row.disabled_at = row.disabled_at or clock.now()
        _changed(session, row, actor, "user.disabled", "disabled")


def enable_user(user_id: int, actor: Actor) -> None:
    """Let a disabled person in again. Raises NotFound."""
    with writing() as session:
        row = _get(session, user_id)
        row.disabled_at = None
        _changed(session, row, actor, "user.enabled", "enabled")


def change_role(user_id: int, role: str, actor: Actor, *, clinician_id: int | None = None) -> None:
    """Give a person another role; a clinician's column is `clinician_id`. Raises NotFound, Invalid, Conflict."""
    with writing() as session:
        row = _get(session, user_id)
        _require(_field_faults(row.email, row.name, role, clinician_id))
        _require_clinician(session, clinician_id)
        if role != ADMIN:
            _keep_an_admin(session, row)
        detail = {"field": "role", "old": row.role, "new": role, "clinician_id": clinician_id}
        row.role, row.clinician_id = role, clinician_id
        _changed(session, row, actor, "user.role_changed", "role_changed", detail)


def authenticate(email: str, password: str, actor: Actor) -> UserView:
    """The person who knows this password. `actor` is whoever asks: its address and request id are used.

    Unknown email, wrong password and disabled person cost the same time and give the same answer.
    Raises SignInFailed, TooManyTries.
    """
    email = normalise_email(email)
    keys = login_throttle.keys_for(email, actor.remote_addr)
    _begin_try(keys)
    with reading() as session:
        found = session.scalar(select(User).where(User.email == email))
    usable = found is not None and found.disabled_at is None
    right = passwords.matches(found.password_hash if found and usable else None, password)
    if not right or found is None:
        _note_failure(found.id if found else None, actor)
        raise SignInFailed
    new_hash = passwords.make_hash(password) if passwords.needs_new_hash(found.password_hash) else None
    return _let_in(found, new_hash, keys, actor)


def make_setup_code() -> SetupCode:
    """A one-time code for the page that makes the first administrator. Raises Conflict (ALREADY-SET-UP)."""
    if any_users():
        raise _already_set_up()
    return setup_code.make()


def set_up_first_admin(code: str, *, email: str, name: str, password: str, actor: Actor) -> UserView:
    """Make the first administrator with a setup code, which is then used up.

    Raises Invalid, Conflict (ALREADY-SET-UP), TooManyTries. A refused field does not cost the code.
    """
    if any_users():
        raise _already_set_up()
    keys = login_throttle.keys_for("first administrator's setup code", actor.remote_addr)
    _begin_try(keys)
    code_faults = {} if setup_code.is_right(code) else {"code": "This code is wrong or has expired."}
    email, name = normalise_email(email), name.strip()
    _require(
        code_faults | _field_faults(email, name, ADMIN, None) | _password_faults(password, email, name),
        spare=keys if not code_faults else None,
    )
    password_hash = passwords.make_hash(password)
    with writing() as session:
        if session.scalar(select(User.id).limit(1)) is not None:
            raise _already_set_up()
        view = _insert(session, email, name, ADMIN, None, password_hash, actor)
        login_throttle.succeeded(session, keys)
    setup_code.use_up()
    return view


def normalise_email(email: str) -> str:
    """How an email is compared and kept: no outer spaces, composed characters, lower case, no NUL."""
    return unicodedata.normalize("NFKC", email).replace("\0", "").strip().lower()


def _begin_try(keys: tuple[login_throttle.ThrottleKey, ...]) -> None:
    wait_s = login_throttle.begin_try(keys)
    if wait_s:
        raise TooManyTries(wait_s)


def _note_failure(user_id: int | None, actor: Actor) -> None:
    """The typed email is not kept: people type passwords into that field."""
    with writing() as session:
        audit.record(session, actor, "user.sign_in_failed", f"user:{user_id}" if user_id else None)


def _let_in(
    found: User, new_hash: str | None, keys: tuple[login_throttle.ThrottleKey, ...], actor: Actor
) -> UserView:
    """Note a right password, unless it was changed or the person disabled since it was looked at."""
    values: dict[str, Any] = {"last_login_at": clock.now()}
    if new_hash:
        values["password_hash"] = new_hash
    unchanged: tuple[ColumnElement[bool], ...] = (
        User.id == found.id,
        User.password_hash == found.password_hash,
        User.disabled_at.is_(None),
    )
    with writing() as session:
        row = session.scalar(update(User).where(*unchanged).values(**values).returning(User))
        if row is None:
            raise SignInFailed
        login_throttle.succeeded(session, keys)
        audit.record(session, as_actor(_view(row), actor), "user.signed_in", f"user:{row.id}")
        return _view(row)


def as_actor(user: UserView, where: Actor) -> Actor:
    """This person acting from where `where` is (its address and request)."""
    return replace(
        where, kind="user", id=user.id, name=user.name, role=user.role, clinician_id=user.clinician_id
    )


def _insert(
    session: Session,
    email: str,
    name: str,
    role: str,
    clinician_id: int | None,
    password_hash: str,
    actor: Actor,
) -> UserView:
    if session.scalar(select(User.id).where(User.email == email)) is not None:
        raise Conflict("EMAIL-TAKEN", "Somebody with this email exists already.")
    _require_clinician(session, clinician_id)
    row = User(
        email=email,
        name=name,
        role=role,
        clinician_id=clinician_id,
        password_hash=password_hash,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "user.added", f"user:{row.id}", {"role": role, "clinician_id": clinician_id})
    return _view(row)


def _changed(
    session: Session,
    row: User,
    actor: Actor,
    action: str,
    reason: str,
    detail: dict[str, Any] | None = None,
) -> None:
    audit.record(session, actor, action, f"user:{row.id}", detail)
    sessions.end_where(session, actor, reason, UserSession.user_id == row.id)


def _keep_an_admin(session: Session, row: User) -> None:
    others = (
        select(func.count())
        .select_from(User)
        .where(User.role == ADMIN, User.disabled_at.is_(None), User.id != row.id)
    )
    if row.role == ADMIN and row.disabled_at is None and not session.scalar(others):
        raise Conflict("LAST-ADMIN", "This is the only administrator; make another one first.")


def _require_clinician(session: Session, clinician_id: int | None) -> None:
    if clinician_id is not None and session.get(RunSheetClinician, clinician_id) is None:
        raise Invalid({"clinician_id": "There is no such clinician."})


def _field_faults(email: str, name: str, role: str, clinician_id: int | None) -> dict[str, str]:
    faults: dict[str, str] = {}
    local, _, domain = email.rpartition("@")
    if not local or not domain or len(email) > MAX_EMAIL_CHARS or not _is_one_word(email):
        faults["email"] = "Enter an email address, like mel@example.org."
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        faults["name"] = f"Enter a name of 1 to {MAX_NAME_CHARS} characters."
    if role not in PEOPLE_ROLES:
        faults["role"] = f"The role must be one of: {', '.join(sorted(PEOPLE_ROLES))}."
    if clinician_id is not None and role != CLINICIAN:
        faults["clinician_id"] = "Only a person of role clinician has a column of their own."
    return faults


def _is_one_word(text: str) -> bool:
    return text.isprintable() and not any(char.isspace() for char in text)


def _password_faults(password: str, email: str, name: str) -> dict[str, str]:
    with reading() as session:
        clinic = session.scalar(select(Clinic.name).limit(1))
    sentence = passwords.fault(password, known_words=[clinic or "", email.partition("@")[0], name])
    return {"password": sentence} if sentence else {}


def _require(faults: dict[str, str], *, spare: tuple[login_throttle.ThrottleKey, ...] | None = None) -> None:
    """Raise Invalid for any faults; `spare` are counters this try should not weigh on."""
    if not faults:
        return
    if spare:
        with writing() as session:
            login_throttle.succeeded(session, spare)
    raise Invalid(faults)


def _already_set_up() -> Conflict:
    return Conflict("ALREADY-SET-UP", "The first administrator exists already; sign in instead.")


def _get(session: Session, user_id: int) -> User:
    row = session.get(User, user_id)
    if row is None:
        raise NotFound("user")
    return row


def _view(row: User) -> UserView:
    return UserView(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        clinician_id=row.clinician_id,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        last_login_at=row.last_login_at,
    )
