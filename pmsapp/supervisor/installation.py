"""What `pmsapp up` does, in order: lock, port, database, queue server, children, address, wait, stop, checkpoint."""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pmsapp import clock
from pmsapp.crypto import key_files
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings
from pmsapp.supervisor.children import Program
from pmsapp.supervisor.listening import address, open_socket
from pmsapp.supervisor.lock import only_one
from pmsapp.supervisor.redis import EmbeddedRedis, find_program
from pmsapp.supervisor.supervise import (
    LOOK_EVERY_S,
    Say,
    Stop,
    Supervisor,
    child_environ,
    installation_programs,
    run_step,
    stop_on_signals,
)

ANSWER_WITHIN_S = 180.0


def run_installation(
    settings: Settings,
    say: Say,
    *,
    extra: Sequence[Program] = (),
    environ: Mapping[str, str] | None = None,
    training: bool = False,
    log: Path | None = None,
    when_up: Callable[[str, Supervisor, Stop], None] | None = None,
) -> None:
    """Run an installation until Ctrl-C or SIGTERM.

    `extra` programs run beside; `environ` holds further settings for all children; `training` makes a new clinic a
    training clinic; `log` is where the children's lines go instead of the terminal; `when_up` is called with the
    address once pages are answered, instead of printing it. Raises ConfigurationError, one sentence, when
    something is not as it must be; everything that was started is stopped first.
    """
    key_files.ensure_instance(settings)
    with only_one(settings.instance_dir), open_socket(settings.host, settings.port) as listener:
        where = address(listener)
        environment = child_environ(settings, PMSAPP_PORT=where.rpartition(":")[2], **(environ or {}))
        _prepare(environment, where, training)
        redis = _queue_server(settings, say)
        programs = [
            *extra,
            *installation_programs(
                listener.fileno(), with_worker=redis is not None or bool(settings.redis_url)
            ),
        ]
        with stop_on_signals() as stop:
            supervisor = Supervisor(
                [replace(program, log=log) for program in programs], redis, environment, say
            )
            try:
                supervisor.start()
                if _wait_until_answered(listener, supervisor, stop):
                    if when_up is not None:
                        when_up(where, supervisor, stop)
                    else:
                        say(f"pmsapp runs at {where}  (Ctrl-C stops it)")
                    supervisor.run(stop)
            finally:
                say("Stopping.")
                supervisor.stop(stop.impatient)
                run_step("db", "checkpoint", "--quiet", environ=environment)


def _prepare(environ: Mapping[str, str], where: str, training: bool) -> None:
    """Bring the database up to date, in a process of its own so that this one never opens it."""
    how = ["--training"] if training else ["--address", where]
    code = run_step("db", "upgrade", "--quiet", "--under-lock", *how, environ=environ)
    if code != 0:
        sys.exit(code)


def _queue_server(settings: Settings, say: Say) -> EmbeddedRedis | None:
    """The embedded queue server, None when another is configured or there is none to run."""
    if settings.redis_url:
        return None
    redis = EmbeddedRedis(settings, find_program())
    if redis.available:
        return redis
    say("There is no queue server on this machine; the scheduler performs the runs itself.")
    return None


def _wait_until_answered(listener: socket.socket, supervisor: Supervisor, stop: Stop) -> bool:
    """Look after the children until the web server answers. False when a stop came first."""
    until_s = clock.monotonic_s() + ANSWER_WITHIN_S
    answered = False

    def done() -> bool:
        nonlocal answered
        answered = _answers(listener)
        return answered or clock.monotonic_s() > until_s

    supervisor.run(stop, done)
    if not answered and not stop.wanted:
        raise ConfigurationError("The web server does not answer; see the messages above.")
    return answered


def _answers(listener: socket.socket) -> bool:
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    line = http.client.HTTPConnection(local, port, timeout=LOOK_EVERY_S * 5)
    try:
        line.request("GET", "/healthz", headers={"Host": "localhost"})
        return line.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
