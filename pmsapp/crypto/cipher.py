"""Authenticated encryption bound to the row it belongs to, with a ring of keys that can be rotated.

A sealed text reads `v1.<key id>.<base64 of nonce and ciphertext>`. The context (table, row, column) is
authenticated but not stored, so a sealed text copied to another row does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_DIFFERENT_BYTES = 8  # 32 random bytes hold fewer once in many billion billion keys


class CipherError(Exception):
    """A text could not be opened: wrong key, wrong row, or altered. Holds no secret."""


class BadKeyError(ValueError):
    """A key in the ring is missing, short, repeated or not base64."""


def make_key() -> str:
    """A fresh random 256-bit key in base64."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def key_id(key: bytes) -> str:
    """A short public name of a key; tells nothing about it."""
    return hashlib.sha256(b"pmsapp key id" + key).hexdigest()[:8]


class KeyRing:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: base64 texts of 32 bytes each, first is current. Raises BadKeyError in one sentence."""
        raw = [_decode(key) for key in keys]
        if not raw:
            raise BadKeyError("there is no encryption key")
        if len(set(raw)) != len(raw):
            raise BadKeyError("a key is listed twice")
        self._ciphers = {key_id(key): AESGCM(key) for key in raw}
        self.current_id = key_id(raw[0])

    def __repr__(self) -> str:
        return f"KeyRing({list(self._ciphers)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Public names of the keys, current first."""
        return tuple(self._ciphers)

    def seal(self, text: str, context: str) -> str:
        """Encrypt `text` so that it opens only in the same context."""
        nonce = os.urandom(_NONCE_BYTES)
        box = self._ciphers[self.current_id].encrypt(nonce, text.encode(), _bound(self.current_id, context))
        return f"{_VERSION}.{self.current_id}.{base64.urlsafe_b64encode(nonce + box).decode()}"

    def open(self, sealed: str, context: str) -> str:
        """Decrypt. Raises CipherError when the key is not in the ring, the context differs or the text was altered."""
        try:
            version, kid, body = sealed.split(".")
            data = base64.urlsafe_b64decode(body)
            if version != _VERSION:
                raise CipherError("unknown version")
            cipher = self._ciphers[kid]
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(kid, context)).decode()
        except (ValueError, KeyError, InvalidTag, binascii.Error):
            raise CipherError("the saved text cannot be opened with this key") from None


def sealed_with(sealed: str) -> str | None:
    """The id of the key a sealed text needs, None when it is no sealed text."""
    parts = sealed.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == _VERSION else None


def _bound(kid: str, context: str) -> bytes:
    return f"{_VERSION}|{kid}|{context}".encode()


def _decode(key: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(key.strip())
    except (ValueError, binascii.Error):
        raise BadKeyError("a key is not base64") from None
    if len(raw) != _KEY_BYTES:
        raise BadKeyError("a key must be 32 bytes in base64")
    if len(set(raw)) < _DIFFERENT_BYTES:
        raise BadKeyError("a key is not random (all zeros, or hardly better)")
    return raw
