"""Whatever comes from a training clinic says so, on every page and on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from pmsapp.settings import Settings
from tests.support.actors import browser_for
from tests.support.connecting import vendor_settings
from tests.vendors.clinics import ConnectedClinic

NOTE = "Training clinic: nobody on these pages is real."


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


def test_a_clinic_that_is_connected_to_nothing_is_no_training_clinic(app: Flask) -> None:
    page = browser_for(app, "admin").get("/").text
    assert NOTE not in page
    assert 'class="training"' not in page


def test_practice_software_on_this_machine_marks_every_page(app: Flask, sandbox: SandboxServer) -> None:
    ConnectedClinic(app, sandbox, "medirecords")
    browser = browser_for(app, "admin")
    for path in ("/", "/decisions", "/integrations", "/settings/clinic"):
        page = browser.get(path).text
        assert NOTE in page, path
        assert '<body class="training"' in page, path
