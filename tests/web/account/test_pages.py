"""Signing in and out, the first administrator, and one's own account, over HTTP."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pmsapp.access import guard
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.people import sessions, users
from pmsapp.services.people import sign_in as signing_in
from pmsapp.settings import Settings
from tests.support.actors import PASSWORD, Browser, browser, make_user
from tests.support.clock import FrozenClock

NEW = "green boats hum tango"


def csrf_of(page: Any) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, next_page: str = "/") -> Any:
    token = csrf_of(client.get("/login"))
    form = {"csrf_token": token, "email": email, "password": password, "next": next_page}
    return client.post("/login", data=form)


def cookie_value(client: FlaskClient, app: Flask) -> str | None:
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    return cookie.value if cookie else None


def token_in(client: FlaskClient) -> str | None:
    with client.session_transaction() as cookie:
        return cookie.get(guard.SESSION_TOKEN)


def test_the_right_password_opens_the_page_one_wanted(app: Flask, client: FlaskClient) -> None:
    user = make_user("viewer")
    answer = client.get("/settings/account")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/settings/account"
    answer = sign_in(client, user.email, next_page="/settings/account")
    assert (answer.status_code, answer.location) == (303, "/settings/account")
    assert "Your account" in client.get("/settings/account").text


def test_a_wrong_password_says_so_in_words_and_keeps_the_email(app: Flask, client: FlaskClient) -> None:
    user = make_user("viewer")
    answer = sign_in(client, user.email, "not the password")
    assert answer.status_code == 422
    assert "do not go together" in answer.text
    assert user.email in answer.text
    assert "not the password" not in answer.text
    assert token_in(client) is None


def test_an_unknown_email_and_a_wrong_password_look_alike(app: Flask, client: FlaskClient) -> None:
    make_user("viewer", email="mel@example.org")
    bodies = []
    for email in ("mel@example.org", "eve@example.org"):
        answer = sign_in(client, email, "not the password")
        plain = re.sub(r'(csrf_token" value=|X-CSRFToken":)"[^"]+"', "", answer.text).replace(email, "")
        bodies.append((answer.status_code, plain))
    assert bodies[0] == bodies[1]


def test_an_unknown_email_takes_as_long_as_a_wrong_password(app: Flask, frozen_clock: FrozenClock) -> None:
    make_user("viewer", email="mel@example.org")
    outsider = guard.Actor(kind="anonymous", name="not signed in", role="none")

    def try_once(email: str) -> float:
        frozen_clock.advance(hours=25)
        began = time.perf_counter()
        with pytest.raises(signing_in.SignInFailed):
            signing_in.authenticate(email, "not the password", outsider)
        return time.perf_counter() - began

    try_once("eve@example.org")
    known, unknown = [], []
    for _ in range(15):
        known.append(try_once("mel@example.org"))
        unknown.append(try_once("eve@example.org"))
    ratio = statistics.median(known) / statistics.median(unknown)
    assert 0.5 < ratio < 2


def test_ten_wrong_tries_answer_429_until_the_wait_is_over(
    app: Flask, client: FlaskClient, frozen_clock: FrozenClock
) -> None:
    user, other = make_user("viewer"), make_user("viewer")
    answers = [sign_in(client, user.email, "not the password") for _ in range(10)]
    assert answers[-1].status_code == 429
    wait_s = int(answers[-1].headers["Retry-After"])
    assert wait_s >= 1
    assert sign_in(client, user.email).status_code == 429
    assert sign_in(app.test_client(), other.email).status_code == 303
    frozen_clock.advance(seconds=wait_s)
    assert sign_in(client, user.email).status_code == 303


def test_signing_in_brings_a_new_token_and_ends_the_old_session(app: Flask, client: FlaskClient) -> None:
    user = make_user("viewer")
    sign_in(client, user.email)
    first = token_in(client)
    client.get("/settings/account")
    with client.session_transaction() as cookie:
        csrf_before = cookie["csrf_token"]
    mine = browser(app, user)
    with client.session_transaction() as cookie:
        cookie["planted"] = "yes"
    page = client.get("/settings/account")
    answer = client.post("/confirm", data={"csrf_token": csrf_of(page), "password": PASSWORD})
    assert answer.status_code == 303
    assert token_in(client) not in {None, first}
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie.get("csrf_token") != csrf_before
    assert sessions.resume(first or "", active=False) is None
    assert mine.get("/settings/account").status_code == 200


def test_a_planted_token_is_not_taken_over(app: Flask, client: FlaskClient) -> None:
    user = make_user("viewer")
    with client.session_transaction() as cookie:
        cookie[guard.SESSION_TOKEN] = "planted-by-somebody"
    sign_in(client, user.email)
    assert token_in(client) != "planted-by-somebody"


def test_the_database_does_not_hold_the_cookies_token(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user("viewer").email)
    token = token_in(client)
    assert token
    database = app.extensions["pmsapp_settings"].instance_dir / "pmsapp.sqlite3"
    stored = b"".join(file.read_bytes() for file in database.parent.glob("pmsapp.sqlite3*"))
    assert token.encode() not in stored


def test_signing_out_ends_the_session_and_clears_the_browser(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user("viewer").email)
    saved = cookie_value(client, app)
    page = client.get("/settings/account")
    answer = client.post("/logout", data={"csrf_token": csrf_of(page)})
    assert (answer.status_code, answer.location) == (303, "/login?done=out")
    assert '"storage"' in answer.headers["Clear-Site-Data"]
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], saved or "")
    assert client.get("/settings/account").status_code == 303


@pytest.mark.parametrize("event", ["disable", "role", "password", "end"])
def test_a_saved_cookie_is_dead_after_the_person_changed(app: Flask, event: str) -> None:
    make_user("admin")
    mel = browser(app, make_user("viewer"))
    actor = guard.Actor(kind="cli", name="command line")
    assert mel.get("/settings/account").status_code == 200
    {
        "disable": lambda: users.disable_user(mel.user.id, actor),
        "role": lambda: users.change_role(mel.user.id, "reception", actor),
        "password": lambda: users.set_password(mel.user.id, NEW, actor),
        "end": lambda: sessions.end_all(mel.user.id, actor),
    }[event]()
    assert mel.get("/settings/account").status_code == 303


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "%2f%2fevil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/\tevil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        " /evil",
        "evil",
        "/login",
        "/logout",
    ],
)
def test_the_next_page_never_leaves_this_site(app: Flask, evil: str) -> None:
    user = make_user("viewer")
    answer = sign_in(app.test_client(), user.email, next_page=evil)
    assert (answer.status_code, answer.location) == (303, "/")
    assert guard.local_path(evil) == "/"


def test_the_next_page_keeps_a_path_of_ours() -> None:
    assert guard.local_path("/sheet/2026-11-23?column=3") == "/sheet/2026-11-23?column=3"


def test_whoever_is_signed_in_goes_past_the_sign_in_page(app: Flask, viewer: Browser) -> None:
    answer = viewer.get("/login?next=/settings/account")
    assert (answer.status_code, answer.location) == (303, "/settings/account")


def test_fifteen_quiet_minutes_lock_the_page_and_lead_back(
    app: Flask, frozen_clock: FrozenClock, login: Callable[..., Browser]
) -> None:
    mel = login("viewer")
    frozen_clock.advance(minutes=14, seconds=59)
    assert mel.get("/settings/account", headers={guard.POLL_HEADER: "1"}).status_code == 200
    frozen_clock.advance(seconds=2)
    answer = mel.get("/settings/account")
    assert answer.location == "/login?next=/settings/account"


def test_a_timer_of_the_page_is_no_activity(
    app: Flask, frozen_clock: FrozenClock, login: Callable[..., Browser]
) -> None:
    mel = login("viewer")
    poll = {
        guard.POLL_HEADER: "1",
        "HX-Request": "true",
        "HX-Current-URL": "http://localhost/settings/account",
    }
    for _ in range(15):
        frozen_clock.advance(minutes=1)
        assert mel.get("/settings/account", headers=poll).status_code == 200
    frozen_clock.advance(minutes=1)
    answer = mel.get("/settings/account", headers=poll)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/settings/account"
    assert mel.user.name not in answer.text


def test_one_can_end_ones_own_other_browsers(app: Flask, viewer: Browser) -> None:
    there = browser(app, viewer.user)
    page = viewer.get("/settings/account").text
    target = re.search(r"/settings/account/sessions/\d+/end\b", page)
    assert target
    assert viewer.post(target.group()).status_code == 303
    assert there.get("/settings/account").status_code == 303
    assert viewer.get("/settings/account").status_code == 200


def test_one_can_end_all_other_browsers_at_once(app: Flask, viewer: Browser) -> None:
    others = [browser(app, viewer.user) for _ in range(2)]
    assert viewer.post("/settings/account/sessions/end-others").status_code == 303
    assert [other.get("/settings/account").status_code for other in others] == [303, 303]
    assert viewer.get("/settings/account").status_code == 200


def test_somebody_elses_browser_is_not_found(app: Flask, viewer: Browser) -> None:
    other = browser(app, make_user("reception"))
    theirs = sessions.list_live(other.user.id)[0].id
    assert viewer.post(f"/settings/account/sessions/{theirs}/end").status_code == 404
    assert viewer.post("/settings/account/sessions/999999/end").status_code == 404
    assert other.get("/settings/account").status_code == 200


def test_changing_the_password_signs_out_everywhere_else(app: Flask, viewer: Browser) -> None:
    there = browser(app, viewer.user)
    before = token_in(viewer.client)
    form = {"current_password": PASSWORD, "new_password": NEW}
    answer = viewer.post("/settings/account/password", data=form)
    assert (answer.status_code, answer.location) == (303, "/settings/account?done=password")
    assert token_in(viewer.client) != before
    assert "password is changed" in viewer.get(answer.location).text
    assert there.get("/settings/account").status_code == 303
    assert sign_in(app.test_client(), viewer.user.email, NEW).status_code == 303


def test_a_refused_new_password_is_named_under_its_field(app: Flask, viewer: Browser) -> None:
    form = {"current_password": PASSWORD, "new_password": "short"}
    answer = viewer.post("/settings/account/password", data=form)
    assert answer.status_code == 422
    assert re.search(
        r'id="new_password"[^>]*aria-invalid="true"[^>]*aria-describedby="[^"]*new_password-error',
        answer.text,
    )
    assert "12 characters" in answer.text
    form = {"current_password": "not the password", "new_password": NEW}
    assert "not your current password" in viewer.post("/settings/account/password", data=form).text
    assert PASSWORD not in answer.text


def test_a_wrong_confirmation_is_refused_and_slowed(
    app: Flask, viewer: Browser, frozen_clock: FrozenClock
) -> None:
    mel = browser(app, viewer.user)
    for _ in range(6):
        assert mel.post("/confirm", data={"password": "not the password"}).status_code == 422
    answer = mel.post("/confirm", data={"password": PASSWORD})
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers


def test_the_first_administrator_sets_up_with_the_code(app: Flask, client: FlaskClient) -> None:
    assert "Set up the first administrator" in client.get("/login").text
    code = users.make_setup_code().code
    page = client.get("/setup")
    form = {
        "csrf_token": csrf_of(page),
        "code": code,
        "email": "ann@example.org",
        "name": "Ann",
        "password": PASSWORD,
    }
    wrong = client.post("/setup", data=form | {"code": "AAAA", "password": "short"})
    assert wrong.status_code == 422
    assert "wrong or has expired" in wrong.text
    assert "12 characters" in wrong.text
    assert 'value="AAAA"' not in wrong.text
    again = client.post("/setup", data=form | {"password": "short"})
    assert f'value="{code}"' in again.text
    assert client.post("/setup", data=form).status_code == 303
    assert client.get("/decisions").location == "/settings/account/second-factor?next=/decisions"
    assert client.get("/settings/account/second-factor").status_code == 200
    outsider = app.test_client()
    assert outsider.get("/setup").location == "/login"
    assert "first administrator" not in outsider.get("/login").text
    form["csrf_token"] = csrf_of(outsider.get("/login"))
    assert outsider.post("/setup", data=form | {"email": "eve@example.org"}).location == "/login"
    assert len(users.list_users()) == 1


def test_sign_ins_leave_audit_rows_with_address_and_request(app: Flask, client: FlaskClient) -> None:
    user = make_user("viewer")
    answer = sign_in(client, user.email, "not the password")
    failed = audit.list_events()[0]
    assert failed.action == "user.sign_in_failed"
    assert failed.request_id == answer.headers["X-Request-Id"]
    assert failed.remote_addr == "127.0.0.1"
    sign_in(client, user.email)
    assert [event.action for event in audit.list_events(limit=3)] == [
        "session.started",
        "browser.remembered",
        "user.signed_in",
    ]
    assert audit_chain.verify().ok


def test_over_plain_http_from_elsewhere_the_page_says_why_signing_in_will_not_work(
    make_settings: Callable[..., Settings], app: Flask
) -> None:
    from pmsapp.factory import create_app

    lan = create_app(make_settings(host="192.0.2.10"))
    answer = lan.test_client().get("/login", base_url="http://192.0.2.10")
    assert "not encrypted" in answer.text
    answer = lan.test_client().get("/login", base_url="https://192.0.2.10")
    assert "not encrypted" not in answer.text
