"""What holds on every answer: headers, cookies, hosts, proxies, limits, errors, who asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request, url_for
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from pmsapp.access import PERMISSIONS, Rule, guard, put_together
from pmsapp.access.rules import (
    ADMINS_FRESH,
    DESK,
    PUBLIC,
    READ,
    READ_POLL,
    STATE,
    WEBHOOK,
)
from pmsapp.domain.errors import RetryLaterError
from pmsapp.factory import create_app
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.people import api_tokens
from pmsapp.settings import Settings
from pmsapp.web.http import headers
from tests.support.actors import PASSWORD, Browser, Program, browser, make_user, program_for
from tests.support.clients import Client
from tests.support.clock import FrozenClock

CANARY = "Zzyzx Quux 0491 570 006"
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


def _raise(kind: str) -> None:
    raise {
        "bug": RuntimeError(f"the patient is {CANARY}"),
        "not_found": NotFound("card"),
        "conflict": Conflict("CARD-CHANGED", "Somebody changed this card."),
        "invalid": Invalid({"date": "Not a date."}),
        "vendor": RetryLaterError("PMS-DOWN", pms="Halaxy"),
        "database": OperationalError("SELECT name FROM patients", {"name": CANARY}, Exception("locked")),
    }[kind]


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The whole app with a few routes more, to try the guard on."""
    app = create_app(settings)
    app.test_client_class = Client
    add_probes(app, monkeypatch)
    with app.app_context():
        yield app


def add_probes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(path: str, name: str, rules: dict[str, Rule] | None, view: Callable[..., Any]) -> None:
        app.add_url_rule(path, f"probe_{name}", view, methods=list(rules or {"GET": PUBLIC}))
        if rules is not None:
            monkeypatch.setitem(PERMISSIONS, f"probe_{name}", rules)

    def who() -> str:
        actor = guard.current_actor()
        return f"{actor.kind}:{actor.role} {request.form.get('x', '')}"

    def where() -> dict[str, str | None]:
        return {"address": request.remote_addr, "url": url_for("probe_where", _external=True)}

    probe("/api/probe", "api", {"GET": READ, "POST": DESK}, who)
    probe("/api/probe/state", "state", {"GET": STATE}, who)
    probe("/probe", "page", {"GET": READ, "POST": DESK}, who)
    probe("/probe/poll", "poll", {"GET": READ_POLL}, who)
    probe("/probe/fresh", "fresh", {"GET": ADMINS_FRESH, "POST": ADMINS_FRESH}, who)
    probe("/probe/forgotten", "forgotten", None, lambda: CANARY)
    probe("/probe/where", "where", {"GET": PUBLIC}, where)
    probe("/webhooks/probe", "webhook", {"POST": WEBHOOK}, lambda: ("", 202))
    for kind in ("bug", "not_found", "conflict", "invalid", "vendor", "database"):
        probe(f"/probe/{kind}", kind, {"GET": PUBLIC}, lambda kind=kind: _raise(kind))
    probe("/api/probe/bug", "api_bug", {"GET": PUBLIC}, lambda: _raise("bug"))


def assert_safe_headers(answer: Any) -> None:
    for name, value in headers.SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert len(answer.headers["X-Request-Id"]) == 16


# --- headers -------------------------------------------------------------------------------------------------


def test_the_content_policy_is_closed_but_for_our_own_files() -> None:
    assert headers.CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 200),
        ("/settings/account", 303),
        ("/static/css/base.css", 200),
        ("/static/nothing.css", 404),
        ("/nothing", 404),
        ("/logout", 405),
        ("/probe/forgotten", 403),
        ("/probe/bug", 500),
        ("/probe/database", 503),
        ("/api/probe", 401),
        ("/api/nothing", 404),
        ("/api/probe/bug", 500),
    ],
)
def test_every_kind_of_answer_carries_the_headers(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert_safe_headers(answer)
    if not path.startswith("/static/css"):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "HX-Request" in answer.headers["Vary"]
    assert "Strict-Transport-Security" not in answer.headers


def test_over_tls_browsers_are_told_to_stay_on_it(client: FlaskClient) -> None:
    answer = client.get("/nothing", base_url="https://localhost")
    seconds = int(answer.headers["Strict-Transport-Security"].split(";")[0].removeprefix("max-age="))
    assert seconds >= 365 * 24 * 3600


# --- cookies, hosts, proxies ---------------------------------------------------------------------------------


def session_cookie(app: Flask, base_url: str) -> str:
    answer = app.test_client().get("/login", base_url=base_url)
    return next(cookie for cookie in answer.headers.getlist("Set-Cookie") if "pmsapp-" in cookie)


def test_on_this_machine_the_cookie_is_out_of_scripts_reach(app: Flask) -> None:
    cookie = session_cookie(app, "http://localhost")
    assert cookie.startswith("pmsapp-")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize("setting", [{"trusted_proxies": 1}, {"host": "::"}, {"host": "192.0.2.10"}])
def test_anywhere_else_the_cookie_travels_only_over_tls(
    make_settings: Callable[..., Settings], setting: dict[str, Any]
) -> None:
    cookie = session_cookie(create_app(make_settings(**setting)), "https://localhost")
    assert cookie.startswith("__Host-pmsapp-")
    assert "Secure" in cookie
    assert "Domain" not in cookie


def test_two_installations_on_one_host_do_not_share_a_cookie(
    make_settings: Callable[..., Settings], tmp_path: Any
) -> None:
    names = {
        create_app(make_settings().model_copy(update={"instance_dir": tmp_path / name})).config[
            "SESSION_COOKIE_NAME"
        ]
        for name in ("real", "demo")
    }
    assert len(names) == 2


def test_a_foreign_host_name_gets_a_plain_400(client: FlaskClient) -> None:
    answer = client.get("/login", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "evil" not in answer.text
    assert_safe_headers(answer)


def test_forwarding_headers_of_nobody_are_ignored(client: FlaskClient) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.1, 203.0.113.2",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }
    seen = client.get("/probe/where", headers=forged).json
    assert seen == {"address": "127.0.0.1", "url": "http://localhost/probe/where"}


def test_only_the_configured_proxy_is_believed(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(make_settings(trusted_proxies=1))
    add_probes(app, monkeypatch)
    forged = {
        "X-Forwarded-For": "198.51.100.66, 203.0.113.2",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }
    seen = app.test_client().get("/probe/where", headers=forged).json
    assert seen == {"address": "203.0.113.2", "url": "https://localhost/probe/where"}


# --- limits and errors ---------------------------------------------------------------------------------------


def test_more_than_a_megabyte_is_refused(reception: Browser) -> None:
    answer = reception.post("/probe", data={"x": "x" * (1024 * 1024 + 1)})
    assert answer.status_code == 413
    assert "too much" in answer.text


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("bug", 500, "Something in pmsapp went wrong"),
        ("not_found", 404, "There is no such card."),
        ("conflict", 409, "Somebody changed this card."),
        ("invalid", 422, "Not a date."),
        ("vendor", 503, "Halaxy is not answering"),
        ("database", 503, "The server is busy"),
    ],
)
@pytest.mark.parametrize("fragment", [False, True])
def test_every_fault_is_told_in_plain_words_without_its_inside(
    client: FlaskClient, kind: str, status: int, words: str, fragment: bool
) -> None:
    answer = client.get(f"/probe/{kind}", headers={"HX-Request": "true"} if fragment else {})
    assert answer.status_code == status
    assert words in answer.text
    assert ".." not in answer.text
    assert ("<html" in answer.text) is not fragment
    assert answer.headers["X-Request-Id"] in answer.text
    for secret in (CANARY, "Traceback", "SELECT", ".py", "RuntimeError"):
        assert secret not in answer.text


def test_a_failing_fragment_goes_to_the_banner_and_leaves_the_page_as_it_was(client: FlaskClient) -> None:
    answer = client.get("/probe/bug", headers={"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#banner"
    assert answer.headers["HX-Reswap"] == "innerHTML"


def test_a_broken_error_page_still_answers(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmsapp.web.http.errors.render_template", lambda *args, **kwargs: 1 / 0)
    for fragment in ({}, {"HX-Request": "true"}):
        answer = client.get("/probe/bug", headers=fragment)
        assert answer.status_code == 500
        assert "Something in pmsapp went wrong" in answer.text


@pytest.mark.parametrize("path", ["/api/nothing", "/api/probe/bug", "/webhooks/nothing"])
def test_machines_get_a_problem_they_can_read(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json(force=True)
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= set(body)
    assert CANARY not in answer.text


def test_the_json_interface_may_bring_its_own_problems(app: Flask, client: FlaskClient) -> None:
    guard.use_problem_renderer(app, lambda error: (f"mine: {type(error).__name__}", 418))
    assert client.get("/api/probe").text == "mine: SignInNeeded"
    assert client.get("/api/nothing").text == "mine: NotFound"
    assert client.get("/probe/not_found").status_code == 404


# --- who asks ------------------------------------------------------------------------------------------------


def test_a_route_nobody_wrote_a_permission_for_answers_nobody(client: FlaskClient, admin: Browser) -> None:
    for asker in (client, admin):
        answer = asker.get("/probe/forgotten")
        assert answer.status_code == 403
        assert CANARY not in answer.text


def test_two_areas_cannot_claim_one_endpoint() -> None:
    with pytest.raises(ValueError, match=r"auth\.login"):
        put_together({"auth.login": {"GET": PUBLIC}}, {"auth.login": {"GET": READ}})


def test_a_bearer_token_works_under_api(app: Flask) -> None:
    assert program_for(app, "viewer").get("/api/probe").text.startswith("token:viewer")


def test_a_bearer_token_works_nowhere_else(app: Flask) -> None:
    assert program_for(app, "admin").get("/probe").status_code == 303


@pytest.mark.parametrize("given", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer pms_00000000_x", "💥"])
def test_a_bad_authorization_is_401_even_with_a_good_cookie(admin: Browser, given: str) -> None:
    answer = admin.get("/api/probe", headers={"Authorization": given.encode().decode("latin-1")})
    assert answer.status_code == 401


def test_a_revoked_or_expired_token_is_401(app: Flask, frozen_clock: FrozenClock) -> None:
    actor = guard.Actor(kind="cli", name="command line")
    made = api_tokens.create("Board", "viewer", actor, days=1)
    program = Program(app.test_client(), made.token)
    assert program.get("/api/probe").status_code == 200
    frozen_clock.advance(days=1)
    assert program.get("/api/probe").status_code == 401
    again = api_tokens.create("Board", "viewer", actor)
    api_tokens.revoke(again.view.id, actor)
    assert Program(app.test_client(), again.token).get("/api/probe").status_code == 401


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "anything"])
def test_a_token_in_the_address_is_401(app: Flask, admin: Browser, name: str) -> None:
    program = program_for(app, "admin")
    answer = app.test_client().get(f"/api/probe?{name}={program.token}")
    assert answer.status_code == 401
    assert program.get(f"/api/probe?{name}={program.token}").status_code == 401
    assert admin.get(f"/api/probe?{name}={program.token}").status_code == 401


def test_a_status_token_reads_states_and_nothing_about_patients(app: Flask) -> None:
    board = program_for(app, "status")
    assert board.get("/api/probe/state").status_code == 200
    assert board.get("/api/probe").status_code == 403


def test_a_viewer_reads_but_changes_nothing(app: Flask, viewer: Browser) -> None:
    assert viewer.get("/probe").text.startswith("user:viewer")
    assert viewer.post("/probe").status_code == 403
    assert program_for(app, "viewer").send("POST", "/api/probe").status_code == 403


def test_an_outsider_is_led_to_sign_in(client: FlaskClient) -> None:
    page = client.get("/probe?day=1")
    assert (page.status_code, page.location) == (303, "/login?next=/probe%3Fday%3D1")
    fragment = client.get(
        "/probe", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/sheet/2026-11-23"}
    )
    assert fragment.status_code == 401
    assert fragment.headers["HX-Redirect"] == "/login?next=/sheet/2026-11-23"
    assert client.get("/api/probe").status_code == 401


def test_where_a_fragment_was_is_believed_only_for_our_own_site(client: FlaskClient) -> None:
    asked = {"HX-Request": "true", "HX-Current-URL": "http://evil.example/sheet"}
    assert client.get("/probe", headers=asked).headers["HX-Redirect"] == "/login"


# --- where a request comes from --------------------------------------------------------------------------------


def test_a_form_without_the_pages_token_is_refused(reception: Browser) -> None:
    assert reception.client.post("/probe").status_code == 403
    assert reception.post("/probe").status_code == 200


def test_the_token_of_another_browser_is_refused(app: Flask, reception: Browser) -> None:
    other = browser(app, make_user("reception"))
    answer = reception.client.post("/probe", headers={"X-CSRFToken": other.csrf})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({}, 200),
    ],
)
def test_a_request_another_site_made_is_refused_even_with_the_token(
    reception: Browser, told: dict[str, str], status: int
) -> None:
    assert reception.post("/probe", headers=told).status_code == status
    assert reception.post("/api/probe", headers=told).status_code == status


def test_the_json_interface_needs_the_pages_token_from_cookie_callers(reception: Browser) -> None:
    assert reception.client.post("/api/probe", json={}).status_code == 403
    assert reception.post("/api/probe", json={}).status_code == 200


def test_programs_need_no_page_token(app: Flask) -> None:
    assert program_for(app, "reception").send("POST", "/api/probe").status_code == 200


def test_a_webhook_needs_no_page_token(client: FlaskClient) -> None:
    assert client.post("/webhooks/probe").status_code == 202


def test_a_route_asked_by_timers_alone_never_counts_as_activity(
    app: Flask, frozen_clock: FrozenClock, login: Callable[..., Browser]
) -> None:
    mel = login("viewer")
    for _ in range(3):
        frozen_clock.advance(minutes=5)
        assert mel.get("/probe/poll").status_code == 200
    frozen_clock.advance(seconds=1)
    assert mel.get("/probe/poll").status_code == 303


# --- fresh passwords -------------------------------------------------------------------------------------------


def test_delicate_pages_ask_for_the_password_again(
    app: Flask, frozen_clock: FrozenClock, login: Callable[..., Browser]
) -> None:
    ann = login("admin")
    assert ann.get("/probe/fresh").status_code == 200
    frozen_clock.advance(minutes=10)
    ann.get("/probe")
    frozen_clock.advance(minutes=6)
    answer = ann.get("/probe/fresh")
    assert answer.location == "/confirm?next=/probe/fresh"
    assert ann.post("/probe/fresh").status_code == 200, "a form opened in time may still be sent"
    answer = ann.post("/confirm", data={"password": PASSWORD, "next": "/probe/fresh"})
    assert answer.location == "/probe/fresh"
    assert ann.get("/probe/fresh").status_code == 200


def test_a_delicate_form_sent_much_too_late_is_refused(
    app: Flask, frozen_clock: FrozenClock, login: Callable[..., Browser]
) -> None:
    ann = login("admin")
    for _ in range(4):
        frozen_clock.advance(minutes=10)
        ann.get("/probe")
    answer = ann.post("/probe/fresh", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/confirm")


# --- static files ----------------------------------------------------------------------------------------------


def test_htmx_is_the_pinned_release() -> None:
    from pmsapp import paths

    file = paths.STATIC / "vendor" / "htmx-4.0.1.min.js"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == HTMX_SHA256


def test_static_files_need_no_session_and_set_no_cookie(client: FlaskClient) -> None:
    answer = client.get("/static/css/base.css")
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
