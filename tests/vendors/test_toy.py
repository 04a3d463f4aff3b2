"""A fourth practice software: one folder, one registry line, one contract; nothing else in the product knows of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.adapters.base import AdapterConfig
from pmsapp.adapters.registry import ADAPTERS
from pmsapp.domain.errors import ConfigurationError
from pmsapp.factory import create_app
from pmsapp.sandbox.clinic.model import VENDORS as SERVED
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.matching import live_lists
from pmsapp.settings import Settings, load_settings
from tests.adapters.contract import AdapterContract
from tests.support.actors import program_for
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import LOGINS
from tests.vendors.clinics import vendors_at
from tests.vendors.proof import check_first_sheet
from tests.vendors.toy.server import KEY
from tests.vendors.wizard import Wizard

SLUG = "toybox"


@pytest.fixture(scope="module", autouse=True)
def _added() -> Iterator[None]:
    """The registry line, and the sandbox's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ADAPTERS, SLUG, "tests.vendors.toy.adapter:ToyboxAdapter")
        patch.setitem(SERVED, SLUG, "tests.vendors.toy.server")
        patch.setitem(LOGINS, SLUG, {"credentials": {"toy_key": KEY.format(1)}})
        yield


class TestContract(AdapterContract):
    slug = SLUG

    def config(self, server: SandboxServer) -> AdapterConfig:
        return AdapterConfig(
            base_url=server.base(SLUG),
            credentials={"toy_key": KEY.format(1)},
            practice_id=server.clinic.id_of(SLUG, "practice", ""),
        )


@pytest.fixture
def sandbox(frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    monkeypatch.setattr(live_lists, "UPCOMING_S", 0.0)
    with SandboxServer(now=lambda: clock.now()) as server:  # the shared ones do not know this vendor
        yield server


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendors_at(sandbox))


def test_it_is_connected_synced_and_shown_like_any_other(app: Flask, sandbox: SandboxServer) -> None:
    wizard = Wizard(app, sandbox, SLUG)
    choose = unescape(wizard.browser.get("/integrations/new").text)
    for text in ("Toybox", "A toy key and the code of the toy clinic", "Whoever keeps the toys"):
        assert text in choose
    form = unescape(wizard.browser.get(wizard.action).text)
    for text in ("Toy key", "It hangs on a hook beside the door.", "Clinic code", "look under the bear"):
        assert text in form
    kinds = wizard.form().kinds
    assert (kinds["toy_key"], kinds["clinic_code"]) == ("password", "text")
    assert "time_zone" not in kinds, "Toybox names it"
    check_first_sheet(app, wizard, wizard.walk_on(wizard.send()))


def test_its_refusals_stand_beside_its_own_fields(app: Flask, sandbox: SandboxServer) -> None:
    wizard = Wizard(app, sandbox, SLUG)
    nothing_typed = unescape(wizard.send(toy_key="", clinic_code="").text)
    assert "Toy key is missing." in nothing_typed
    assert "Clinic code is missing." in nothing_typed
    assert "Toybox did not accept these login details" in unescape(wizard.send(toy_key="no").text)
    assert "Toybox does not know this practice" in unescape(wizard.send(clinic_code="no").text)


def test_programs_connect_it_too(app: Flask, sandbox: SandboxServer) -> None:
    api = program_for(app)
    body = {
        "pms_type": SLUG,
        "credentials": {"toy_key": KEY.format(1)},
        "practice_id": sandbox.clinic.id_of(SLUG, "practice", ""),
    }
    made = api.send("POST", "/api/pms/connections", json=body)
    assert (made.status_code, made.json["pms_type"], made.json["state"]) == (201, SLUG, "setup")
    unknown = api.send("POST", "/api/pms/connections", json={**body, "pms_type": "genie"})
    assert unknown.status_code == 422
    assert "gentu, medirecords, halaxy, toybox" in str(unknown.json["errors"])


def test_its_settings_are_settings_and_a_slip_of_its_name_is_none(instance_dir: Path) -> None:
    settings = load_settings({"PMSAPP_TOYBOX_REQUESTS_PER_MINUTE": "7"}, instance_dir=instance_dir)
    assert settings.vendor("TOYBOX").requests_per_minute == 7
    create_app(settings)
    slip = load_settings({"PMSAPP_TOYBOKS_REQUESTS_PER_MINUTE": "7"}, instance_dir=instance_dir)
    with pytest.raises(ConfigurationError, match="TOYBOKS"):
        create_app(slip)


def test_its_sandbox_is_worked_by_hand_like_any_other(app: Flask, sandbox: SandboxServer) -> None:
    pages = sandbox.app.test_client()
    assert "Toybox" in pages.get("/_sandbox/connect").text
    assert KEY.format(1) in pages.get("/_sandbox/connect").text
    made = pages.post("/_sandbox/faults", json={"name": "server_error", "vendor": SLUG}).get_json()
    assert made["vendor"] == SLUG
    assert pages.get(f"/_sandbox/truth?vendor={SLUG}").get_json()["rows"]
