"""Changing the encryption key without stopping: add a key, restart, re-seal, drop the old one.

Re-sealing goes in small steps that are each whole; stopped half way, the next call goes on where it ended, and a
call with nothing to do changes nothing. A text somebody else changed meanwhile is left to them: they sealed it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import InstrumentedAttribute

from pmsapp.crypto import key_files, private_files
from pmsapp.crypto.cipher import CipherError, KeyRing, make_key, sealed_with
from pmsapp.domain.actor import Actor
from pmsapp.extensions import current_settings, key_ring
from pmsapp.models import (
    AuditKey,
    CardBefore,
    DowntimePassphrase,
    PMSConnection,
    RunSheetAppointment,
    SecondFactor,
    SetupDraft,
    StoredAnswer,
)
from pmsapp.services.base import audit, audit_chain, encrypted_columns, idempotency
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import downtime
from pmsapp.services.people import second_factor
from pmsapp.services.setup import drafts

_STEP_ROWS = 200


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed texts and what each is bound to."""

    column: InstrumentedAttribute[str | None] | InstrumentedAttribute[str]
    context: Callable[[Any], str]

    @property
    def model(self) -> Any:
        return self.column.class_


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key of the ring and how many sealed texts need it. `known` False: needed, but not in the ring."""

    id: str
    is_current: bool
    known: bool
    texts: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did. `unreadable` texts open with no key of the ring and were left as they are."""

    resealed: int
    already_current: int
    unreadable: int


def _of_connection(place: str) -> Callable[[PMSConnection], str]:
    return lambda row: encrypted_columns.connection_context(row.secret_uid, place)


def _of_link(kind: encrypted_columns.LinkKind) -> Callable[[RunSheetAppointment], str]:
    def context(card: RunSheetAppointment) -> str:
        if card.pms_connection_id is None or card.pms_appointment_id is None:
            return encrypted_columns.kept_link_context(card.id, kind)
        return encrypted_columns.link_context(
            card.pms_connection_id, card.pms_appointment_id, card.pms_patient_id, kind
        )

    return context


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn(PMSConnection.credentials_sealed, _of_connection(encrypted_columns.CREDENTIALS)),
    SealedColumn(PMSConnection.access_token, _of_connection(encrypted_columns.ACCESS_TOKEN)),
    SealedColumn(PMSConnection.refresh_token, _of_connection(encrypted_columns.REFRESH_TOKEN)),
    SealedColumn(PMSConnection.webhook_secret_sealed, _of_connection(encrypted_columns.WEBHOOK_SECRET)),
    SealedColumn(RunSheetAppointment.host_link_sealed, _of_link("host")),
    SealedColumn(RunSheetAppointment.patient_link_sealed, _of_link("patient")),
    SealedColumn(StoredAnswer.answer_sealed, idempotency.context_of),
    SealedColumn(SecondFactor.secret_sealed, second_factor.context_of),
    SealedColumn(DowntimePassphrase.passphrase_sealed, downtime.context_of),
    SealedColumn(AuditKey.key_sealed, audit_chain.context_of),
    SealedColumn(SetupDraft.fields_sealed, drafts.context_of),
)


def list_keys() -> list[KeyUse]:
    """Every key, the current first, then those that texts need but the ring lacks."""
    ring = key_ring()
    used = _uses()
    known = [KeyUse(name, name == ring.current_id, True, used.pop(name, 0)) for name in ring.ids]
    return [*known, *(KeyUse(name, False, False, count) for name, count in sorted(used.items()))]


def unreadable() -> int:
    """How many sealed texts open with no key in their place: key lost, copied between rows, or altered."""
    return sum(_each_text(lambda ring, place, row, text: not _opens(ring, place, row, text)))


def add_key(actor: Actor) -> str:
    """Put a fresh key first in the key file; running processes learn it when restarted. Returns its id.

    Raises Conflict when the keys come from the environment: then they are changed there.
    """
    lines = _file_keys()
    fresh = make_key()
    _write_keys([fresh, *lines])
    fresh_id = KeyRing([fresh]).current_id
    with writing() as session:
        audit.record(session, actor, "key.added", f"key:{fresh_id}")
    return fresh_id


def drop_key(key: str, actor: Actor) -> None:
    """Take a key out of the key file. Raises Conflict while it is current or texts need it, NotFound."""
    use = next((use for use in list_keys() if use.id == key and use.known), None)
    if use is None:
        raise NotFound("key")
    if use.is_current or use.texts:
        raise Conflict("KEY-IN-USE", f"Key {key} is still needed; run: pmsapp keys rotate")
    _write_keys([text for text in _file_keys() if KeyRing([text]).current_id != key])
    with writing() as session:
        audit.record(session, actor, "key.dropped", f"key:{key}")


def rotate(actor: Actor) -> Rotation:
    """Seal every text with the current key."""
    ring = key_ring()
    total: Counter[str] = Counter()
    for place in SEALED:
        after_id = 0
        while True:
            last_id, counts = _step(ring, place, after_id)
            total += counts
            if last_id is None:
                break
            after_id = last_id
    if total["resealed"]:
        with writing() as session:
            # What is kept for undoing runs holds links sealed with the earlier keys.
            session.execute(delete(CardBefore).execution_options(synchronize_session=False))
            audit.record(
                session, actor, "key.rotated", f"key:{ring.current_id}", {"texts": total["resealed"]}
            )
    return Rotation(total["resealed"], total["current"], total["unreadable"])


def _step(ring: KeyRing, place: SealedColumn, after_id: int) -> tuple[int | None, Counter[str]]:
    """Re-seal the next rows in one transaction. Returns the last id looked at, None at the end."""
    counts: Counter[str] = Counter()
    model, column = place.model, place.column
    with writing() as session:
        query = (
            select(model).where(column.is_not(None), model.id > after_id).order_by(model.id).limit(_STEP_ROWS)
        )
        rows = session.scalars(query).all()
        for row in rows:
            text = getattr(row, column.key)
            if sealed_with(text) == ring.current_id:
                counts["current"] += 1
                continue
            try:
                fresh = ring.seal(ring.open(text, place.context(row)), place.context(row))
            except CipherError:
                counts["unreadable"] += 1
                continue
            values = {column.key: fresh} | ({"key_id": ring.current_id} if hasattr(model, "key_id") else {})
            session.execute(update(model).where(model.id == row.id, column == text).values(**values))
            counts["resealed"] += 1
    return (rows[-1].id if rows else None), counts


def _uses() -> dict[str, int]:
    """Key id -> number of texts sealed with it. "?" counts texts that are no sealed text at all."""
    found: Counter[str] = Counter(_each_text(lambda ring, place, row, text: sealed_with(text) or "?"))
    return dict(found)


def _each_text(look: Callable[[KeyRing, SealedColumn, Any, str], Any]) -> list[Any]:
    ring = key_ring()
    seen: list[Any] = []
    with reading() as session:
        for place in SEALED:
            rows = session.scalars(
                select(place.model).where(place.column.is_not(None)).execution_options(yield_per=500)
            )
            seen += [look(ring, place, row, getattr(row, place.column.key)) for row in rows]
    return seen


def _opens(ring: KeyRing, place: SealedColumn, row: Any, text: str) -> bool:
    try:
        ring.open(text, place.context(row))
    except CipherError:
        return False
    return True


def _file_keys() -> list[str]:
    settings = current_settings()
    if settings.encryption_keys:
        raise Conflict("KEYS-ELSEWHERE", "The keys are given by PMSAPP_ENCRYPTION_KEYS; change them there.")
    text = (settings.instance_dir / key_files.ENCRYPTION_KEYS_FILE).read_text(encoding="utf-8")
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]


def _write_keys(texts: list[str]) -> None:
    """Replace the key file in one step, readable by its owner alone."""
    path = current_settings().instance_dir / key_files.ENCRYPTION_KEYS_FILE
    private_files.replace(path, "\n".join(texts) + "\n")
