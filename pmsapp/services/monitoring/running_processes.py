"""Which processes of this installation run on this machine, and what they were started with.

Each keeps a small file in `running/` of the instance folder locked for as long as it lives. A file that nobody holds is
a leftover, so no process number has to be believed. Requests that tell how the machine is reached leave a note there too.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pmsapp import __version__
from pmsapp.crypto import private_files

FOLDER = "running"
_NOTES = "requests.notes"
_MOST_HOSTS = 5
_HOST = re.compile(r"[a-z0-9.:\[\]-]{1,100}")
_held: list[int] = []


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """One process: its name, version, the ids of its keys, and the port of a web server."""

    name: str
    pid: int
    version: str
    keys: tuple[str, ...]
    port: int | None = None


@dataclass(frozen=True, slots=True)
class SeenRequests:
    """What requests told since the web server was started: a proxy in front; host names that were refused."""

    through_proxy: bool = False
    refused_hosts: tuple[str, ...] = ()


def announce(instance_dir: Path, name: str, keys: Sequence[str], *, port: int | None = None) -> None:
    """Note that the calling process runs, until it and all it forked have ended."""
    folder = instance_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.glob("*.json"):
        if _read(left) is None:
            left.unlink(missing_ok=True)
    told = RunningProcess(name, os.getpid(), __version__, tuple(keys), port)
    fresh = folder / f"{name}-{told.pid}.new"
    handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, json.dumps(asdict(told)).encode())
    fresh.rename(folder / f"{name}-{told.pid}.json")
    _held.append(handle)


def list_running(instance_dir: Path) -> list[RunningProcess]:
    """Every process that runs here, by name. Writes nothing."""
    found = (_read(path) for path in sorted((instance_dir / FOLDER).glob("*.json")))
    return [process for process in found if process is not None]


def _read(path: Path) -> RunningProcess | None:
    """What a held file says; None for a leftover."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        told = json.loads(os.read(handle, 10_000))
        return RunningProcess(**{**told, "keys": tuple(told["keys"])})
    finally:
        os.close(handle)
    return None


def forget_requests(instance_dir: Path) -> None:
    """Forget what requests told; a web server that starts may have other settings."""
    (instance_dir / FOLDER / _NOTES).unlink(missing_ok=True)


def note_request(instance_dir: Path, *, through_proxy: bool = False, refused_host: str | None = None) -> None:
    """Keep what a request told: at most five refused host names, no path, no address of anybody."""
    seen = seen_requests(instance_dir)
    hosts = [*seen.refused_hosts]
    if refused_host is not None and _HOST.fullmatch(refused_host.lower()):
        hosts = [*dict.fromkeys([*hosts, refused_host.lower()])][:_MOST_HOSTS]
    fresh = SeenRequests(seen.through_proxy or through_proxy, tuple(hosts))
    if fresh != seen:
        with suppress(OSError):  # a full disk is told by other means, and costs nobody their page
            folder = instance_dir / FOLDER
            folder.mkdir(mode=0o700, exist_ok=True)
            private_files.replace(folder / _NOTES, json.dumps(asdict(fresh)))


def seen_requests(instance_dir: Path) -> SeenRequests:
    """What requests told so far."""
    try:
        told = json.loads((instance_dir / FOLDER / _NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return SeenRequests()
    return SeenRequests(bool(told["through_proxy"]), tuple(told["refused_hosts"]))
