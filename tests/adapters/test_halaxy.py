"""Halaxy: the contract every adapter keeps, then what is Halaxy's alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pmsapp.adapters.base import Adapter, AdapterConfig
from pmsapp.adapters.halaxy import search
from pmsapp.sandbox.halaxy.access import CLIENT_ID, CLIENT_SECRET
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.contract import SUNDAY, AdapterContract
from tests.adapters.reading import DayRead


class TestContract(AdapterContract):
    slug = "halaxy"

    def config(self, server: SandboxServer) -> AdapterConfig:
        return AdapterConfig(
            base_url=server.halaxy_base,
            credentials={"client_id": CLIENT_ID.format(1), "client_secret": CLIENT_SECRET.format(1)},
        )

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        monkeypatch.setattr(search, "MAX_PAGES", pages)

    def _read_small(self, server: SandboxServer, adapter: Adapter) -> DayRead:
        # Halaxy is asked for a day more on either side; without rows there, the list is the small day alone.
        for near in (SUNDAY - timedelta(days=1), SUNDAY + timedelta(days=1)):
            server.clinic.empty_day(near)
        return super()._read_small(server, adapter)
