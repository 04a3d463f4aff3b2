"""One sealed file with everything a new machine needs: database, keys and settings."""

from __future__ import annotations

import os
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pmsapp.crypto import key_files, sealed_stream
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings, machine_file

SUFFIX = ".archive"
_DATABASE = "database.sqlite3"
_SETTINGS = ("settings.toml", "pmsapp.env")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive held: the database as a file, the keys as text, and the settings as files beside it."""

    database: Path
    keys: str | None

    def __repr__(self) -> str:
        return f"Unpacked({self.database})"


def is_archive(file: Path) -> bool:
    """True when the file begins as a sealed archive does."""
    with file.open("rb") as opened:
        return opened.read(len(sealed_stream.MAGIC)) == sealed_stream.MAGIC


def make(copy: Path, target: Path, settings: Settings) -> None:
    """Seal a checked copy of the database with keys and settings into `target`, in one step.

    Raises ConfigurationError without a passphrase, or when it cannot be written.
    """
    passphrase = settings.backup_passphrase
    if passphrase is None:
        raise ConfigurationError("An archive is sealed with PMSAPP_BACKUP_PASSPHRASE, which is not set.")
    half = target.with_suffix(".part")
    try:
        with tempfile.TemporaryDirectory(prefix="work-", dir=copy.parent) as work:
            plain = Path(work) / "plain.tar"
            with tarfile.open(plain, "w") as tar:
                tar.add(copy, _DATABASE)
                for name, content in _small_files(settings).items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    tar.addfile(entry, BytesIO(content))
            handle = os.open(half, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with plain.open("rb") as source, os.fdopen(handle, "wb") as sealed:
                sealed_stream.seal(source, sealed, passphrase)
                sealed.flush()
                os.fsync(sealed.fileno())
        half.replace(target)
    except OSError as error:
        raise ConfigurationError(f"{target} could not be written ({error.strerror}).") from error
    finally:
        if half.exists():
            half.unlink()


def _small_files(settings: Settings) -> dict[str, bytes]:
    """Keys, the cookies' key and the files of settings, as far as there are any."""
    found = {_SETTINGS[0]: settings.instance_dir / _SETTINGS[0], _SETTINGS[1]: machine_file(os.environ)}
    files = {name: path.read_bytes() for name, path in found.items() if path is not None and path.exists()}
    return {
        key_files.ENCRYPTION_KEYS_FILE: key_files.keys_text(settings).encode(),
        key_files.SECRET_KEY_FILE: key_files.secret_key(settings).encode(),
        **files,
    }


def unpack(file: Path, work: Path, passphrase: str) -> Unpacked:
    """Open an archive into the private folder `work`. Raises ConfigurationError when it does not open."""
    plain = work / "plain.tar"
    try:
        with file.open("rb") as source, plain.open("wb") as opened:
            sealed_stream.unseal(source, opened, passphrase)
        with tarfile.open(plain) as tar:
            tar.extractall(work, filter="data", members=[tar.getmember(name) for name in tar.getnames()])
    except (CipherError, tarfile.TarError) as error:
        raise ConfigurationError(f"{file.name} does not open: {error}.") from None
    except OSError as error:
        raise ConfigurationError(f"{file.name} could not be unpacked ({error.strerror}).") from error
    finally:
        plain.unlink(missing_ok=True)
    (work / _DATABASE).chmod(0o600)
    keys = work / key_files.ENCRYPTION_KEYS_FILE
    return Unpacked(work / _DATABASE, keys.read_text(encoding="utf-8") if keys.exists() else None)
