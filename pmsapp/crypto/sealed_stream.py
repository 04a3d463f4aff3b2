"""A file of any size sealed with a passphrase, in pieces: what was cut, altered or put in another order does not open.

AES-256-GCM per piece of 1 MiB. The nonce holds a random start, the piece's number and whether it is the last; the key is
made from the passphrase and a random salt by scrypt. The header is authenticated with every piece.
"""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pmsapp.crypto.cipher import CipherError

MAGIC = b"pmsapp archive 1\n"
_SALT_BYTES, _START_BYTES, _TAG_BYTES = 16, 7, 16
_PIECE_BYTES = 1024 * 1024
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024, "dklen": 32}


def seal(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Write `source` sealed to `target`."""
    salt, start = os.urandom(_SALT_BYTES), os.urandom(_START_BYTES)
    header = MAGIC + salt + start
    cipher = AESGCM(_key(passphrase, salt))
    target.write(header)
    piece, number = source.read(_PIECE_BYTES), 0
    while True:
        following = source.read(_PIECE_BYTES)
        target.write(cipher.encrypt(_nonce(start, number, is_last=not following), piece, header))
        if not following:
            return
        piece, number = following, number + 1


def unseal(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Write what `source` holds to `target`. Raises CipherError on a wrong passphrase or a file that was changed."""
    header = source.read(len(MAGIC) + _SALT_BYTES + _START_BYTES)
    salt, start = header[len(MAGIC) : -_START_BYTES], header[-_START_BYTES:]
    if not header.startswith(MAGIC) or len(salt) != _SALT_BYTES:
        raise CipherError("this is no sealed archive")
    cipher = AESGCM(_key(passphrase, salt))
    piece, number = source.read(_PIECE_BYTES + _TAG_BYTES), 0
    while True:
        following = source.read(_PIECE_BYTES + _TAG_BYTES)
        try:
            target.write(cipher.decrypt(_nonce(start, number, is_last=not following), piece, header))
        except (InvalidTag, ValueError):
            raise CipherError("the passphrase is wrong, or the archive was cut or altered") from None
        if not following:
            return
        piece, number = following, number + 1


def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, **_SCRYPT)


def _nonce(start: bytes, number: int, *, is_last: bool) -> bytes:
    return start + number.to_bytes(4, "big") + bytes([is_last])
