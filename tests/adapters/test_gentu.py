"""Gentu: the contract every adapter keeps, then what is Gentu's alone."""

from __future__ import annotations

import pytest

from pmsapp.adapters.base import AdapterConfig
from pmsapp.adapters.gentu import appointments
from pmsapp.sandbox.gentu import access
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.contract import AdapterContract


class TestContract(AdapterContract):
    slug = "gentu"

    def config(self, server: SandboxServer) -> AdapterConfig:
        return AdapterConfig(
            base_url=server.gentu_base,
            credentials={
                "client_id": access.CLIENT_ID,
                "client_secret": access.CLIENT_SECRET,
                "app_id": access.APP_ID,
            },
            time_zone="Australia/Melbourne",
            tenant_id=server.clinic.id_of("gentu", "practice", ""),
        )

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        monkeypatch.setattr(appointments, "MAX_DAY_PAGES", pages)
