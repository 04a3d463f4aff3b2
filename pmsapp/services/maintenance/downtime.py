"""The downtime copy: today and tomorrow in one encrypted file that any browser opens without this server.

The file holds its own script. A passphrase opens it: AES-GCM under a key that PBKDF2 makes of the passphrase. The
passphrase is kept sealed by the key ring and never logged; the two newest files stay in the instance folder.
"""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from pmsapp import clock, paths
from pmsapp.crypto import private_files
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import is_ahead
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import current_settings, key_ring
from pmsapp.models import DowntimePassphrase, SyncRun
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.people import passwords

FOLDER = "downtime"
KEEP = 2
ROUNDS = 600_000
LATE_AFTER = timedelta(minutes=30)
_PATTERN = "pmsapp-downtime-*.html"
_STAMP = "pmsapp-downtime-%Y%m%d-%H%M%S"
_GOOD = ("success", "partial")


@dataclass(frozen=True, slots=True)
class Copy:
    """One file."""

    path: Path
    made_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are: `set_at` None means that no passphrase is set and no copy is made."""

    set_at: datetime | None
    set_by: str | None
    copies: tuple[Copy, ...]
    read_at: datetime | None

    @property
    def latest(self) -> Copy | None:
        return self.copies[0] if self.copies else None

    @property
    def is_due(self) -> bool:
        """True when something was read, or the passphrase changed, after the newest copy was made."""
        if self.set_at is None:
            return False
        return self.latest is None or max(self.set_at, self.read_at or self.set_at) > self.latest.made_at


def standing() -> Standing:
    """The passphrase (that there is one), the copies, newest first, and when a run last brought something."""
    with reading() as session:
        row = _row(session)
        read_at = session.scalar(
            select(func.max(SyncRun.completed_at)).where(
                SyncRun.status.in_(_GOOD), SyncRun.dry_run.is_(False)
            )
        )
    return Standing(row.set_at if row else None, row.set_by if row else None, tuple(_copies()), read_at)


def set_passphrase(text: str, actor: Actor) -> None:
    """Keep the passphrase of the copies made from now on. Raises Invalid."""
    with reading() as session:
        known = [clinic.get_clinic(session).name]
    fault = passwords.fault(text, known_words=known)
    if fault:
        raise Invalid({"passphrase": fault})
    ring, now = key_ring(), clock.now()
    row = DowntimePassphrase(
        secret_uid=uuid.uuid4().hex, key_id=ring.current_id, set_at=now, set_by=actor.name
    )
    row.passphrase_sealed = ring.seal(text, context_of(row))
    with writing() as session:
        session.execute(delete(DowntimePassphrase))
        session.add(row)
        audit.record(session, actor, "downtime.passphrase_set")


def forget(actor: Actor) -> None:
    """Make no more copies, and take away those there are."""
    with writing() as session:
        session.execute(delete(DowntimePassphrase))
        audit.record(session, actor, "downtime.forgotten")
    for copy in _copies():
        copy.path.unlink(missing_ok=True)


def write(content: str) -> Copy:
    """Encrypt the pages of `content` into a new file; the oldest beyond two go.

    Raises Conflict without a passphrase, ConfigurationError when the file cannot be written.
    """
    with reading() as session:
        row = _row(session)
        if row is None:
            raise Conflict("NO-PASSPHRASE", "Set a passphrase for the downtime copy first.")
        passphrase = key_ring().open(row.passphrase_sealed, context_of(row))
    now = clock.now()
    folder = current_settings().instance_dir / FOLDER
    target = folder / f"{now.astimezone(UTC).strftime(_STAMP)}.html"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        private_files.replace(target, seal(content, passphrase))
        for old in _copies()[KEEP:]:
            old.path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The downtime copy could not be written ({error.strerror}).") from error
    return Copy(target, now, target.stat().st_size)


def seal(content: str, passphrase: str) -> str:
    """The whole file: the encrypted pages, and what opens them in a browser."""
    salt, nonce = os.urandom(16), os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, 32)
    box = AESGCM(key).encrypt(nonce, content.encode(), None)
    script = (paths.STATIC / "downtime" / "open.js").read_text(encoding="utf-8")
    style = "".join(
        (paths.STATIC / name).read_text(encoding="utf-8") for name in ("downtime/page.css", "css/paper.css")
    )
    values = {
        "script": script,
        "style": style,
        "script_hash": _hash_of(script),
        "style_hash": _hash_of(style),
        "rounds": str(ROUNDS),
        "salt": _text(salt),
        "nonce": _text(nonce),
        "sealed": _text(box),
    }
    page = (paths.STATIC / "downtime" / "page.html").read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace(f"[[{name}]]", value)
    return page


def context_of(row: DowntimePassphrase) -> str:
    """What the sealed passphrase is bound to."""
    return f"{DowntimePassphrase.__tablename__}|{row.secret_uid}|passphrase_sealed"


def _row(session: Session) -> DowntimePassphrase | None:
    return session.scalar(select(DowntimePassphrase).order_by(DowntimePassphrase.id.desc()).limit(1))


def _copies() -> list[Copy]:
    """Newest first by the time in their name; those that claim to be of the future come last, so they go first."""
    now = clock.now()
    found = []
    for path in (current_settings().instance_dir / FOLDER).glob(_PATTERN):
        try:
            made_at = datetime.strptime(path.stem, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue
        found.append(Copy(path, made_at, path.stat().st_size))
    return sorted(found, key=lambda copy: (not is_ahead(copy.made_at, now), copy.made_at), reverse=True)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _hash_of(text: str) -> str:
    return f"'sha256-{_text(hashlib.sha256(text.encode()).digest())}'"
