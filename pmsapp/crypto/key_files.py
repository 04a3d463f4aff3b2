"""The installation's own secrets: made on first start, kept in files only the owner can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from pmsapp.crypto.cipher import BadKeyError, KeyRing, make_key
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings

SECRET_KEY_FILE = "secret_key"  # noqa: S105 - a file name
ENCRYPTION_KEYS_FILE = "encryption_keys"


def ensure_instance(settings: Settings) -> None:
    """Make the instance folder, readable by its owner alone. Raises ConfigurationError when it cannot be."""
    try:
        settings.instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = settings.instance_dir / ".writable"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"{settings.instance_dir} cannot be written to ({error.strerror}); set PMSAPP_INSTANCE_DIR to a folder of yours."
        ) from error


def secret_key(settings: Settings) -> str:
    """The key that signs cookies: the setting, else the file, made when absent."""
    return settings.secret_key or _file_or_new(
        settings.instance_dir / SECRET_KEY_FILE, lambda: secrets.token_urlsafe(48)
    )


def ring(settings: Settings) -> KeyRing:
    """The encryption keys: the setting, else the file, made when absent. Raises ConfigurationError on a bad key."""
    path = settings.instance_dir / ENCRYPTION_KEYS_FILE
    text = settings.encryption_keys or _file_or_new(path, make_key)
    keys = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
    if settings.secret_key and settings.secret_key in keys:
        raise ConfigurationError("PMSAPP_ENCRYPTION_KEYS must not repeat PMSAPP_SECRET_KEY.")
    try:
        return KeyRing(keys)
    except BadKeyError as error:
        where = "PMSAPP_ENCRYPTION_KEYS" if settings.encryption_keys else str(path)
        raise ConfigurationError(f"{where} is wrong: {error}.") from None


def _file_or_new(path: Path, make: Callable[[], str]) -> str:
    """Read a secret file; make it (mode 0600, never overwriting one made meanwhile) when absent."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _read_private(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be made ({error.strerror}).") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(make() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return _read_private(path)


def _read_private(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} can be read by others; run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error.__class__.__name__}).") from error
    if not text:
        raise ConfigurationError(f"{path} is empty; restore it from your backup of the keys.")
    return text
