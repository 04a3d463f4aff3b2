"""Canaries: unlikely names, numbers and secrets go in everywhere and must come out only where they belong."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from pmsapp.observability import logs
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import api_tokens, users
from pmsapp.settings import Settings
from tests.observability.test_logs import _loggers_as_they_were  # noqa: F401 - puts the loggers back after each test
from tests.support.actors import PASSWORD, browser, make_user, program_for
from tests.support.clock import FrozenClock
from tests.support.route_sweep import calls
from tests.support.seeded_clinic import Texts, seed

TYPED = "Typedcanary Wobblegong"
TYPED_PHONE = "0491 570 157"
TYPED_EMAIL = "typed.canary@example.com"
TYPED_PASSWORD = "typed password canary"
ANYTHING_TYPED = (TYPED, "Typedcanary", TYPED_PHONE, TYPED_EMAIL, TYPED_PASSWORD, "typed.canary")


@pytest.fixture
def texts(app: Flask, frozen_clock: FrozenClock) -> Texts:
    return seed()


@pytest.fixture
def written(make_settings: Callable[..., Settings]) -> Callable[[], str]:
    """Everything any logger writes at DEBUG, through the one formatter."""
    stream = io.StringIO()
    logs.setup(make_settings(log_format="json"), level=logging.DEBUG, stream=stream)
    return stream.getvalue


def form(reason: str = TYPED) -> dict[str, str]:
    """A form with a canary under every name a form of ours might have."""
    return {
        "email": TYPED_EMAIL,
        "password": TYPED_PASSWORD,
        "current_password": TYPED_PASSWORD,
        "new_password": TYPED_PASSWORD,
        "code": TYPED,
        "name": TYPED,
        "patient_name": TYPED,
        "patient_phone": TYPED_PHONE,
        "patient_email": TYPED_EMAIL,
        "notes": TYPED,
        "reason": reason,
        "display_name": TYPED,
        "client_secret": TYPED,
        "api_token": TYPED,
        "pairing_code": TYPED,
        "q": TYPED,
    }


def sweep(app: Flask, role: str = "admin") -> list[Any]:
    """Call everything with canaries in address, form, JSON and headers, as a person and as a program."""
    user, program = make_user(role), program_for(app, role)
    answers = []
    for call in calls(app):
        address = f"{call.url}?q={TYPED}&name={TYPED_EMAIL}"
        headers = {"User-Agent": TYPED, "Referer": f"http://localhost/?q={TYPED}", "HX-Current-URL": TYPED}
        given = {"json": form()} if call.url.startswith("/api/") else {"data": form()}
        answers.append(browser(app, user).send(call.method, address, headers=headers, **given))
        answers.append(app.test_client().open(address, method=call.method, headers=headers, **given))
        if call.url.startswith("/api/"):
            answers.append(program.send(call.method, address, headers=headers, **given))
    return answers


def assert_absent(haystack: str, needles: tuple[str, ...]) -> None:
    for needle in needles:
        assert needle not in haystack


def rows_of(*tables: str) -> str:
    with reading() as session:
        return str([session.execute(text(f"SELECT * FROM {name}")).all() for name in tables])  # noqa: S608 - ours


def test_no_log_line_holds_a_patient_or_anything_typed(
    app: Flask, texts: Texts, written: Callable[[], str]
) -> None:
    sweep(app)
    lines = written()
    assert lines.count("\n") > 20
    assert_absent(lines, (*texts.patient_texts, *ANYTHING_TYPED))


def test_the_audit_log_holds_no_patient_and_nothing_typed(app: Flask, texts: Texts) -> None:
    sweep(app)
    assert_absent(rows_of("audit_events"), (*texts.patient_texts, *ANYTHING_TYPED, PASSWORD))


def test_a_fault_with_a_patient_in_its_text_leaves_neither_page_nor_line(
    app: Flask, texts: Texts, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any, **kwargs: Any) -> None:
        local_copy = texts.other
        raise KeyError(f"{local_copy} was not found")

    monkeypatch.setattr("pmsapp.services.people.sessions.list_live", break_down)
    answer = browser(app, make_user("admin")).get("/settings/account")
    assert answer.status_code == 500
    assert_absent(answer.text, texts.patient_texts)
    assert_absent(written(), texts.patient_texts)
    assert "KeyError" in written()
    assert answer.headers["X-Request-Id"] in written()


def test_an_sql_error_does_not_repeat_what_the_statement_was_given(app: Flask, texts: Texts) -> None:
    def ask() -> None:
        with writing() as session:
            session.execute(text("UPDATE no_such_table SET name = :name"), {"name": texts.other})

    with pytest.raises(Exception, match="no_such_table") as error:
        ask()
    assert texts.other not in str(error.value)


def test_signing_in_leaves_no_password_or_email_in_logs_or_tables(
    app: Flask, written: Callable[[], str]
) -> None:
    user = make_user("viewer", email=TYPED_EMAIL)
    client = app.test_client()
    for password in (TYPED_PASSWORD, PASSWORD):
        with client.session_transaction() as cookie:
            cookie.clear()
        page = client.get("/login").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        client.post("/login", data={"csrf_token": token, "email": user.email, "password": password})
    assert_absent(written(), (TYPED_EMAIL, TYPED_PASSWORD, PASSWORD, user.name))
    assert_absent(
        rows_of("audit_events", "login_throttles", "user_sessions"),
        (TYPED_EMAIL, TYPED_PASSWORD, PASSWORD),
    )


def test_a_token_or_cookie_never_reaches_a_line_or_a_table(app: Flask, written: Callable[[], str]) -> None:
    program = program_for(app, "admin")
    program.get("/metrics")
    program.client.get(f"/api/anything?x={program.token}")
    stored = rows_of("api_tokens", "audit_events")
    assert_absent(written() + stored, (program.token,))
    assert api_tokens.find(program.token) is not None


def test_machines_health_pages_name_nobody(app: Flask, texts: Texts) -> None:
    program = program_for(app, "status")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert_absent(program.get(path).text, (*texts.patient_texts, texts.vendor))


def test_page_titles_name_no_patient(app: Flask, texts: Texts) -> None:
    mine = browser(app, make_user("admin"))
    for call in calls(app):
        if call.method == "GET":
            title = mine.get(call.url).text.partition("<title>")[2].partition("</title>")[0]
            assert_absent(title, texts.patient_texts)


def test_nothing_secret_shows_when_settings_or_people_are_printed(
    app: Flask, make_settings: Callable[..., Settings]
) -> None:
    secret = "k" * 40
    settings = make_settings(
        secret_key=secret, gentu_client_secret=TYPED, alert_urls=(f"json://{TYPED}@127.0.0.1",)
    )
    assert_absent(repr(settings) + str(settings), (secret, TYPED))
    assert "argon2" not in repr(users.list_users())
