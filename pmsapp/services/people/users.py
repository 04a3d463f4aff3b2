"""People who may sign in. Every change is audited with it, and ends that person's sessions."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.roles import ADMIN, CLINICIAN, PEOPLE_ROLES
from pmsapp.models import Clinic, OneTimeLink, RunSheetClinician, User, UserSession
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import known_browsers, login_throttle, passwords, sessions, setup_code
from pmsapp.services.people.setup_code import SetupCode

MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 80


@dataclass(frozen=True, slots=True)
class UserView:
    """A person, without anything secret. `is_invited`: they have not chosen a password yet."""

    id: int
    email: str
    name: str
    role: str
    clinician_id: int | None
    disabled_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None
    must_change_password: bool = False
    is_invited: bool = False


def add_user(
    email: str,
    *,
    role: str,
    password: str | None,
    actor: Actor,
    name: str | None = None,
    clinician_id: int | None = None,
    must_change_password: bool = False,
) -> UserView:
    """Let a person in. `name` defaults to the part of the email before the "@". Raises Invalid, Conflict (EMAIL-TAKEN).

    Without a password nobody gets in as them before they choose one by a one-time link.
    """
    email = normalise_email(email)
    name = (name or email.partition("@")[0]).strip()
    faults = _field_faults(email, name, role, clinician_id)
    if password is not None:
        faults |= password_faults(password, email, name)
    require(faults)
    password_hash = passwords.make_hash(password) if password is not None else passwords.NONE_YET
    with writing() as session:
        view = _insert(session, email, name, role, clinician_id, password_hash, actor)
        if must_change_password:
            _get(session, view.id).must_change_password = True
            view = replace(view, must_change_password=True)
        return view


def list_users() -> list[UserView]:
    """Everybody, also the disabled, by email."""
    with reading() as session:
        return [view_of(row) for row in session.scalars(select(User).order_by(User.email))]


def get_user(user_id: int) -> UserView:
    """One person. Raises NotFound."""
    with reading() as session:
        return view_of(_get(session, user_id))


def find_user(email: str) -> UserView:
    """The person with that email. Raises NotFound."""
    with reading() as session:
        row = session.scalar(select(User).where(User.email == normalise_email(email)))
        if row is None:
            raise NotFound("user")
        return view_of(row)


def any_users() -> bool:
    """False until the first administrator is set up."""
    with reading() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def set_password(
    user_id: int, password: str, actor: Actor, *, must_change: bool = False, new_only: bool = False
) -> None:
    """Give a person a new password and end their sessions; links to choose one stop working.

    `must_change`: somebody else chose it, so they choose their own when they next sign in. `new_only`: not the one they
    have. Raises NotFound, Invalid.
    """
    user = get_user(user_id)
    require(password_faults(password, user.email, user.name))
    if new_only and passwords.matches(stored_hash(user_id), password):
        raise Invalid({"password": "Choose another password than the one you have."})
    password_hash = passwords.make_hash(password)
    with writing() as session:
        store_password(session, user_id, password_hash, actor, must_change=must_change)


def store_password(
    session: Session, user_id: int, password_hash: str, actor: Actor, *, must_change: bool = False
) -> None:
    """Inside a `writing()` transaction: as `set_password`, of a hash made before. Raises NotFound."""
    row = _get(session, user_id)
    row.password_hash, row.must_change_password = password_hash, must_change
    session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None)))
    _changed(session, row, actor, "user.password_changed", "password_changed")


def stored_hash(user_id: int) -> str | None:
    """What the person's password is compared with; None for somebody kept out. Raises NotFound."""
    with reading() as session:
        row = _get(session, user_id)
        return row.password_hash if row.disabled_at is None else None


def sign_out_everywhere(user_id: int, actor: Actor) -> None:
    """End every session of a person and forget every browser they signed in on. Raises NotFound."""
    with writing() as session:
        _get(session, user_id)
        sessions.end_where(session, actor, "ended_by_admin", UserSession.user_id == user_id)
        known_browsers.forget_all(session, user_id, actor)


def disable_user(user_id: int, actor: Actor) -> None:
    """Keep a person out from now on. Raises NotFound, Conflict (LAST-ADMIN)."""
    with writing() as session:
        row = _get(session, user_id)
        _keep_an_admin(session, row)
        row.disabled_at = row.disabled_at or clock.now()
        session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user_id))
        known_browsers.forget_all(session, user_id, actor)
        _changed(session, row, actor, "user.disabled", "disabled")


def enable_user(user_id: int, actor: Actor) -> None:
    """Let a disabled person in again. Raises NotFound."""
    with writing() as session:
        row = _get(session, user_id)
        row.disabled_at = None
        _changed(session, row, actor, "user.enabled", "enabled")


def remove_user(user_id: int, actor: Actor) -> None:
    """Take a person out for good, with their sessions, second factor, links and browsers; the log of who did what keeps
    their name. Raises NotFound, Conflict (LAST-ADMIN)."""
    with writing() as session:
        row = _get(session, user_id)
        _keep_an_admin(session, row)
        _changed(session, row, actor, "user.removed", "disabled")
        session.flush()
        session.delete(row)


def change_role(user_id: int, role: str, actor: Actor, *, clinician_id: int | None = None) -> None:
    """Give a person another role; a clinician's column is `clinician_id`. Raises NotFound, Invalid, Conflict."""
    with writing() as session:
        row = _get(session, user_id)
        require(_field_faults(row.email, row.name, role, clinician_id))
        _require_clinician(session, clinician_id)
        if role != ADMIN:
            _keep_an_admin(session, row)
        detail = {"field": "role", "old": row.role, "new": role, "clinician_id": clinician_id}
        row.role, row.clinician_id = role, clinician_id
        _changed(session, row, actor, "user.role_changed", "role_changed", detail)


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
    keys = login_throttle.keys_of_setup(actor.remote_addr)
    login_throttle.begin_try(keys)
    code_faults = {} if setup_code.is_right(code) else {"code": "This code is wrong or has expired."}
    if code_faults:
        with writing() as session:
            login_throttle.failed(session, keys)
    email, name = normalise_email(email), name.strip()
    require(code_faults | _field_faults(email, name, ADMIN, None) | password_faults(password, email, name))
    password_hash = passwords.make_hash(password)
    with writing() as session:
        if session.scalar(select(User.id).limit(1)) is not None:
            raise _already_set_up()
        view = _insert(session, email, name, ADMIN, None, password_hash, actor)
    setup_code.use_up()
    return view


def normalise_email(email: str) -> str:
    """How an email is compared and kept: no outer spaces, composed characters, lower case, no NUL."""
    return unicodedata.normalize("NFKC", email).replace("\0", "").strip().lower()


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
    return view_of(row)


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


def password_faults(password: str, email: str, name: str) -> dict[str, str]:
    """What is wrong with a password for this person, by field; empty when nothing is."""
    with reading() as session:
        clinic = session.scalar(select(Clinic.name).limit(1))
    sentence = passwords.fault(password, known_words=[clinic or "", email.partition("@")[0], name])
    return {"password": sentence} if sentence else {}


def require(faults: dict[str, str]) -> None:
    """Raise Invalid for any faults."""
    if faults:
        raise Invalid(faults)


def _already_set_up() -> Conflict:
    return Conflict("ALREADY-SET-UP", "The first administrator exists already; sign in instead.")


def _get(session: Session, user_id: int) -> User:
    row = session.get(User, user_id)
    if row is None:
        raise NotFound("user")
    return row


def view_of(row: User) -> UserView:
    """A stored person as the rest of the program sees them."""
    return UserView(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        clinician_id=row.clinician_id,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        must_change_password=row.must_change_password,
        is_invited=row.password_hash == passwords.NONE_YET,
    )
