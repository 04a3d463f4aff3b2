"""Every failure the dial can make while somebody connects: its own sentence, its help, fields kept, nothing stored."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, text

from pmsapp.adapters.client import http, retry
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.domain.codes import CATALOGUE
from pmsapp.models import AuditEvent, PMSConnection, VendorBlock
from pmsapp.sandbox.core.fault_kinds import FAULT_KINDS
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.setup import drafts
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.connecting import count
from tests.vendors.clinics import VENDORS
from tests.vendors.faults import SILENCE_S
from tests.vendors.wizard import Wizard

# Faults of single appointments and of lists' pages spoil no login; the connect step does not look at them.
_OF_LISTS = frozenset({"record", "paging"})
# Faults that a connection survives: it is told, or nothing is wrong with the login.
_SURVIVED = frozenset({"expire_token", "slow", "clock_skew"})
# One call that each vendor makes when it is asked who answers.
_ASKED = {"gentu": "tenant", "medirecords": "practitioners", "halaxy": "practitioners"}
OWN_WORDS = ("kept", "try again", "Check", "Ask", "switched off", "new code")


@dataclass(frozen=True)
class Failure:
    """A fault, and which call it meets."""

    name: str
    endpoint: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.name} at {self.endpoint or 'every call'}"


def failures_of(vendor: str) -> list[Failure]:
    """Every fault of the dial that this vendor can have at the connect step."""
    found = [
        Failure(kind.name, options={"megabytes": 21} if kind.name == "oversized" else {})
        for kind in FAULT_KINDS.values()
        if kind.level not in _OF_LISTS and kind.name not in _SURVIVED and kind.vendor in (None, vendor)
    ]
    found = [failure for failure in found if vendor == "gentu" or not failure.name.startswith("tenant_")]
    if vendor == "gentu":
        found = [failure for failure in found if not failure.name.startswith("tenant_")]
        found += [Failure("forbidden", "pairing"), Failure("not_found", "pairing")]
    return found


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_failure_has_its_own_words_and_costs_nothing(
    vendor: str,
    app: Flask,
    sandbox: SandboxServer,
    frozen_clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wizard = Wizard(app, sandbox, vendor)
    caplog.set_level(logging.DEBUG)
    wrong: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "MAX_BACKOFF_S", 0.0)
        patch.setattr(Deadline, "wait", lambda deadline, seconds, pms: frozen_clock.advance(seconds=seconds))
        patch.setitem(http.HTTPClient.__init__.__kwdefaults__ or {}, "read_timeout_s", SILENCE_S)
        for failure in failures_of(vendor):
            try:
                _check(wizard, failure, frozen_clock)
            except AssertionError as error:
                wrong[failure.words] = str(error).splitlines()[0]
    assert wrong == {}
    told = "\n".join(record.getMessage() for record in caplog.records)
    for secret in (wizard.right[wizard.secret], wizard.right.get("pairing_code", "no code here")):
        assert secret not in told


def _check(wizard: Wizard, failure: Failure, frozen_clock: FrozenClock) -> None:
    audited = count(AuditEvent)
    wizard.sandbox.faults.set(
        failure.name, vendor=wizard.info.slug, endpoint=failure.endpoint, **failure.options
    )
    try:
        answer = wizard.send()
    finally:
        wizard.sandbox.faults.clear()
        frozen_clock.set(MONDAY_9AM)
        with writing() as session:
            session.execute(delete(VendorBlock))
    page = unescape(answer.text)
    assert answer.status_code in (409, 422), f"answered {answer.status_code}"
    shown = [code for code in CATALOGUE if f'href="/help/{code}"' in answer.text]
    assert len(shown) == 1, f"codes shown: {shown}"
    assert any(words in page for words in OWN_WORDS), f"{shown[0]}: no next step"
    assert "by itself" not in page, f"{shown[0]}: words of a running connection"
    assert (count(PMSConnection), count(AuditEvent)) == (0, audited), "something was stored"
    draft = drafts.of_vendor(wizard.info.slug)
    assert draft is not None
    typed = {name: text for name, text in wizard.right.items() if text}
    assert dict(draft.fields) | typed == dict(draft.fields), "a field is lost"
    assert wizard.right[wizard.secret] not in answer.text, "the secret was sent back"
    with reading() as session:
        kept = session.scalar(text("SELECT fields_sealed FROM pms_setup_drafts"))
    assert kept
    assert wizard.right[wizard.secret] not in kept


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_empty_form_tries_again_with_what_was_typed(
    vendor: str, app: Flask, sandbox: SandboxServer
) -> None:
    wizard = Wizard(app, sandbox, vendor)
    sandbox.faults.set("server_error", vendor=vendor, endpoint=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "MAX_BACKOFF_S", 0.0)
        assert wizard.send().status_code == 422
    sandbox.faults.clear()
    again = wizard.browser.post(wizard.action, data=dict.fromkeys(wizard.right, ""))
    assert again.status_code == 303, unescape(again.text)
    assert again.headers["Location"].endswith("/found")
