"""Where the program's own files lie: in a checkout, or inside the installed wheel."""

from __future__ import annotations

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
