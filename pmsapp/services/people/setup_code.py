"""The one-time code that lets the first administrator in: only its hash is kept, it expires, and it dies on use."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pmsapp import clock
from pmsapp.crypto import private_files
from pmsapp.crypto.token_hash import token_hash
from pmsapp.domain.ages import holds
from pmsapp.extensions import current_settings

LIFE = timedelta(hours=1)
FILE = "setup_code.json"
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no look-alikes
_GROUPS, _GROUP_CHARS = 5, 4  # 30^20: about 98 bits


@dataclass(frozen=True, slots=True)
class SetupCode:
    """A code just made, to be shown once."""

    code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"SetupCode(code=[hidden], expires_at={self.expires_at!r})"


def make() -> SetupCode:
    """Make a code; an earlier one stops working."""
    groups = ["".join(secrets.choice(_LETTERS) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS)]
    made = SetupCode("-".join(groups), clock.now() + LIFE)
    kept = {"hash": _hash(made.code), "expires_at": made.expires_at.isoformat()}
    private_files.replace(_path(), json.dumps(kept))
    return made


def is_right(code: str) -> bool:
    """True for the code last made, while it lives. Upper or lower case, with or without dashes and spaces."""
    try:
        kept = json.loads(_path().read_text(encoding="utf-8"))
        expires_at = datetime.fromisoformat(kept["expires_at"])
        expected = str(kept["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return hmac.compare_digest(expected, _hash(code)) and holds(expires_at, clock.now(), LIFE)


def use_up() -> None:
    """Make the code useless."""
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return current_settings().instance_dir / FILE


def _hash(code: str) -> str:
    plain = "".join(char for char in code.upper() if char.isalnum())
    return token_hash(plain, "setup")
