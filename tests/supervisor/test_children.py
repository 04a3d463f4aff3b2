"""A child process: kept apart from the terminal, restarted with patience, ended with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pmsapp import clock
from pmsapp.supervisor import children
from pmsapp.supervisor.children import Child, Program, how_it_ended, pmsapp_command
from pmsapp.supervisor.supervise import Stop, stop_on_signals
from tests.support.installation import eventually, is_running

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock: `seconds[0]` is what it says."""
    said = [0.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: said[0])
    return said


def test_the_wait_between_starts_doubles_and_is_bounded(seconds: list[float]) -> None:
    child = Child(Program("quick", ("/bin/true",)), os.environ)
    waits = [child.plan_restart() for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_child_that_ran_steadily_starts_again_at_once(seconds: list[float]) -> None:
    child = Child(Program("steady", ("/bin/true",)), os.environ)
    for _ in range(5):
        child.plan_restart()
    child.start()
    assert eventually(lambda: child.poll() == 0)
    seconds[0] += children.STEADY_AFTER_S
    assert child.plan_restart() == children.FIRST_WAIT_S


def test_a_child_is_not_started_before_its_time(seconds: list[float]) -> None:
    child = Child(Program("patient", ("/bin/true",)), os.environ)
    wait_s = child.plan_restart()
    assert not child.start_if_due()
    seconds[0] += wait_s
    assert child.start_if_due()
    child.stop()


def test_a_child_is_out_of_reach_of_the_terminal() -> None:
    child = Child(Program("sleeper", SLEEPER), os.environ)
    child.start()
    try:
        assert child.pid is not None
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        child.stop()
    assert child.pid is None


def test_a_child_that_will_not_stop_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child(Program("stubborn", STUBBORN, stop_within_s=0.3, log=log), os.environ)
    child.start()
    pid = child.pid
    assert eventually(lambda: "ready" in log.read_text())
    child.stop()
    assert pid is not None
    assert not is_running(pid)


def test_a_child_is_asked_to_stop_once(tmp_path: Path) -> None:
    """A worker that is asked twice would end the run in progress."""
    log = tmp_path / "log"
    code = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("ready", flush=True)
while not asked:
    time.sleep(0.01)
time.sleep(0.5)
print(len(asked), flush=True)
"""
    child = Child(Program("counter", (sys.executable, "-c", code), log=log), os.environ)
    child.start()
    assert eventually(lambda: "ready" in log.read_text())
    child.ask_to_stop()
    child.ask_to_stop()
    child.stop()
    assert log.read_text().split() == ["ready", "1"]


def test_impatience_cuts_the_wait_short(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child(Program("stubborn", STUBBORN, stop_within_s=600, log=log), os.environ)
    child.start()
    assert eventually(lambda: "ready" in log.read_text())
    child.stop(impatient=lambda: True)
    assert child.pid is None


def test_a_log_is_private(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child(Program("talker", ("/bin/echo", "hello"), log=log), os.environ)
    child.start()
    assert eventually(lambda: child.poll() is not None)
    assert (log.read_text(), log.stat().st_mode & 0o777) == ("hello\n", 0o600)


def test_a_child_dies_with_its_parent() -> None:
    code = textwrap.dedent(f"""
        import os, sys
        from pmsapp.supervisor.children import Child, Program
        child = Child(Program("sleeper", {SLEEPER!r}), os.environ)
        child.start()
        print(child.pid, flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())
        assert is_running(grandchild)
        parent.kill()
    assert eventually(lambda: not is_running(grandchild))


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with exit code 0"), (-9, "was ended by SIGKILL"), (-250, "was ended by signal 250")],
)
def test_an_end_is_said_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


def test_a_command_runs_this_very_python() -> None:
    assert pmsapp_command("web")[0] == sys.executable


def test_a_second_signal_makes_the_stop_impatient() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as stop:
        assert isinstance(stop, Stop)
        signal.raise_signal(signal.SIGTERM)
        assert (stop.wanted, stop.impatient()) == (True, False)
        signal.raise_signal(signal.SIGINT)
        assert stop.impatient()
    assert signal.getsignal(signal.SIGTERM) == before
