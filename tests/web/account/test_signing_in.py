"""Signing in over HTTP: known browsers, the second factor, links, passwords that have to be changed."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from pmsapp.access import guard
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.people import known_browsers, login_throttle, one_time_links, second_factor, users
from pmsapp.web.account.browser import name_of
from tests.support.actors import PASSWORD, Browser, app_code, browser, make_user
from tests.support.clock import FrozenClock

NEW = "green boats hum tango"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def send(client: FlaskClient, path: str, page: str | None = None, **fields: str) -> Any:
    """Fill in the form of `page` (else of `path`) and send it."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page or path).text)
    assert found
    return client.post(path, data={"csrf_token": found.group(1), **fields}, headers={"User-Agent": FIREFOX})


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **more: str) -> Any:
    return send(client, "/login", email=email, password=password, **more)


def mark_of(client: FlaskClient, app: Flask) -> Any:
    return client.get_cookie(f"{app.config['SESSION_COOKIE_NAME']}-browser")


def lock(email: str, times: int = 12) -> None:
    """Outsiders guess this person's password."""
    for number in range(times):
        with writing() as session:
            login_throttle.failed(session, login_throttle.keys_for(email, f"203.0.113.{number}"))


class TestKnownBrowsers:
    def test_signing_in_leaves_a_mark_that_outlives_signing_out(
        self, app: Flask, client: FlaskClient
    ) -> None:
        user = make_user("viewer")
        answer = sign_in(client, user.email)
        (cookie,) = [header for header in answer.headers.getlist("Set-Cookie") if "-browser=" in header]
        for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=15552000"):
            assert part in cookie
        first = mark_of(client, app).value
        send(client, "/logout", page="/settings/account")
        assert mark_of(client, app).value == first
        sign_in(client, user.email)
        assert mark_of(client, app).value == first
        assert len(known_browsers.list_of(user.id)) == 1

    def test_a_known_browser_signs_in_at_once_while_a_new_one_waits(
        self, app: Flask, client: FlaskClient, frozen_clock: FrozenClock
    ) -> None:
        user = make_user("viewer")
        sign_in(client, user.email)
        send(client, "/logout", page="/settings/account")
        lock(user.email)
        assert sign_in(client, user.email).status_code == 303
        outsider = app.test_client()
        answer = sign_in(outsider, user.email)
        assert answer.status_code == 429
        assert "the account stays open" in answer.text
        frozen_clock.advance(seconds=int(answer.headers["Retry-After"]))
        lock(user.email)
        assert sign_in(app.test_client(), user.email).status_code == 429, "others' failures go on"
        assert sign_in(outsider, user.email).status_code == 303, "who waited gets in"

    def test_a_mark_that_is_not_ours_is_no_mark(
        self, app: Flask, client: FlaskClient, frozen_clock: FrozenClock
    ) -> None:
        user = make_user("viewer")
        lock(user.email)
        client.set_cookie(f"{app.config['SESSION_COOKIE_NAME']}-browser", '"planted".abc')
        assert sign_in(client, user.email).status_code == 429

    def test_browsers_and_sessions_are_listed_and_forgotten(self, app: Flask, client: FlaskClient) -> None:
        user, other = make_user("viewer"), browser(app, make_user("viewer"))
        sign_in(client, user.email)
        page = client.get("/settings/account").text
        assert "Browsers that know you" in page
        assert page.count("Firefox on Windows") >= 2
        path = re.search(r"/settings/account/browsers/\d+/forget", page)
        assert path
        assert other.post(path.group()).status_code == 404
        assert send(client, path.group(), page="/settings/account").status_code == 303
        assert known_browsers.list_of(user.id) == []

    def test_a_person_keeps_twenty_browsers(self, app: Flask, frozen_clock: FrozenClock) -> None:
        user = make_user("viewer")
        for _ in range(known_browsers.MAX_PER_PERSON + 3):
            frozen_clock.advance(minutes=1)
            sign_in(app.test_client(), user.email)
        assert len(known_browsers.list_of(user.id)) == known_browsers.MAX_PER_PERSON

    @pytest.mark.parametrize(
        ("says", "name"),
        [
            (FIREFOX, "Firefox on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
            ("<script>alert(1)</script>", "A browser"),
            ("", "A browser"),
        ],
    )
    def test_a_browser_is_called_by_a_name_of_ours(self, says: str, name: str) -> None:
        assert name_of(says) == name


class TestSecondFactor:
    def test_the_password_alone_opens_nothing(
        self, app: Flask, client: FlaskClient, frozen_clock: FrozenClock
    ) -> None:
        user = make_user("admin")
        answer = sign_in(client, user.email, next="/decisions")
        assert answer.location == "/login/code"
        assert client.get("/settings/account").location == "/login?next=/settings/account"
        assert mark_of(client, app) is None
        assert send(client, "/login/code", code="000000").status_code == 422
        code = app_code()
        assert send(client, "/login/code", code=code).location == "/decisions"
        assert client.get("/decisions").status_code == 200
        again = app.test_client()
        sign_in(again, user.email)
        assert send(again, "/login/code", code=code).status_code == 422, "the same code a second time"

    def test_the_code_has_to_come_within_five_minutes_and_for_the_same_password(
        self, app: Flask, client: FlaskClient, frozen_clock: FrozenClock
    ) -> None:
        user = make_user("admin")
        sign_in(client, user.email)
        frozen_clock.advance(minutes=5, seconds=1)
        assert client.get("/login/code").location == "/login"
        sign_in(client, user.email)
        users.set_password(user.id, NEW, COMMAND_LINE)
        assert send(client, "/login/code", code=app_code()).location == "/login"
        assert client.get("/settings/account").status_code == 303

    def test_without_a_password_there_is_no_page_for_codes(self, app: Flask, client: FlaskClient) -> None:
        assert client.get("/login/code").location == "/login"
        assert send(client, "/login/code", page="/login", code="123456").location == "/login"

    def test_codes_guessed_are_slowed(
        self, app: Flask, client: FlaskClient, frozen_clock: FrozenClock
    ) -> None:
        sign_in(client, make_user("admin").email)
        answers = [send(client, "/login/code", code="000000") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [422] * 6 + [429]
        assert int(answers[-1].headers["Retry-After"]) >= 1

    def test_an_administrator_without_one_is_led_to_set_it_up_before_anything_else(
        self, app: Flask, frozen_clock: FrozenClock
    ) -> None:
        ann = browser(app, make_user("admin", second_factor=False))
        for path in ("/", "/decisions", "/settings/people", "/settings/account"):
            assert (ann.get(path).location or "").startswith("/settings/account/second-factor"), path
        fragment = ann.get("/decisions", headers={"HX-Request": "true"})
        assert fragment.headers["HX-Redirect"].startswith("/settings/account/second-factor")
        problem = ann.get("/api/pms/connections")
        assert (problem.status_code, problem.json["code"]) == (403, "SECOND-FACTOR-NEEDED")
        page = ann.get("/settings/account/second-factor?next=/decisions")
        assert "Your role needs one" in page.text
        assert "<svg" in page.text
        assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
        secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
        assert secret
        plain = secret.group(1).replace(" ", "")
        assert ann.post("/settings/account/second-factor", data={"code": "000000"}).status_code == 422
        done = ann.post(
            "/settings/account/second-factor", data={"code": app_code(plain), "next": "/decisions"}
        )
        codes = re.findall(r'<code class="secret">([a-z2-9-]{14})</code>', done.text)
        assert len(codes) == second_factor.RECOVERY_CODES
        assert 'href="/decisions"' in done.text
        assert ann.get("/decisions").status_code == 200

    def test_in_a_training_clinic_nobody_is_asked_and_the_page_says_so(
        self, app: Flask, frozen_clock: FrozenClock
    ) -> None:
        clinic.ensure(is_training=True)
        ann = browser(app, make_user("admin", second_factor=False))
        assert ann.get("/decisions").status_code == 200
        assert "training clinic asks nobody" in ann.get("/settings/account/second-factor").text
        assert "training clinic asks nobody" in ann.get("/settings/people").text

    def test_ones_own_is_taken_away_with_a_code_of_it(self, app: Flask, frozen_clock: FrozenClock) -> None:
        mel = browser(app, make_user("viewer", second_factor=True))
        away = "/settings/account/second-factor/take-away"
        assert mel.post(away, data={"code": "000000"}).status_code == 422
        assert mel.post(away, data={"code": app_code()}).status_code == 303
        assert not second_factor.is_enabled(mel.user.id)
        assert mel.get("/settings/account").status_code == 200

    def test_changing_it_needs_a_password_given_minutes_ago(
        self, app: Flask, frozen_clock: FrozenClock
    ) -> None:
        mel = browser(app, make_user("viewer", second_factor=True))
        for minutes in (10, 10, 11):
            mel.get("/settings/account")
            frozen_clock.advance(minutes=minutes)
            mel.get("/settings/account")
        assert mel.get("/settings/account/second-factor").location.startswith("/confirm")
        answer = mel.post("/settings/account/second-factor/recovery-codes")
        assert answer.location.startswith("/confirm")


class TestLinks:
    def test_an_invitation_leads_to_a_password_and_the_sign_in_page(
        self, app: Flask, client: FlaskClient
    ) -> None:
        made = one_time_links.invite("jo@example.org", role="reception", name="Jo", actor=COMMAND_LINE)
        page = client.get(made.path)
        assert "jo@example.org" in page.text
        assert client.get(made.path).status_code == 200, "looking uses nothing up"
        weak = send(client, made.path, password="Winter2026!!!")
        assert weak.status_code == 422
        assert "Winter2026" not in weak.text
        assert send(client, made.path, password=NEW).location == "/login?done=password"
        assert "Your password is set" in client.get("/login?done=password").text
        over = client.get(made.path)
        assert (over.status_code, "This link no longer works" in over.text) == (404, True)
        assert sign_in(client, "jo@example.org", NEW).status_code == 303

    def test_an_unknown_link_says_the_same_as_a_used_one(self, app: Flask, client: FlaskClient) -> None:
        answer = client.get("/link/never-made")
        assert (answer.status_code, "This link no longer works" in answer.text) == (404, True)
        assert send(client, "/link/never-made", page="/login", password=NEW).status_code == 404

    def test_a_password_somebody_else_chose_opens_only_the_page_to_change_it(
        self, app: Flask, client: FlaskClient
    ) -> None:
        users.add_user(
            "jo@example.org", role="viewer", password=PASSWORD, actor=COMMAND_LINE, must_change_password=True
        )
        sign_in(client, "jo@example.org")
        assert client.get("/settings/account").location == "/password?next=/settings/account"
        assert client.get("/api/run-sheet").json["code"] == "CHANGE-PASSWORD"
        same = send(client, "/password", password=PASSWORD)
        assert (same.status_code, "another password" in html.unescape(same.text)) == (422, True)
        done = send(
            client, "/password", page="/password?next=/decisions", password=NEW, next="/settings/account"
        )
        assert done.location == "/settings/account"
        assert client.get("/settings/account").status_code == 200
        assert client.get("/password").location == "/"


def test_signing_out_clears_the_browser_also_when_nothing_can_be_stored(app: Flask, viewer: Browser) -> None:
    def refuse(*args: Any) -> None:
        if args[2].startswith("UPDATE user_sessions"):
            raise OperationalError("update", {}, Exception("attempt to write a readonly database"))

    event.listen(db.engine, "before_cursor_execute", refuse)
    try:
        answer = viewer.post("/logout")
    finally:
        event.remove(db.engine, "before_cursor_execute", refuse)
    assert (answer.status_code, answer.location) == (303, "/login?done=out")
    assert '"storage"' in answer.headers["Clear-Site-Data"]
    with viewer.client.session_transaction() as cookie:
        assert guard.SESSION_TOKEN not in cookie
    assert viewer.get("/settings/account").location.startswith("/login")
