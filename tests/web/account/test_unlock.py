"""A locked page is opened again with the password alone."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.people import users
from tests.support.actors import PASSWORD, make_user
from tests.support.clock import FrozenClock
from tests.web.account.test_pages import sign_in, token_in


def unlock(client: FlaskClient, user_id: int, password: str) -> Any:
    token = client.get("/unlock").json["csrf_token"]
    return client.post("/unlock", data={"csrf_token": token, "user": str(user_id), "password": password})


def test_a_locked_page_opens_with_the_password_and_gets_a_new_session(
    app: Flask, client: FlaskClient, frozen_clock: FrozenClock
) -> None:
    user = make_user("reception")
    sign_in(client, user.email)
    before = token_in(client)
    assert client.get("/unlock").json["is_live"]
    frozen_clock.advance(minutes=16)
    now = client.get("/unlock").json
    assert (now["is_live"], now["user"]) == (False, None)
    answer = unlock(client, user.id, PASSWORD)
    assert (answer.status_code, list(answer.json)) == (200, ["csrf_token"])
    assert token_in(client) not in (None, before)
    assert client.get("/unlock").json["user"] == user.id
    answer = client.post("/logout", headers={"X-CSRFToken": answer.json["csrf_token"]})
    assert answer.status_code == 303


def test_unlocking_wants_the_right_password_and_is_slowed_as_signing_in(
    app: Flask, client: FlaskClient
) -> None:
    user = make_user("reception")
    sign_in(client, user.email)
    before = token_in(client)
    answers = [unlock(client, user.id, "not the password") for _ in range(12)]
    assert answers[0].status_code == 422
    assert answers[0].json == {"fault": "This is not your password."}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert token_in(client) == before


def test_unlocking_opens_nobody_elses_page_and_none_without_a_session(
    app: Flask, client: FlaskClient
) -> None:
    user, other = make_user("reception"), make_user("admin")
    assert unlock(client, user.id, PASSWORD).status_code == 409
    sign_in(client, user.email)
    assert unlock(client, other.id, PASSWORD).status_code == 409
    users.disable_user(user.id, COMMAND_LINE)
    assert unlock(client, user.id, PASSWORD).status_code == 409


def test_unlocking_needs_the_pages_token(app: Flask, client: FlaskClient) -> None:
    user = make_user("reception")
    sign_in(client, user.email)
    assert client.post("/unlock", data={"user": str(user.id), "password": PASSWORD}).status_code == 403
