"""Where the program's own files lie: in a checkout, or inside the installed wheel."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent
IN_CHECKOUT = (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "templates").is_dir()
_ASSETS = _CHECKOUT if IN_CHECKOUT else _PACKAGE / "_assets"

TEMPLATES = _ASSETS / "templates"
STATIC = _ASSETS / "static"
MIGRATIONS = _ASSETS / "migrations"


def default_instance_dir() -> Path:
    """`instance/` in a checkout, else the user's data folder."""
    if IN_CHECKOUT:
        return _CHECKOUT / "instance"
    data_home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data_home) / "pmsapp"


_LONGEST_SOCKET_DIR = 88  # a unix socket's whole path fits about 104 bytes


def socket_dir(wanted: Path) -> Path:
    """The folder for unix sockets: `wanted`, or a short one of this user's alone where `wanted` is too long.

    The same for every process of one installation; whoever makes it must check that it belongs to this user.
    """
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_DIR:
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return Path("/tmp") / f"pmsapp-{os.getuid()}-{digest}"  # noqa: S108 - made 0700, and its owner is checked
