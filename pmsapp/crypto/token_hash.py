"""How secrets that this program made itself are stored: as a hash."""

from __future__ import annotations

import hashlib


def token_hash(token: str) -> str:
    """Of an API token or a session's cookie. Both are 256 random bits, so a plain fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()
