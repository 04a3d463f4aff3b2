"""People and programs for tests: made through the services, signed in without the cost of the sign-in page."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import key_ring
from pmsapp.models import SecondFactor
from pmsapp.services.base.transaction import writing
from pmsapp.services.people import api_tokens, sessions, users
from pmsapp.services.people import second_factor as second_factors
from pmsapp.services.people.users import UserView

PASSWORD = "purple trains eat moss"
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass
class Browser:
    """A signed-in browser. `post` and the like send the page's token, as our pages do."""

    client: FlaskClient
    user: UserView
    csrf: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.client.get(path, **kwargs)

    def send(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"X-CSRFToken": self.csrf, **kwargs.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Any:
        return self.send("POST", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> Any:
        return self.send("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Any:
        return self.send("DELETE", path, **kwargs)


@dataclass
class Program:
    """A program with an API token."""

    client: FlaskClient
    token: str

    def send(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.send("GET", path, **kwargs)


def make_user(
    role: str = "admin",
    *,
    email: str | None = None,
    clinician_id: int | None = None,
    second_factor: bool | None = None,
) -> UserView:
    """A person of that role, password PASSWORD. Needs an app context.

    Administrators have a second factor (APP_SECRET) unless told otherwise, so that they can work at once.
    """
    email = email or f"{role}-{secrets.token_hex(3)}@example.org"
    user = users.add_user(
        email, role=role, password=PASSWORD, actor=COMMAND_LINE, name=role.title(), clinician_id=clinician_id
    )
    if second_factor or (second_factor is None and role == "admin"):
        give_second_factor(user.id)
    return user


def give_second_factor(user_id: int) -> None:
    """As if this person had set an authenticator app up with APP_SECRET."""
    row = SecondFactor(
        user_id=user_id,
        secret_uid=secrets.token_hex(16),
        enabled_at=clock.now(),
        key_id=key_ring().current_id,
    )
    row.secret_sealed = key_ring().seal(APP_SECRET, second_factors.context_of(row))
    with writing() as session:
        session.add(row)


def app_code(secret: str = APP_SECRET) -> str:
    """What the authenticator app shows now."""
    return pyotp.TOTP(secret).at(clock.now())


def browser(app: Flask, user: UserView) -> Browser:
    """A new browser that user is signed in on."""
    token = sessions.start(user.id, COMMAND_LINE)
    client = app.test_client()
    secret = secrets.token_hex(20)
    with client.session_transaction() as cookie:
        cookie[guard.SESSION_TOKEN] = token
        cookie["csrf_token"] = secret
    signer = URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token")
    return Browser(client, user, str(signer.dumps(secret)))


def browser_for(app: Flask, role: str = "admin") -> Browser:
    """A browser with a new person of that role signed in."""
    return browser(app, make_user(role))


def program_for(app: Flask, role: str = "admin") -> Program:
    """A program with a new token of that role."""
    return Program(app.test_client(), api_tokens.create(f"{role} program", role, COMMAND_LINE).token)
