"""A queue server of the test's own, on a unix socket."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmsapp.settings import Settings, load_settings
from pmsapp.supervisor.redis import EmbeddedRedis, find_program


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[EmbeddedRedis]:
    """A running queue server in this test's instance folder."""
    server = EmbeddedRedis(settings, find_program())
    server.start(os.environ)
    yield server
    server.stop()


@pytest.fixture
def short_settings() -> Iterator[Settings]:
    """Settings of an instance folder whose path is short enough for a socket inside it."""
    folder = Path(tempfile.mkdtemp(prefix="pms-"))
    yield load_settings({}, instance_dir=folder)
    shutil.rmtree(folder)
