"""MediRecords: the contract every adapter keeps, then what is MediRecords' alone."""

from __future__ import annotations

import pytest

from pmsapp.adapters.base import AdapterConfig
from pmsapp.adapters.medirecords import calls
from pmsapp.sandbox.medirecords.server import API_TOKEN
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.contract import AdapterContract


class TestContract(AdapterContract):
    slug = "medirecords"

    def config(self, server: SandboxServer) -> AdapterConfig:
        return AdapterConfig(
            base_url=server.medirecords_base,
            credentials={"api_token": API_TOKEN.format(1)},
            practice_id=server.clinic.id_of("medirecords", "practice", ""),
        )

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        monkeypatch.setattr(calls, "MAX_PAGES", pages)
