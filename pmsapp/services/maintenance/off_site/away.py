"""Backups that leave the machine: a sealed archive in a folder of another disk or machine, and a command after it.

What verifies a backup runs as a process of its own: it reads everything, and its memory is given back.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import current_settings, db
from pmsapp.services.maintenance import backup
from pmsapp.services.maintenance.backup import Backup
from pmsapp.services.maintenance.off_site import archive

COMMAND_WITHIN_S = 3600.0
NOWHERE = "PMSAPP_BACKUP_TO names no folder"


def take(made: Backup, folder: Path) -> Path:
    """Put a sealed archive of a backup into `folder`, keep those of the last days, weeks and months there, and call
    the command of PMSAPP_BACKUP_COMMAND. Raises ConfigurationError in one sentence."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder that is there (is its disk mounted?).")
    target = folder / f"{made.path.stem}{archive.SUFFIX}"
    archive.make(made.path, target, current_settings())
    backup.drop_old(folder, f"pmsapp-*{archive.SUFFIX}")
    _call_command(target)
    return target


def take_newest() -> str:
    """The nightly way out of the machine, in words."""
    folder = current_settings().backup_to
    last = backup.latest() if folder is not None else None
    if folder is None or last is None:
        return NOWHERE if folder is None else "there is no backup yet"
    return f"{take(last, folder).name} left the machine"


def verify_newest() -> str:
    """Could the newest backup be put back? The archive away from this machine where there is one. Raises
    ConfigurationError when it could not."""
    if db.engine.dialect.name != "sqlite":
        return "PostgreSQL has its own"
    away = current_settings().backup_to
    archives = sorted(away.glob(f"pmsapp-*{archive.SUFFIX}")) if away is not None else []
    last = backup.latest()
    if not archives and last is None:
        return "there is no backup yet"
    file = archives[-1] if archives or last is None else last.path
    found = json.loads(_run([sys.executable, "-P", "-m", "pmsapp", "verify", str(file), "--json"], "verify"))
    if found["unreadable"]:
        raise ConfigurationError(
            f"{file.name}: {found['unreadable']} sealed texts do not open with its keys."
        )
    return f"{file.name} could be put back"


def _call_command(target: Path) -> None:
    command = current_settings().backup_command
    if command:
        words = [str(target) if word == "{}" else word for word in shlex.split(command)]
        _run(words, "PMSAPP_BACKUP_COMMAND")


def _run(command: list[str], name: str) -> str:
    """A command's output. Raises ConfigurationError, without what it printed, when it fails."""
    own = {"PMSAPP_INSTANCE_DIR": str(current_settings().instance_dir)}
    passphrase = current_settings().backup_passphrase
    if passphrase is not None:
        own["PMSAPP_BACKUP_PASSPHRASE"] = passphrase
    begun_s = clock.monotonic_s()
    try:
        done = subprocess.run(  # noqa: S603 - our own command, or the administrator's, without a shell
            command,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        passed_s = clock.monotonic_s() - begun_s
        raise ConfigurationError(
            f"{name} did not work ({type(error).__name__} after {passed_s:.0f} s)."
        ) from error
    if done.returncode:
        raise ConfigurationError(f"{name} ended with exit code {done.returncode}.")
    return done.stdout
