"""`pmsapp demo`: a training clinic against the sandbox, in a folder of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import click

from pmsapp import paths
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import PREFIX, Settings, load_settings
from pmsapp.supervisor.children import Child, Program, pmsapp_command
from pmsapp.supervisor.installation import run_installation
from pmsapp.supervisor.supervise import Stop, Supervisor

MARK = "demo"  # a file that says this folder holds a training clinic
SANDBOX_PORT = 8099
VENDOR_PATHS = {"GENTU": "/gentu/v1", "MEDIRECORDS": "/medirecords/v1", "HALAXY": "/halaxy/main"}
_KEPT_APART = (
    "DATABASE_URL",
    "REDIS_URL",
    "ENCRYPTION_KEYS",
    "SECRET_KEY",
    "ALERT_URLS",
    "HEARTBEAT_URL",
    "SENTRY_DSN",
)
_LOG = "pmsapp.log"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the pages; PMSAPP_PORT otherwise.")
@click.option("--sandbox-port", type=click.IntRange(0, 65535), help="Port of the fake practice software.")
def demo(port: int | None, sandbox_port: int | None) -> None:
    """Start a training clinic with made-up patients; nothing real is touched or reached."""
    settings = demo_settings(port)
    sandbox = f"http://127.0.0.1:{_free_port(sandbox_port)}"
    log = settings.instance_dir / _LOG
    log.unlink(missing_ok=True)
    environ = {
        **{f"{PREFIX}{vendor}_BASE_URL": sandbox + path for vendor, path in VENDOR_PATHS.items()},
        **{f"{PREFIX}{vendor}_REQUESTS_PER_MINUTE": "1200" for vendor in VENDOR_PATHS},
        f"{PREFIX}ALLOWED_PMS_HOSTS": "127.0.0.1",
        f"{PREFIX}LOG_FORMAT": "text",
    }
    click.echo("Starting the training clinic")
    run_installation(
        settings,
        say=click.echo,
        extra=[_sandbox_program(sandbox, settings.clinic_time_zone)],
        environ=environ,
        training=True,
        log=log,
        when_up=_tell_when_ready(sandbox, settings, environ),
    )


def demo_settings(port: int | None) -> Settings:
    """Settings of the demo's own folder. Raises ConfigurationError when they would touch anything real."""
    base = load_settings()
    folder = (
        base.instance_dir if f"{PREFIX}INSTANCE_DIR" in os.environ else paths.default_instance_dir() / "demo"
    )
    settings = load_settings(instance_dir=folder)
    for name in _KEPT_APART:
        if getattr(settings, name.lower()):
            raise ConfigurationError(f"The demo keeps everything in its own folder; unset {PREFIX}{name}.")
    for vendor, given in settings.vendors.items():
        if given.base_url and urlsplit(given.base_url).hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ConfigurationError(f"The demo talks to its sandbox alone; unset {PREFIX}{vendor}_BASE_URL.")
    _mark(folder)
    return settings if port is None else settings.model_copy(update={"port": port})


def _mark(folder: Path) -> None:
    """Mark a new folder as the demo's. Raises ConfigurationError when it holds a real clinic."""
    if (folder / "pmsapp.sqlite3").exists() and not (folder / MARK).exists():
        raise ConfigurationError(f"{folder} holds a real clinic; the demo needs a folder of its own.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MARK).touch(mode=0o600)


def _free_port(wanted: int | None) -> int:
    """The port asked for, else the usual one, else any that is free."""
    for port in (wanted,) if wanted else (SANDBOX_PORT, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as probe:
                return int(probe.getsockname()[1])
        except OSError:
            continue
    raise ConfigurationError(
        f"Port {wanted} is taken by another program; choose another with --sandbox-port."
    )


def _sandbox_program(address: str, zone: str) -> Program:
    port = address.rpartition(":")[2]
    return Program(
        "sandbox", pmsapp_command("sandbox", "--port", port, "--zone", zone, "--paired"), stop_within_s=3.0
    )


def _tell_when_ready(
    sandbox: str, settings: Settings, environ: dict[str, str]
) -> Callable[[str, Supervisor, Stop], None]:
    """Once pages are answered: set the clinic up in a process of its own, then say where everything is."""

    def ready(where: str, supervisor: Supervisor, stop: Stop) -> None:
        setting_up = Child(
            Program("demo set-up", pmsapp_command("demo-setup", "--address", where, "--sandbox", sandbox)),
            supervisor.environ,
        )
        setting_up.start()
        code: list[int] = []

        def ended() -> bool:
            found = setting_up.poll()
            if found is not None:
                code.append(found)
            return bool(code)

        supervisor.run(stop, ended)
        setting_up.stop()
        if not stop.wanted and code != [0]:
            log = settings.instance_dir / _LOG
            raise ConfigurationError(f"The training clinic could not be set up; see above, and {log}.")

    return ready
