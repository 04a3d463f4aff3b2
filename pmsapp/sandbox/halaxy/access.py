"""Halaxy's keys and tokens. A token claims to live an hour and dies after fifteen minutes, as the documentation says."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import request

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.core.hub import Sandbox

# Demo credentials: worth nothing anywhere but here. The number is the clinic's place in the sandbox, from 1.
CLIENT_ID = "halaxy-demo-client-000{}"
CLIENT_SECRET = "halaxy-demo-secret-000{}"

SAID_LIFE_S, REAL_LIFE = 3600, timedelta(seconds=900)
LIMIT_PER_MINUTE = 500


@dataclass(frozen=True, slots=True)
class _Issued:
    clinic: Clinic
    at: datetime


class HalaxyAccess:
    """Which tokens are good, and how many calls each key has made in the last minute."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._tokens: dict[str, _Issued] = {}
        self._calls: dict[int, deque[float]] = {}

    def reset(self) -> None:
        """Forget every token and every call."""
        with self._lock:
            self._tokens.clear()
            self._calls.clear()

    def issue(self) -> dict[str, object] | None:
        """A token for the credentials of the current request, sent in any of the three known ways; None = refused."""
        given = _given()
        for number, clinic in enumerate(self._sandbox.clinics, start=1):
            wanted = (CLIENT_ID.format(number), CLIENT_SECRET.format(number))
            if (given.get("client_id"), given.get("client_secret")) != wanted:
                continue
            if given.get("grant_type") != "client_credentials":
                return None
            token = f"hx-{secrets.token_urlsafe(32)}"
            with self._lock:
                self._tokens[token] = _Issued(clinic, self._sandbox.now())
            return {"token_type": "Bearer", "expires_in": SAID_LIFE_S, "access_token": token}
        return None

    def clinic_for(self, header: str) -> Clinic | str:
        """The clinic behind an Authorization header, or why not: "login" (unknown) or "expired"."""
        scheme, _, token = header.partition(" ")
        token = token.strip()
        with self._lock:
            issued = self._tokens.get(token) if scheme.lower() == "bearer" else None
            if issued is None:
                return "login"
            if self._sandbox.fault("revoke_token"):
                del self._tokens[token]
                return "login"
            age = self._sandbox.now() - issued.at
            if self._sandbox.fault("expire_token") or age >= REAL_LIFE:
                del self._tokens[token]
                return "expired"
        return issued.clinic

    def count_call(self, clinic: Clinic) -> tuple[int, int, float]:
        """Count a call in the sliding minute: (limit, calls left, seconds to wait; 0 = let it pass)."""
        switch = self._sandbox.fault("throttle")
        limit = int(switch.number("limit")) if switch else LIMIT_PER_MINUTE
        now_s = self._sandbox.now().timestamp()
        with self._lock:
            calls = self._calls.setdefault(id(clinic), deque())
            while calls and not 0 <= now_s - calls[0] < 60:
                calls.popleft()
            if switch and len(calls) >= limit:
                return limit, 0, 60 - (now_s - calls[0])
            calls.append(now_s)
            return limit, max(limit - len(calls), 0), 0


def _given() -> dict[str, Any]:
    """The credentials as sent: a JSON body (documented), a form, or HTTP Basic beside a form."""
    body: object = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    given = dict(body) if isinstance(body, dict) else {}
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return {}
        given |= {"client_id": client_id, "client_secret": secret}
    return given
