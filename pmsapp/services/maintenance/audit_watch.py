"""The nightly look at the log's chain. The newest row is noted outside the database, so that a cut end shows.

Heads are noted in a file of the instance each night and after each backup, and go out with every heartbeat ping; an
administrator may compare any of them by `pmsapp audit verify --head`.
"""

from __future__ import annotations

import os
from pathlib import Path

from pmsapp import clock
from pmsapp.crypto import private_files
from pmsapp.domain.window import utc_text
from pmsapp.extensions import current_settings
from pmsapp.services.base import audit_chain
from pmsapp.services.base.audit_chain import ChainCheck, Head
from pmsapp.services.base.transaction import reading

FILE = "audit_heads"
_KEPT = 800


class AuditBrokenError(Exception):
    """The log does not hold together. The message names a row and what is wrong with it."""


def check() -> str:
    """Verify the chain against itself and every noted head, then note its head; in words.

    Raises AuditBrokenError, naming the first bad row.
    """
    found = verify(noted())
    if not found.ok:
        raise AuditBrokenError(f"row {found.first_bad_id}: {found.reason}")
    note_head()
    words = f"{found.checked} rows hold"
    return f"{words}, {found.unproved} of them under a key that is lost" if found.unproved else words


def verify(heads: list[Head]) -> ChainCheck:
    """The whole chain, and each of `heads` in it."""
    found = audit_chain.verify()
    for head in heads if found.ok else ():
        reason = audit_chain.missing_head(head)
        if reason is not None:
            return ChainCheck(found.checked, found.last_id, found.last_hash, head.id, reason, found.unproved)
    return found


def note_head() -> Head | None:
    """Write the newest row down outside the database; None while the log is empty."""
    with reading() as session:
        head = audit_chain.head(session)
    lines = _lines()
    if head is None or (lines and lines[-1].endswith(f" {head}")):
        return head
    _write([*lines, f"{utc_text(clock.now())} {head}"])
    return head


def noted() -> list[Head]:
    """Every head written down, the oldest first."""
    found = [parse(line.rpartition(" ")[2]) for line in _lines()]
    return [head for head in found if head is not None]


def forget_after(event_id: int) -> None:
    """A backup was put back: rows after this one were undone, not cut off."""
    kept = [
        line
        for line in _lines()
        if (head := parse(line.rpartition(" ")[2])) is not None and head.id <= event_id
    ]
    _write(kept)


def parse(text: str) -> Head | None:
    """A head as it is written, "123-0f3a..."; None when the text is none."""
    number, _, digits = text.strip().partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19 and len(digits) >= 8):
        return None
    return Head(int(number), digits)


def _path() -> Path:
    return current_settings().instance_dir / FILE


def _lines() -> list[str]:
    try:
        return _path().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _write(lines: list[str]) -> None:
    if lines or os.path.exists(_path()):
        private_files.replace(_path(), "".join(f"{line}\n" for line in lines[-_KEPT:]))
