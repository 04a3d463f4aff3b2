"""Each vendor's own connect form: tried live before anything is kept, then on to the first run sheet."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask

from pmsapp.models import AuditEvent, PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.settings import Settings
from tests.support.connecting import LOGIN, count
from tests.vendors.clinics import VENDORS, vendors_at
from tests.vendors.forms import form_at
from tests.vendors.proof import check_first_sheet
from tests.vendors.wizard import Wizard

# What is asked for, in the form's order, and which of it is hidden while typed.
FIELDS = {
    "gentu": {
        "client_id": "text",
        "client_secret": "password",
        "app_id": "text",
        "pairing_code": "text",
    },
    "medirecords": {"api_token": "password", "practice_id": "text"},
    "halaxy": {"client_id": "text", "client_secret": "password", "organization_id": "text"},
}
# A wrong value in a field: the sentence and the code that come back.
WRONG = [
    ("gentu", "client_secret", "Gentu did not accept these login details", "AUTH-REFUSED"),
    ("gentu", "client_id", "Gentu did not accept these login details", "AUTH-REFUSED"),
    ("medirecords", "api_token", "MediRecords did not accept these login details", "AUTH-REFUSED"),
    ("medirecords", "practice_id", "MediRecords does not know this practice", "PRACTICE-UNKNOWN"),
    ("halaxy", "client_secret", "Halaxy did not accept these login details", "AUTH-REFUSED"),
    ("halaxy", "client_id", "Halaxy did not accept these login details", "AUTH-REFUSED"),
]
SURELY_WRONG = "surely-wrong-11111111-2222"


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_form_asks_for_the_vendors_own_fields(vendor: str, app: Flask, sandbox: SandboxServer) -> None:
    wizard = Wizard(app, sandbox, vendor)
    choose = wizard.browser.get("/integrations/new")
    assert form_at(choose.text, "/integrations/new").kinds == {"pms": "radio"}
    chosen = wizard.browser.get("/integrations/new", query_string={"pms": vendor, "go": "1"})
    assert chosen.headers["Location"] == wizard.action
    kinds = wizard.form().kinds
    assert {name: kinds[name] for name in FIELDS[vendor]} == FIELDS[vendor]
    asked_for_zone = not wizard.info.capabilities.names_time_zone
    assert ("time_zone" in kinds) == asked_for_zone
    assert set(kinds) - {"display_name", "time_zone"} == set(FIELDS[vendor])


@pytest.mark.parametrize(("vendor", "field", "sentence", "code"), WRONG)
def test_a_wrong_login_is_tried_refused_in_words_and_not_kept(
    vendor: str, field: str, sentence: str, code: str, app: Flask, sandbox: SandboxServer
) -> None:
    wizard = Wizard(app, sandbox, vendor)
    audited = count(AuditEvent)
    refused = wizard.send(**{field: SURELY_WRONG})
    page = unescape(refused.text)
    assert refused.status_code == 422
    assert sentence in page
    assert code in page
    assert wizard.right[wizard.secret] not in page
    assert sandbox.requests.count(vendor) > 0, "it was tried live"
    assert (count(PMSConnection), count(AuditEvent)) == (0, audited)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_missing_field_is_named_without_asking_the_vendor(
    vendor: str, app: Flask, sandbox: SandboxServer
) -> None:
    wizard = Wizard(app, sandbox, vendor)
    for field in (field for field in wizard.info.credential_fields if field.required):
        refused = wizard.send(**{field.name: "  "})
        assert refused.status_code == 422
        assert f"{field.label} is missing." in unescape(refused.text)
    assert sandbox.requests.count(vendor) == 0
    assert count(PMSConnection) == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_right_login_leads_to_the_first_run_sheet(
    vendor: str, app: Flask, sandbox: SandboxServer
) -> None:
    wizard = Wizard(app, sandbox, vendor)
    connection_id = wizard.walk_on(wizard.send())
    check_first_sheet(app, wizard, connection_id)


class TestALoginTheServerSupplies:
    """Gentu's app belongs to whoever runs the server, so the form may stay empty."""

    @pytest.fixture(params=["right", "wrong"])
    def settings(
        self, request: pytest.FixtureRequest, make_settings: Callable[..., Settings], sandbox: SandboxServer
    ) -> Settings:
        secret = LOGIN["client_secret"] if request.param == "right" else SURELY_WRONG
        return make_settings(
            vendors=vendors_at(sandbox),
            gentu_client_id=LOGIN["client_id"],
            gentu_client_secret=secret,
            gentu_app_id=LOGIN["app_id"],
        )

    def test_is_tried_live_all_the_same(self, app: Flask, settings: Settings, sandbox: SandboxServer) -> None:
        wizard = Wizard(app, sandbox, "gentu")
        code = wizard.right["pairing_code"]
        answer = wizard.browser.post(wizard.action, data=wizard.form().filled(pairing_code=code))
        is_right = settings.gentu_client_secret == LOGIN["client_secret"]
        assert answer.status_code == (303 if is_right else 422)
        assert count(PMSConnection) == (1 if is_right else 0)
        assert sandbox.requests.count("gentu", "token") >= 1
