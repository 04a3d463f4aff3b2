"""The tests' common ground does what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from flask import Flask, g
from flask.testing import FlaskClient

from pmsapp import clock
from pmsapp.domain.window import day_of
from pmsapp.sandbox.server import SandboxServer
from tests.support.actors import Browser
from tests.support.cases import check_each
from tests.support.clock import FrozenClock


@pytest.mark.parametrize("role", ["admin", "reception", "clinician", "viewer"])
def test_each_role_can_be_signed_in(login: Callable[..., Browser], role: str) -> None:
    assert login(role).get("/settings/account").status_code == 200


def test_an_outsider_is_sent_to_the_sign_in_page(outsider: FlaskClient) -> None:
    assert outsider.get("/settings/account").status_code in {302, 303}


def test_a_request_sees_nothing_of_the_tests_own_context(app: Flask, client: FlaskClient) -> None:
    g.left_behind = True
    seen: list[bool] = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: seen.append("left_behind" in g))
    client.get("/login")
    assert seen == [False]


def test_the_sandbox_lives_on_the_tests_clock(frozen_clock: FrozenClock, sandbox: SandboxServer) -> None:
    frozen_clock.advance(days=400)
    assert sandbox.sandbox.now() == clock.now()
    answer = requests.get(sandbox.url + "/nowhere", timeout=5)
    assert str(day_of(clock.now(), "UTC").year) in answer.headers["Date"]


def test_many_cases_in_one_test_are_all_tried_and_whatever_fails_is_listed() -> None:
    tried: list[int] = []

    def check(case: int) -> None:
        tried.append(case)
        assert case != 2, "it is two"
        if case == 4:
            pytest.fail("it is four")

    with pytest.raises(AssertionError, match=r"(?s)2 of 4 failed:.*2: .*it is two.*4: .*it is four"):
        check_each([1, 2, 3, 4], check)
    assert tried == [1, 2, 3, 4]
    with pytest.raises(AssertionError, match="there is no case"):
        check_each([], check)
