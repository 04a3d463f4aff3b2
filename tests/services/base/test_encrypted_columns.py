"""Sealed columns open only in their own place and with their own key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pmsapp.adapters.client.tokens import Token
from pmsapp.crypto.cipher import CipherError, KeyRing, make_key
from pmsapp.models import PMSConnection, RunSheetAppointment
from pmsapp.services.base import encrypted_columns

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing([make_key()])


def connection() -> PMSConnection:
    return PMSConnection(secret_uid=encrypted_columns.new_uid())


def test_a_login_is_sealed_and_opens_again(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_credentials(ring, row, {"client_secret": "wattle"})
    assert row.credentials_sealed is not None
    assert "wattle" not in row.credentials_sealed
    assert row.key_id == ring.current_id
    assert encrypted_columns.open_credentials(ring, row) == {"client_secret": "wattle"}


def test_a_login_copied_to_another_row_does_not_open(ring: KeyRing) -> None:
    row, other = connection(), connection()
    encrypted_columns.seal_credentials(ring, row, {"client_secret": "wattle"})
    other.credentials_sealed = row.credentials_sealed
    with pytest.raises(CipherError):
        encrypted_columns.open_credentials(ring, other)


def test_a_login_moved_to_another_column_does_not_open(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_credentials(ring, row, {"client_secret": "wattle"})
    row.access_token = row.credentials_sealed
    assert encrypted_columns.open_token(ring, row) is None


def test_an_empty_login_is_no_login(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_credentials(ring, row, {})
    assert row.credentials_sealed is None
    assert encrypted_columns.open_credentials(ring, row) == {}


def test_a_token_opens_with_its_end_and_can_be_taken_out(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_token(ring, row, Token("abc", NOW), NOW)
    token = encrypted_columns.open_token(ring, row)
    assert token is not None
    assert (token.access_token, token.expires_at, row.token_minted_at) == ("abc", NOW, NOW)
    encrypted_columns.seal_token(ring, row, None, None)
    assert encrypted_columns.open_token(ring, row) is None
    assert row.token_expires_at is None


def test_a_refresh_token_is_sealed_in_its_own_place(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_token(ring, row, Token("abc", NOW, "again"), NOW)
    assert encrypted_columns.open_token(ring, row) == Token("abc", NOW, "again")
    row.access_token, row.refresh_token = row.refresh_token, row.access_token
    assert encrypted_columns.open_token(ring, row) is None, "one does not open in the other's place"
    encrypted_columns.seal_token(ring, row, Token("abc", None), NOW)
    assert row.refresh_token is None, "a vendor without one leaves it empty"


def test_a_token_sealed_with_another_key_counts_as_none(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_token(KeyRing([make_key()]), row, Token("abc", None), NOW)
    assert encrypted_columns.open_token(ring, row) is None


def test_a_link_is_bound_to_its_appointment_patient_and_kind(ring: KeyRing) -> None:
    sealed = encrypted_columns.seal_link(ring, "https://video.example/1", 7, "a1", "p1", "host")
    assert encrypted_columns.open_link(ring, sealed, 7, "a1", "p1", "host") == "https://video.example/1"
    for place in ((8, "a1", "p1", "host"), (7, "a2", "p1", "host"), (7, "a1", "p2", "host")):
        assert encrypted_columns.open_link(ring, sealed, *place) is None  # type: ignore[arg-type]
    assert encrypted_columns.open_link(ring, sealed, 7, "a1", "p1", "patient") is None
    assert encrypted_columns.seal_link(ring, None, 7, "a1", "p1", "host") is None


def test_a_cards_link_opens_whatever_its_source(ring: KeyRing) -> None:
    card = RunSheetAppointment(id=3, pms_connection_id=7, pms_appointment_id="a1", pms_patient_id="p1")
    card.host_link_sealed = encrypted_columns.seal_link(
        ring, "https://video.example/1", 7, "a1", "p1", "host"
    )
    assert encrypted_columns.open_card_link(ring, card, "host") == "https://video.example/1"
    assert encrypted_columns.open_card_link(ring, card, "patient") is None
    card.pms_connection_id = card.pms_appointment_id = None
    card.patient_link_sealed = ring.seal(
        "https://video.example/2", encrypted_columns.kept_link_context(3, "patient")
    )
    assert encrypted_columns.open_card_link(ring, card, "patient") == "https://video.example/2"


def test_the_webhook_secret_is_sealed_too(ring: KeyRing) -> None:
    row = connection()
    encrypted_columns.seal_webhook_secret(ring, row, "shared")
    assert encrypted_columns.open_webhook_secret(ring, row) == "shared"
    encrypted_columns.seal_webhook_secret(ring, row, None)
    assert encrypted_columns.open_webhook_secret(ring, row) is None
