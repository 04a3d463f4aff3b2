"""What runs on this machine: the web server, the other processes, and how requests arrive."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable

from pmsapp import __version__, clock
from pmsapp.crypto import key_files
from pmsapp.extensions import current_settings, db
from pmsapp.services.monitoring import process_heartbeats, running_processes
from pmsapp.services.monitoring.examination.finding import RESTART, START, Finding, State
from pmsapp.services.monitoring.running_processes import RunningProcess
from pmsapp.services.runs import queue as run_queue

WEB = "web"
_WITHIN_S = 5.0


def web() -> Finding:
    """A web server runs here, answers, and is ours."""
    running = [process for process in _running() if process.name == WEB]
    for process in running:
        if not _answers(process.port or current_settings().port):
            return State.FAIL, f"the web server on port {process.port} does not answer", RESTART
    if running:
        return State.OK, f"the web server answers on port {running[0].port}", None
    settings = current_settings()
    if _is_taken(settings.port):
        fix = f"Stop that program, or choose another port with PMSAPP_PORT. Then: {START}"
        return (
            State.FAIL,
            f"port {settings.port} is taken by another program, and no web server of ours runs",
            fix,
        )
    elsewhere = db.engine.dialect.name != "sqlite" and bool(_running())
    state = State.WARN if elsewhere else State.FAIL
    return state, "no web server runs on this machine", START


def processes() -> Finding:
    """Those that run here have the version and the keys that are installed."""
    running, settings = _running(), current_settings()
    keys = key_files.ring(settings).ids if key_files.has_ring(settings) else ()
    for process in running:
        if process.version != __version__:
            told = f"the {process.name} runs version {process.version}, and {__version__} is installed"
            return State.FAIL, told, RESTART
        if process.keys != keys:
            return State.FAIL, f"the {process.name} was started with other keys than are there now", RESTART
    if not running:
        return State.FAIL, "nothing of pmsapp runs on this machine", START
    names = ", ".join(f"{process.name} ({process.pid})" for process in running)
    return State.OK, f"version {__version__} runs: {names}", None


def beat_of(name: str, local: Callable[..., str]) -> Callable[[], Finding]:
    """A look at the last sign of life of the scheduler or the worker, wherever it runs."""

    def look() -> Finding:
        beat = process_heartbeats.get_beat(name)
        if beat is not None and beat.is_alive:
            return State.OK, f"the {name} is alive (process {beat.pid})", None
        if name == process_heartbeats.WORKER and beat is None and run_queue.is_away():
            return (
                State.WARN,
                "no worker runs; the scheduler performs the runs itself",
                "Install redis-server.",
            )
        told = f"the {name} never ran" if beat is None else f"the {name} was last seen {local(beat.at)}"
        return State.FAIL, told, RESTART if _running() else START

    return look


def proxy() -> Finding:
    """A proxy in front is declared: otherwise everybody seems to be on this machine, and cookies lack Secure."""
    settings = current_settings()
    seen = running_processes.seen_requests(settings.instance_dir)
    if seen.through_proxy and not settings.trusted_proxies:
        told = "requests come through a proxy that is not declared: all seem to be 127.0.0.1, and cookies lack Secure"
        return State.FAIL, told, f"Set PMSAPP_TRUSTED_PROXIES=1 in /etc/pmsapp.env. {RESTART}"
    return (
        State.OK,
        "every proxy in front is declared" if seen.through_proxy else "no undeclared proxy seen",
        None,
    )


def hosts() -> Finding:
    """Host names that people typed and that were refused."""
    settings = current_settings()
    refused = running_processes.seen_requests(settings.instance_dir).refused_hosts
    if not refused:
        return State.OK, "no host name was refused since the start", None
    state = State.WARN if settings.trusted_hosts else State.FAIL
    fix = f"If it is the clinic's: PMSAPP_TRUSTED_HOSTS={refused[0].split(':')[0]} in /etc/pmsapp.env. {RESTART}"
    return state, f"requests for {', '.join(refused)} were refused, a host name that is not allowed", fix


def seconds_ahead_of_database() -> float:
    """How far this machine's clock is ahead of the database's; 0 for SQLite, which has none."""
    if db.engine.dialect.name == "sqlite":
        return 0.0
    with db.engine.connect() as connection:
        theirs = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return float((clock.machine_now() - theirs).total_seconds())


def _running() -> list[RunningProcess]:
    return running_processes.list_running(current_settings().instance_dir)


def _local_host() -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(current_settings().host, current_settings().host)  # noqa: S104 - compared, not bound


def _answers(port: int) -> bool:
    line = http.client.HTTPConnection(_local_host(), port, timeout=_WITHIN_S)
    try:
        line.request("GET", "/healthz", headers={"Host": "localhost"})
        told = json.loads(line.getresponse().read(1000))
        return isinstance(told, dict) and told.get("status") in {"ok", "degraded"}
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _is_taken(port: int) -> bool:
    if port == 0:
        return False
    try:
        socket.create_connection((_local_host(), port), timeout=_WITHIN_S).close()
    except OSError:
        return False
    return True
