"""These tests prove that a clinic comes from its seed alone, so here every clinic is really made."""

from __future__ import annotations

import pytest

from tests.support import speed


@pytest.fixture(autouse=True)
def _made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    speed.make_clinics_anew(monkeypatch)
