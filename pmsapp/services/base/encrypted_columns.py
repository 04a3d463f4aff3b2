"""Sealing and opening what must not be readable in the database or a backup.

Each sealed text is bound to its place: a connection's to (table, the row's `secret_uid`, place), a card's link to
(connection id, PMS appointment id, PMS patient id, which link). Copied elsewhere it does not open. Nothing here
logs or raises a secret.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pmsapp.adapters.client.tokens import Token
from pmsapp.crypto.cipher import CipherError, KeyRing
from pmsapp.models import PMSConnection, RunSheetAppointment

LinkKind = Literal["host", "patient"]

# What each column's texts are bound to. It outlives the column's name: texts already sealed open with no other.
CREDENTIALS = "credentials_sealed"
ACCESS_TOKEN = "token_sealed"  # noqa: S105 - the name of a place
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a place
WEBHOOK_SECRET = "webhook_secret_sealed"  # noqa: S105 - the name of a place


def new_uid() -> str:
    """A fresh `secret_uid` for a connection row; never reused, so sealed texts of a deleted row stay closed."""
    return uuid.uuid4().hex


def connection_context(secret_uid: str, place: str) -> str:
    """What a connection's sealed text is bound to."""
    return f"{PMSConnection.__tablename__}|{secret_uid}|{place}"


def seal_credentials(ring: KeyRing, row: PMSConnection, credentials: Mapping[str, str] | None) -> None:
    """Put the login into the row, sealed; None or nothing takes it out."""
    row.credentials_sealed = (
        _seal(ring, row, CREDENTIALS, json.dumps(dict(credentials), sort_keys=True)) if credentials else None
    )


def open_credentials(ring: KeyRing, row: PMSConnection) -> dict[str, str]:
    """The login stored in the row, {} when there is none. Raises CipherError when it does not open."""
    if row.credentials_sealed is None:
        return {}
    text = ring.open(row.credentials_sealed, connection_context(row.secret_uid, CREDENTIALS))
    values: dict[str, str] = json.loads(text)
    return values


def seal_token(ring: KeyRing, row: PMSConnection, token: Token | None, minted_at: datetime | None) -> None:
    """Put the vendor's token into the row, sealed, with its end and when it was minted; None takes it out."""
    refresh = token.refresh_token if token else None
    row.access_token = _seal(ring, row, ACCESS_TOKEN, token.access_token) if token else None
    row.refresh_token = _seal(ring, row, REFRESH_TOKEN, refresh) if refresh else None
    row.token_expires_at = token.expires_at if token else None
    row.token_minted_at = minted_at if token else None


def open_token(ring: KeyRing, row: PMSConnection) -> Token | None:
    """The token stored in the row; None when there is none or it does not open (a fresh one can be minted)."""
    if row.access_token is None:
        return None
    try:
        text = ring.open(row.access_token, connection_context(row.secret_uid, ACCESS_TOKEN))
    except CipherError:
        return None
    refresh = _open_or_none(ring, row.refresh_token, connection_context(row.secret_uid, REFRESH_TOKEN))
    return Token(text, row.token_expires_at, refresh)


def seal_webhook_secret(ring: KeyRing, row: PMSConnection, secret: str | None) -> None:
    """Put the shared secret of the connection's webhooks into the row, sealed; None takes it out."""
    row.webhook_secret_sealed = _seal(ring, row, WEBHOOK_SECRET, secret) if secret else None


def open_webhook_secret(ring: KeyRing, row: PMSConnection) -> str | None:
    """The webhooks' shared secret; None when there is none or it does not open."""
    if row.webhook_secret_sealed is None:
        return None
    try:
        return ring.open(row.webhook_secret_sealed, connection_context(row.secret_uid, WEBHOOK_SECRET))
    except CipherError:
        return None


def link_context(connection_id: int, appointment_id: str, patient_id: str, kind: LinkKind) -> str:
    """What a PMS card's telehealth link is bound to."""
    return f"card_link|{connection_id}|{appointment_id}|{patient_id}|{kind}"


def kept_link_context(card_id: int, kind: LinkKind) -> str:
    """What the link of a card without a connection (manual, or kept after a disconnect) is bound to."""
    return f"card_link|card:{card_id}|{kind}"


def seal_link(
    ring: KeyRing, url: str | None, connection_id: int, appointment_id: str, patient_id: str, kind: LinkKind
) -> str | None:
    """Seal a telehealth link of a PMS card; None stays None."""
    return ring.seal(url, link_context(connection_id, appointment_id, patient_id, kind)) if url else None


def open_link(
    ring: KeyRing,
    sealed: str | None,
    connection_id: int,
    appointment_id: str,
    patient_id: str,
    kind: LinkKind,
) -> str | None:
    """The telehealth link, None when there is none or it does not open with this key in this place."""
    return _open_or_none(ring, sealed, link_context(connection_id, appointment_id, patient_id, kind))


def open_card_link(ring: KeyRing, card: RunSheetAppointment, kind: LinkKind) -> str | None:
    """The host's or the patient's link of a stored card, whatever its source; None when it cannot be opened."""
    sealed = card.host_link_sealed if kind == "host" else card.patient_link_sealed
    if card.pms_connection_id is None or card.pms_appointment_id is None:
        return _open_or_none(ring, sealed, kept_link_context(card.id, kind))
    return open_link(ring, sealed, card.pms_connection_id, card.pms_appointment_id, card.pms_patient_id, kind)


def _open_or_none(ring: KeyRing, sealed: str | None, context: str) -> str | None:
    if sealed is None:
        return None
    try:
        return ring.open(sealed, context)
    except CipherError:
        return None


def _seal(ring: KeyRing, row: PMSConnection, place: str, text: str) -> str:
    row.key_id = ring.current_id
    return ring.seal(text, connection_context(row.secret_uid, place))
