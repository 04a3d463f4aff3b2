"""A child that lives and does nothing any more: noticed, ended, started anew; and nobody is accused wrongly."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.process import liveness
from pmsapp.process.liveness import HeartbeatPipe
from pmsapp.services.clinic import clinic
from pmsapp.settings import Settings
from pmsapp.supervisor.children import Child, Program
from pmsapp.supervisor.redis import SILENT_AFTER, EmbeddedRedis, find_program
from pmsapp.supervisor.supervise import Supervisor, installation_programs
from tests.support import postgres
from tests.support.installation import eventually, state_of

SIGNS_ONCE = "import time; from pmsapp.process import liveness; liveness.beat(); time.sleep(600)"
LIMIT_S = 60.0


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock: `seconds[0]` is what it says."""
    said = [0.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: said[0])
    return said


def test_signs_are_heard_and_silence_is_counted(seconds: list[float]) -> None:
    line = HeartbeatPipe()
    seconds[0] = 10
    assert line.silent_s() == 10
    liveness.beat_to(line.child_end)
    seconds[0] = 20
    assert line.silent_s() == 0
    seconds[0] = 25
    assert line.silent_s() == 5


def test_a_parent_that_did_not_look_accuses_nobody(seconds: list[float]) -> None:
    """The machine slept for an hour, or parent and child were stopped together."""
    line = HeartbeatPipe()
    seconds[0] = 3600
    assert line.silent_s() == liveness.LONGEST_LOOK_S


def test_a_sign_that_nobody_hears_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(liveness.PIPE_VARIABLE, raising=False)
    liveness.beat()
    line = HeartbeatPipe()
    for _ in range(70_000):  # more than a pipe holds
        liveness.beat_to(line.child_end)
    assert line.silent_s() == 0
    line.close()
    liveness.beat_to(line.child_end)  # nobody listens any more
    with pytest.raises(BrokenPipeError):
        os.write(line.child_end, b".")
    line.close_child_end()


def test_a_child_that_stops_giving_signs_is_silent(seconds: list[float]) -> None:
    child = Child(Program("quiet", (sys.executable, "-c", SIGNS_ONCE), silent_within_s=LIMIT_S), os.environ)
    child.start()
    try:
        seconds[0] += 14
        assert eventually(lambda: not child.fell_silent() and child._line.silent_s() == 0)  # type: ignore[union-attr]
        for _ in range(5):
            seconds[0] += 12
            assert not child.fell_silent()
        seconds[0] += 1
        assert child.fell_silent()
        child.end()
        assert eventually(lambda: child.poll() == -signal.SIGKILL)
    finally:
        child.stop()


def test_a_child_that_gives_no_signs_is_never_silent(seconds: list[float]) -> None:
    child = Child(Program("mute", (sys.executable, "-c", "import time; time.sleep(600)")), os.environ)
    child.start()
    seconds[0] += 10_000
    assert not child.fell_silent()
    child.stop()


def test_every_process_of_the_house_is_watched() -> None:
    assert all(program.silent_within_s for program in installation_programs(0, with_worker=True))


HOLDS_THE_LOCK_AND_STOPS = """
import os, signal, sys, time
from pathlib import Path
from pmsapp.cli.shared.base import open_app
from pmsapp.process import liveness
from pmsapp.services.base.transaction import writing
seen = Path(sys.argv[1])
if not seen.exists():
    seen.touch()
    with open_app(), writing():
        os.kill(os.getpid(), signal.SIGSTOP)
while True:
    liveness.beat()
    time.sleep(0.1)
"""


def test_one_that_is_stopped_with_the_write_lock_in_its_hand_is_ended_and_started_again(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    """Nobody can store anything until it is gone, and staff type on."""
    program = Program(
        "scheduler",
        (sys.executable, "-c", HOLDS_THE_LOCK_AND_STOPS, str(tmp_path / "seen")),
        silent_within_s=8.0,
    )
    own = {"PMSAPP_INSTANCE_DIR": str(settings.instance_dir), **postgres.address_of(settings)}
    said: list[str] = []
    supervisor = Supervisor([program], None, {**os.environ, **own}, said.append)
    supervisor.start()
    (child,) = supervisor.children
    try:

        def started_again() -> bool:
            supervisor.look()
            return child.starts >= 2 and child.pid is not None

        assert eventually(lambda: state_of(child.pid or 0) in ("T", "Z", ""))
        assert state_of(child.pid or 0) == "T", "it ended before it stopped"
        assert eventually(started_again, 120)
        clinic.ensure()  # a write that succeeds
        assert said[:2] == [
            "The scheduler process gave no sign of life for 8 s; ending it.",
            "The scheduler process was ended by SIGKILL; starting it again in 0.5 s.",
        ]
    finally:
        supervisor.stop(lambda: True)


def test_a_queue_server_that_is_stopped_is_ended_and_started_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers none of three questions, ten seconds apart; what was enqueued is still there afterwards."""
    later = [0.0]
    before = clock.monotonic_s
    monkeypatch.setattr(clock, "monotonic_s", lambda: before() + later[0])
    said: list[str] = []
    server = EmbeddedRedis(settings, find_program())
    supervisor = Supervisor([], server, os.environ, said.append)
    supervisor.start()
    try:
        stopped = server.pid
        assert stopped is not None
        supervisor.look()
        os.kill(stopped, signal.SIGSTOP)
        for asked in range(1, SILENT_AFTER + 1):
            assert said == [], asked
            later[0] += 11
            supervisor.look()
        assert said == ["The queue server does not answer; ending it."]

        def back() -> bool:
            supervisor.look()
            return server.pid not in (None, stopped) and server.answers()

        assert eventually(back)
        assert said[1:] == ["The queue server stopped; starting it again."]
    finally:
        supervisor.stop(lambda: True)
