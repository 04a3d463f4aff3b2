"""The installation's own secrets: made on first start, kept in files only the owner can read."""

from __future__ import annotations

import errno
import os
import pwd
import secrets
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from pmsapp.crypto import private_files
from pmsapp.crypto.cipher import BadKeyError, KeyRing, make_key
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings

SECRET_KEY_FILE = "secret_key"  # noqa: S105 - a file name
ENCRYPTION_KEYS_FILE = "encryption_keys"


def ensure_instance(settings: Settings) -> None:
    """Make the instance folder, readable by its owner alone. Raises ConfigurationError when it cannot be, or is
    another user's."""
    folder = settings.instance_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        require_owner(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written to ({error.strerror}); set PMSAPP_INSTANCE_DIR to a folder of yours."
        ) from error


def require_instance(settings: Settings) -> None:
    """Raise ConfigurationError unless an installation of this very user lies in the instance folder. Makes nothing."""
    folder, file = settings.instance_dir, settings.sqlite_file
    require_owner(folder)
    if file is not None and not (folder.is_dir() and file.exists()):
        raise ConfigurationError(
            f"There is no installation in {folder}; name its folder in PMSAPP_INSTANCE_DIR, or begin one with:"
            " pmsapp up"
        )


def require_owner(folder: Path) -> None:
    """Raise ConfigurationError when the folder is another user's: what is written there would be the wrong user's.

    A folder that is not there belongs to nobody."""
    owner = folder.stat().st_uid if folder.exists() else os.geteuid()
    if owner == os.geteuid():
        return
    name, me = user_name(owner), user_name(os.geteuid())
    program = sys.argv[0] if Path(sys.argv[0]).name == "pmsapp" else "pmsapp"
    raise ConfigurationError(
        f"{folder} belongs to the user {name}, and this is {me}; run: sudo -u {name} {shlex.join([program, *sys.argv[1:]])}"
    )


def user_name(number: int) -> str:
    """A user's name; the number of one without a name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"


def secret_key(settings: Settings, *, make: bool = True) -> str:
    """The key that signs cookies: the setting, else the file. An absent one is made; without `make`, for this process
    alone."""
    path = settings.instance_dir / SECRET_KEY_FILE
    if not make and not settings.secret_key and not path.exists():
        return secrets.token_urlsafe(48)
    return settings.secret_key or _file_or_new(path, lambda: secrets.token_urlsafe(48))


def keys_file(settings: Settings) -> Path:
    """Where the encryption keys lie, unless they are a setting."""
    return settings.instance_dir / ENCRYPTION_KEYS_FILE


def has_ring(settings: Settings) -> bool:
    """True when there are encryption keys already."""
    return bool(settings.encryption_keys) or keys_file(settings).exists()


def keys_text(settings: Settings) -> str:
    """The keys as they are kept, for a sealed archive."""
    return settings.encryption_keys or _read_private(keys_file(settings))


def put_back(settings: Settings, text: str) -> int:
    """Put keys that are missing behind those that are there (all of them where there are none). Returns how many."""
    if settings.encryption_keys:
        return 0
    here = _parts(_read_private(keys_file(settings))) if keys_file(settings).exists() else []
    missing = [key for key in _parts(text) if key not in here]
    KeyRing([*here, *missing])
    if missing:
        private_files.replace(keys_file(settings), "\n".join([*here, *missing]) + "\n")
    return len(missing)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]


def passing_ring() -> KeyRing:
    """A ring of a key that nothing is sealed with and that is kept nowhere, for those who only look."""
    return KeyRing([make_key()])


def ring(settings: Settings) -> KeyRing:
    """The encryption keys: the setting, else the file, made when absent (who asks has made sure that nothing is sealed
    with lost ones). Raises ConfigurationError on a bad key."""
    path = keys_file(settings)
    text = settings.encryption_keys or _file_or_new(path, make_key)
    keys = _parts(text)
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
