"""Sweeps over every route and method. A new route is covered the day it is added."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pmsapp.access import PEOPLE_ROLES, PERMISSIONS, TOKEN_ROLES
from pmsapp.access.guard import TOKEN_PATHS
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.people import second_factor
from pmsapp.services.records import access_log
from pmsapp.web.http.headers import SECURITY_HEADERS
from tests.support.actors import Browser, Program, browser, give_second_factor, make_user, program_for
from tests.support.clock import FrozenClock
from tests.support.route_sweep import Call, calls, checksum
from tests.support.seeded_clinic import Texts, seed

# Pages that answer outsiders, and why.
PUBLIC_ENDPOINTS = {
    "static": "files of the pages",
    "auth.login": "the way in",
    "auth.give_password": "the way in",
    "auth.code": "the way in, for who gave the right password",
    "auth.give_code": "the way in, for who gave the right password",
    "links.choose": "a one-time link; the random token in it is the proof",
    "links.choose_password": "a one-time link; the random token in it is the proof",
    "auth.setup": "the first administrator",
    "auth.set_up": "the first administrator",
    "auth.logout": "the way out, also after the session ended",
    "auth.standing": "says whether this browser is still signed in; the lock asks",
    "auth.unlock": "the way back in, after the session ended",
    "health.healthz": "says ok or degraded, nothing more",
    "health.readyz": "says ready or not, nothing more",
}
WEBHOOK_PREFIX = "/webhooks/"
REFUSED = {401, 403}


@pytest.fixture
def texts(app: Flask, frozen_clock: FrozenClock) -> Texts:
    return seed()


def page_calls(app: Flask) -> list[Call]:
    return [call for call in calls(app) if call.endpoint != "static"]


def by_person(app: Flask, role: str) -> Any:
    """A maker of fresh browsers of one person of that role."""
    user = make_user(role, clinician_id=1 if role == "clinician" else None)

    def fresh() -> Browser:
        if role == "admin" and not second_factor.is_enabled(user.id):  # a call of the sweep took it away
            give_second_factor(user.id)
        return browser(app, user)

    return fresh


def test_every_route_and_method_has_a_permission_and_the_other_way_round(app: Flask) -> None:
    routed = {(call.endpoint, call.method) for call in calls(app)}
    written = {(endpoint, method) for endpoint, rules in PERMISSIONS.items() for method in rules}
    assert routed - written == set(), "routes without a row in pmsapp/permissions"
    assert written - routed == set(), "rows in pmsapp/permissions without a route"


def test_only_the_listed_endpoints_are_public(app: Flask) -> None:
    public = {call.endpoint for call in calls(app) if call.rule and call.rule.public}
    webhooks = {call.endpoint for call in calls(app) if call.url.startswith(WEBHOOK_PREFIX)}
    assert public - webhooks <= set(PUBLIC_ENDPOINTS)


def test_only_webhooks_go_without_the_pages_token(app: Flask) -> None:
    for call in calls(app):
        if call.rule and call.unsafe and not call.rule.csrf:
            assert call.url.startswith(WEBHOOK_PREFIX), str(call)


def test_outsiders_get_nothing_but_the_way_in(app: Flask, texts: Texts) -> None:
    for call in page_calls(app):
        answer = app.test_client().open(call.url, method=call.method)
        for secret in texts.patient_texts:
            assert secret not in answer.text, str(call)
        if call.rule and call.rule.public:
            continue
        assert answer.status_code in {302, 303, 401}, str(call)
        if answer.status_code != 401:
            assert answer.location.startswith("/login"), str(call)


@pytest.mark.parametrize("role", sorted(PEOPLE_ROLES))
def test_each_person_may_do_what_the_table_says_and_no_more(app: Flask, texts: Texts, role: str) -> None:
    new_browser = by_person(app, role)
    for call in page_calls(app):
        if call.rule is None or call.rule.public:
            continue
        answer = new_browser().send(call.method, call.url, json={} if "/api/" in call.url else None)
        if role in call.rule.people:
            assert answer.status_code not in REFUSED, f"{role} should reach {call}"
        else:
            assert answer.status_code == 403, f"{role} should not reach {call}"


@pytest.mark.parametrize("role", sorted(TOKEN_ROLES))
def test_each_token_may_do_what_the_table_says_and_no_more(app: Flask, texts: Texts, role: str) -> None:
    program = program_for(app, role)
    for call in page_calls(app):
        if call.rule is None or call.rule.public:
            continue
        answer = Program(app.test_client(), program.token).send(call.method, call.url, json={})
        if not call.url.startswith(TOKEN_PATHS):
            assert answer.status_code == 303, f"tokens count only under {TOKEN_PATHS}: {call}"
        elif role in call.rule.tokens:
            assert answer.status_code not in REFUSED, f"{role} token should reach {call}"
        else:
            assert answer.status_code == 403, f"{role} token should not reach {call}"


def test_a_status_token_sees_no_patient(app: Flask, texts: Texts) -> None:
    board = program_for(app, "status")
    for call in page_calls(app):
        if call.method == "GET":
            answer = board.get(call.url)
            for secret in texts.patient_texts:
                assert secret not in answer.text, str(call)


@pytest.mark.parametrize("number", [1, 2])
def test_a_clinician_sees_no_patient_of_another(app: Flask, texts: Texts, number: int) -> None:
    own = by_person(app, "clinician")()
    for call in calls(app, number=number):
        if call.method == "GET" and call.endpoint != "static":
            answer = own.get(call.url)
            for secret in set(texts.patient_texts) - {texts.own}:
                assert secret not in answer.text, str(call)


def test_every_unsafe_call_needs_the_pages_own_token(app: Flask, texts: Texts) -> None:
    new_browser, other = by_person(app, "admin"), by_person(app, "admin")()
    for call in page_calls(app):
        if not call.unsafe or call.rule is None or not call.rule.csrf:
            continue
        mine = new_browser()
        before = checksum()
        refused = [
            mine.client.open(call.url, method=call.method),
            mine.client.open(call.url, method=call.method, headers={"X-CSRFToken": other.csrf}),
            mine.send(call.method, call.url, headers={"Sec-Fetch-Site": "cross-site"}),
            mine.send(call.method, call.url, headers={"Origin": "https://evil.example"}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 4, str(call)
        assert checksum() == before, str(call)


@pytest.mark.parametrize("role", ["admin", "clinician"])
def test_looking_changes_nothing(app: Flask, texts: Texts, role: str) -> None:
    mine = by_person(app, role)()
    before = checksum()
    for call in page_calls(app):
        if call.method == "GET":
            mine.get(call.url)
            mine.get(call.url, headers={"HX-Request": "true"})
            assert checksum() == before, f"{call} changed something"


def test_every_answer_carries_the_security_headers(app: Flask, texts: Texts) -> None:
    new_browser = by_person(app, "admin")
    for call in page_calls(app):
        for answer in (
            new_browser().send(call.method, call.url),
            app.test_client().open(call.url, method=call.method),
        ):
            for name, value in SECURITY_HEADERS.items():
                assert answer.headers.get(name) == value, f"{name} of {call}"
            assert answer.headers["Cache-Control"] == "no-store", str(call)
            assert "HX-Request" in answer.headers["Vary"], str(call)
            assert answer.headers["X-Request-Id"], str(call)


def test_whatever_changes_something_is_audited(app: Flask, texts: Texts) -> None:
    new_browser = by_person(app, "admin")
    changed, silent = set(), set()
    for call in sorted(page_calls(app), key=ends_things):
        if not call.unsafe:
            continue
        mine = new_browser()
        before, logged = checksum(), audit.count()
        mine.send(call.method, call.url, **call.body())
        if checksum() != before:
            changed.add(call.endpoint)
            if audit.count() == logged:
                silent.add(call.endpoint)
    assert silent == set(), "changed something and left no audit row"
    assert audit_chain.verify().ok
    assert len(changed) >= 15, f"the sweep changes too little to show anything: {sorted(changed)}"


def test_whoever_is_given_a_patient_leaves_a_row_in_the_log(app: Flask, texts: Texts) -> None:
    """Every page and call that gives out a patient's text, to people and to programs, notes who looked."""
    new_browser, program = by_person(app, "admin"), program_for(app, "admin")
    gave, silent = set(), set()
    for call in page_calls(app):
        if call.method != "GET":
            continue
        for asker in (new_browser(), program):
            access_log.write_waiting()
            app.extensions.pop("pmsapp_looks", None)
            logged = audit.count()
            answer = asker.get(call.url)
            if any(secret in answer.text for secret in texts.patient_texts):
                access_log.write_waiting()
                gave.add(call.endpoint)
                if audit.count() == logged:
                    silent.add(call.endpoint)
    assert silent == set(), "gave out a patient and left no row"
    assert len(gave) >= 6, f"the sweep sees too few patients to show anything: {sorted(gave)}"


def ends_things(call: Call) -> int:
    """Changes first, removals later, the end of the connection last."""
    words = (("disconnect", 3), ("delete_connection", 3), ("remove", 2), ("DELETE", 2), ("decide", 1))
    return max((weight for word, weight in words if word in str(call)), default=0)


def test_no_call_takes_a_foreign_host(app: Flask, client: FlaskClient) -> None:
    for call in page_calls(app):
        answer = client.open(call.url, method=call.method, headers={"Host": "evil.example"})
        assert answer.status_code == 400, str(call)


def test_no_call_breaks_on_a_number_nobody_has(app: Flask, admin: Browser) -> None:
    for call in calls(app, number=987654321):
        if call.method == "GET" and call.endpoint != "static":
            assert admin.get(call.url).status_code < 500, str(call)
