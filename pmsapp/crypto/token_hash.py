"""How secrets that this program made itself are stored: as a hash."""

from __future__ import annotations

import hashlib


def token_hash(token: str, kind: str = "") -> str:
    """The hash of a random secret. Its bits are too many to guess, so a plain fast hash is enough.

    `kind` keeps secrets of different uses apart: the same text has another hash in each. API tokens and sessions have none.
    """
    text = f"{kind}\0{token}" if kind else token
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
