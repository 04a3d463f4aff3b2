"""People: added, changed, let in, kept out; each change audited and ending their sessions."""

from __future__ import annotations

import stat

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text, update

from pmsapp.domain.actor import COMMAND_LINE, Actor
from pmsapp.models import Clinic, RunSheetClinician, User
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import setup_code, sign_in, users
from pmsapp.services.people.login_throttle import TooManyTries
from pmsapp.services.people.sign_in import SignInFailed
from tests.support.actors import PASSWORD, make_user
from tests.support.clock import FrozenClock

BROWSER = Actor(kind="anonymous", name="not signed in", role="none", remote_addr="10.0.0.9")
NEW = "green boats hum tango"


def actions() -> list[str]:
    return [event.action for event in audit.list_events()]


def test_a_fresh_installation_has_nobody(app: Flask) -> None:
    assert not users.any_users()
    assert users.list_users() == []


def test_a_person_is_added_with_a_tidy_email(app: Flask) -> None:
    user = users.add_user("  Mel@Example.ORG ", role="reception", password=PASSWORD, actor=COMMAND_LINE)
    assert (user.email, user.name, user.role) == ("mel@example.org", "mel", "reception")
    assert users.find_user("MEL@example.org") == user
    assert actions() == ["user.added"]


def test_an_email_is_taken_once(app: Flask) -> None:
    make_user("admin", email="mel@example.org")
    with pytest.raises(Conflict) as refusal:
        make_user("viewer", email="MEL@example.org")
    assert refusal.value.code == "EMAIL-TAKEN"


@pytest.mark.parametrize(
    "email", ["", "mel", "@example.org", "mel@", "m el@example.org", "a@b\n.c", "x" * 260]
)
def test_a_bad_email_is_refused(app: Flask, email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        users.add_user(email, role="admin", name="Mel", password=PASSWORD, actor=COMMAND_LINE)
    assert set(refusal.value.errors) == {"email"}


def test_a_bad_role_name_column_and_password_are_each_named(app: Flask) -> None:
    with pytest.raises(Invalid) as refusal:
        users.add_user(
            "a@b.c", role="owner", name="x" * 99, password="short", clinician_id=1, actor=COMMAND_LINE
        )
    assert set(refusal.value.errors) == {"role", "name", "password", "clinician_id"}


def test_the_clinics_name_is_no_password(app: Flask, frozen_clock: FrozenClock) -> None:
    now = frozen_clock()
    with writing() as session:
        session.add(
            Clinic(
                id=1,
                name="Harbour Street Clinic",
                time_zone="Australia/Melbourne",
                hours={},
                created_at=now,
                updated_at=now,
            )
        )
    with pytest.raises(Invalid):
        users.add_user("mel@b.c", role="admin", password="Harbour Street 2026", actor=COMMAND_LINE)


def test_the_right_password_lets_in(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer", email="mel@example.org")
    assert sign_in.authenticate("Mel@example.org ", PASSWORD, BROWSER).id == user.id
    assert users.get_user(user.id).last_login_at == frozen_clock()
    assert actions()[0] == "user.signed_in"
    assert audit.list_events()[0].remote_addr == "10.0.0.9"


def test_wrong_unknown_and_disabled_get_the_same_answer(app: Flask) -> None:
    make_user("admin")
    make_user("viewer", email="mel@example.org")
    gone = make_user("viewer", email="gone@example.org")
    users.disable_user(gone.id, COMMAND_LINE)
    answers = set()
    for email, password in (
        ("mel@example.org", "not the password"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("", ""),
    ):
        with pytest.raises(SignInFailed) as refusal:
            sign_in.authenticate(email, password, BROWSER)
        answers.add((refusal.value.code, refusal.value.message, refusal.value.advice))
    assert len(answers) == 1
    assert actions()[:4] == ["user.sign_in_failed"] * 4


def test_the_email_somebody_typed_is_not_kept(app: Flask) -> None:
    with pytest.raises(SignInFailed):
        sign_in.authenticate("my secret password", "x", BROWSER)
    with reading() as session:
        assert "secret" not in str(session.execute(text("SELECT * FROM audit_events")).all())


def test_ten_wrong_tries_make_the_right_one_wait(app: Flask, frozen_clock: FrozenClock) -> None:
    make_user("viewer", email="mel@example.org")
    make_user("viewer", email="sam@example.org")
    for _ in range(6):
        with pytest.raises(SignInFailed):
            sign_in.authenticate("mel@example.org", "not the password", BROWSER)
    for _ in range(4):
        with pytest.raises(TooManyTries) as refusal:
            sign_in.authenticate("mel@example.org", "not the password", BROWSER)
    assert refusal.value.retry_after_s >= 1
    with pytest.raises(TooManyTries):
        sign_in.authenticate("mel@example.org", PASSWORD, BROWSER)
    assert sign_in.authenticate("sam@example.org", PASSWORD, BROWSER)
    frozen_clock.advance(seconds=refusal.value.retry_after_s)
    assert sign_in.authenticate("mel@example.org", PASSWORD, BROWSER)


def test_an_old_hash_is_renewed_on_sign_in(app: Flask) -> None:
    user = make_user("viewer")
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with writing() as session:
        session.execute(update(User).where(User.id == user.id).values(password_hash=weak))
    sign_in.authenticate(user.email, PASSWORD, BROWSER)
    with reading() as session:
        row = session.get(User, user.id)
        assert row is not None
        assert row.password_hash != weak
    assert sign_in.authenticate(user.email, PASSWORD, BROWSER)


def test_a_new_password_works_and_the_old_does_not(app: Flask) -> None:
    user = make_user("viewer")
    users.set_password(user.id, NEW, COMMAND_LINE)
    assert sign_in.authenticate(user.email, NEW, BROWSER)
    with pytest.raises(SignInFailed):
        sign_in.authenticate(user.email, PASSWORD, BROWSER)
    with pytest.raises(Invalid):
        users.set_password(user.id, "short", COMMAND_LINE)


def test_changing_ones_own_password_needs_the_current_one(app: Flask) -> None:
    user = make_user("viewer")
    mel = users.as_actor(user, BROWSER)
    with pytest.raises(Invalid) as refusal:
        sign_in.change_own_password(user.id, "not the password", NEW, mel)
    assert set(refusal.value.errors) == {"current_password"}
    with pytest.raises(Invalid) as refusal:
        sign_in.change_own_password(user.id, PASSWORD, "short", mel)
    assert set(refusal.value.errors) == {"new_password"}
    sign_in.change_own_password(user.id, PASSWORD, NEW, mel)
    assert sign_in.authenticate(user.email, NEW, BROWSER)


def test_a_disabled_person_can_come_back(app: Flask) -> None:
    make_user("admin")
    user = make_user("viewer")
    users.disable_user(user.id, COMMAND_LINE)
    assert users.get_user(user.id).disabled_at is not None
    users.enable_user(user.id, COMMAND_LINE)
    assert sign_in.authenticate(user.email, PASSWORD, BROWSER)
    assert {"user.disabled", "user.enabled"} <= set(actions())


def test_the_last_administrator_stays(app: Flask) -> None:
    admin = make_user("admin")
    for change in (
        lambda: users.disable_user(admin.id, COMMAND_LINE),
        lambda: users.change_role(admin.id, "viewer", COMMAND_LINE),
    ):
        with pytest.raises(Conflict) as refusal:
            change()
        assert refusal.value.code == "LAST-ADMIN"
    other = make_user("admin")
    users.change_role(admin.id, "viewer", COMMAND_LINE)
    assert users.get_user(admin.id).role == "viewer"
    assert users.get_user(other.id).role == "admin"


def test_a_clinician_has_a_column_that_exists(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    with pytest.raises(Invalid):
        users.change_role(user.id, "clinician", COMMAND_LINE, clinician_id=77)
    with writing() as session:
        column = RunSheetClinician(name="Dr Ada Bright", created_at=frozen_clock())
        session.add(column)
        session.flush()
        column_id = column.id
    users.change_role(user.id, "clinician", COMMAND_LINE, clinician_id=column_id)
    assert users.get_user(user.id).clinician_id == column_id
    assert audit.list_events(subject=f"user:{user.id}")[0].detail == {
        "field": "role",
        "old": "viewer",
        "new": "clinician",
        "clinician_id": column_id,
    }


def test_nobody_of_that_number_or_email_is_not_found(app: Flask) -> None:
    for ask in (
        lambda: users.get_user(99),
        lambda: users.find_user("x@y.z"),
        lambda: users.disable_user(99, COMMAND_LINE),
        lambda: users.set_password(99, NEW, COMMAND_LINE),
    ):
        with pytest.raises(NotFound):
            ask()


def set_up(code: str, **fields: str) -> users.UserView:
    values = {"email": "ann@example.org", "name": "Ann", "password": PASSWORD} | fields
    return users.set_up_first_admin(code, actor=BROWSER, **values)


def test_the_setup_code_makes_the_first_administrator_once(app: Flask) -> None:
    code = users.make_setup_code().code
    assert set_up(code.lower().replace("-", " ")).role == "admin"
    with pytest.raises(Conflict) as refusal:
        set_up(code, email="eve@example.org")
    assert refusal.value.code == "ALREADY-SET-UP"
    with pytest.raises(Conflict):
        users.make_setup_code()
    assert len(users.list_users()) == 1


def test_the_setup_code_dies_on_use(app: Flask) -> None:
    code = users.make_setup_code().code
    set_up(code)
    assert not setup_code.is_right(code)


def test_the_setup_code_expires(app: Flask, frozen_clock: FrozenClock) -> None:
    code = users.make_setup_code().code
    frozen_clock.advance(minutes=60)
    with pytest.raises(Invalid) as refusal:
        set_up(code)
    assert set(refusal.value.errors) == {"code"}


def test_a_new_setup_code_replaces_the_old_one(app: Flask) -> None:
    old, new = users.make_setup_code().code, users.make_setup_code().code
    assert not setup_code.is_right(old)
    assert setup_code.is_right(new)


def test_a_refused_field_does_not_cost_the_code(app: Flask) -> None:
    code = users.make_setup_code().code
    for _ in range(8):
        with pytest.raises(Invalid) as refusal:
            set_up(code, password="short")
        assert set(refusal.value.errors) == {"password"}
    assert set_up(code)


def test_guessing_the_setup_code_is_slowed(app: Flask, frozen_clock: FrozenClock) -> None:
    users.make_setup_code()
    for _ in range(6):
        with pytest.raises(Invalid):
            set_up("AAAA-AAAA-AAAA-AAAA-AAAA")
    with pytest.raises(TooManyTries):
        set_up("AAAA-AAAA-AAAA-AAAA-AAAA")


def test_only_the_hash_of_the_setup_code_is_kept_and_only_for_the_owner(app: Flask) -> None:
    made = users.make_setup_code()
    file = app.extensions["pmsapp_settings"].instance_dir / setup_code.FILE
    assert made.code not in file.read_text()
    assert made.code not in repr(made)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
