"""Keys: everything sealed is found, re-sealed in small steps, and an old key goes only when nothing needs it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.client.tokens import Token
from pmsapp.crypto import key_files
from pmsapp.crypto.cipher import KeyRing, make_key, sealed_with
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import PMSConnection, RunSheet, RunSheetAppointment, SecondFactor, User
from pmsapp.models.base import Base
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import key_rotation
from pmsapp.services.people import second_factor
from pmsapp.settings import Settings

OLD, NEW = make_key(), make_key()


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(encryption_keys=f"{NEW},{OLD}")


def _fill(ring: KeyRing, *, count: int = 1) -> None:
    """Connections and cards with everything sealed by `ring`."""
    now = clock.now()
    with writing() as session:
        sheet = RunSheet(date=now.date(), created_at=now, updated_at=now)
        session.add(sheet)
        session.flush()
        for number in range(count):
            row = PMSConnection(
                pms_type="gentu",
                display_name=f"C{number}",
                time_zone="Australia/Melbourne",
                secret_uid=encrypted_columns.new_uid(),
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            session.flush()
            encrypted_columns.seal_credentials(ring, row, {"client_secret": "open sesame"})
            encrypted_columns.seal_webhook_secret(ring, row, "hook")
            encrypted_columns.seal_token(ring, row, Token("abc", now, "again"), now)
            card = RunSheetAppointment(
                run_sheet_id=sheet.id,
                start_at=now,
                time_zone="Australia/Melbourne",
                appointment_status="booked",
                pms_connection_id=row.id,
                pms_appointment_id="a",
                pms_patient_id="p",
                created_at=now,
                updated_at=now,
            )
            session.add(card)
            card.host_link_sealed = encrypted_columns.seal_link(
                ring, "https://host", row.id, "a", "p", "host"
            )
            card.patient_link_sealed = encrypted_columns.seal_link(
                ring, "https://patient", row.id, "a", "p", "patient"
            )
        manual = RunSheetAppointment(
            run_sheet_id=sheet.id,
            start_at=now,
            time_zone="Australia/Melbourne",
            appointment_status="booked",
            created_at=now,
            updated_at=now,
        )
        session.add(manual)
        session.flush()
        manual.host_link_sealed = ring.seal(
            "https://kept", encrypted_columns.kept_link_context(manual.id, "host")
        )
        _fill_second_factor(session, ring)


def _fill_second_factor(session: Session, ring: KeyRing) -> None:
    now = clock.now()
    person = User(email="mel@example.org", name="Mel", role="viewer", password_hash="!", created_at=now)
    session.add(person)
    session.flush()
    factor = SecondFactor(user_id=person.id, secret_uid="one", enabled_at=now, secret_sealed="")
    factor.secret_sealed = ring.seal("JBSWY3DPEHPK3PXP", second_factor.context_of(factor))
    session.add(factor)


def _key_ids() -> set[str | None]:
    found: set[str | None] = set()
    with reading() as session:
        for place in key_rotation.SEALED:
            texts = session.scalars(select(place.column).where(place.column.is_not(None)))
            found |= {sealed_with(text) for text in texts if text}
    return found


def test_every_sealed_column_of_the_models_is_known() -> None:
    declared = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith(("_sealed", "_token"))
    }
    assert {(place.model.__tablename__, place.column.key) for place in key_rotation.SEALED} == declared


def test_everything_is_sealed_anew_and_still_opens(app: Flask) -> None:
    _fill(KeyRing([OLD]))
    done = key_rotation.rotate(COMMAND_LINE)
    assert (done.resealed, done.already_current, done.unreadable) == (8, 0, 0)
    assert _key_ids() == {KeyRing([NEW]).current_id}
    only_new = KeyRing([NEW])
    with reading() as session:
        row = session.scalars(select(PMSConnection)).one()
        assert encrypted_columns.open_credentials(only_new, row) == {"client_secret": "open sesame"}
        assert row.key_id == only_new.current_id
        links = [
            encrypted_columns.open_card_link(only_new, card, "host")
            for card in session.scalars(select(RunSheetAppointment).order_by(RunSheetAppointment.id))
        ]
        assert links == ["https://host", "https://kept"]


def test_a_second_rotation_changes_nothing(app: Flask) -> None:
    _fill(KeyRing([OLD]))
    key_rotation.rotate(COMMAND_LINE)
    before = audit.count()
    again = key_rotation.rotate(COMMAND_LINE)
    assert (again.resealed, again.already_current, audit.count()) == (0, 9, before)


def test_a_rotation_that_was_stopped_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation, "_STEP_ROWS", 2)
    _fill(KeyRing([OLD]), count=5)
    real, steps = key_rotation._step, []

    def dies_after_three(*args: object) -> object:
        steps.append(args)
        if len(steps) > 3:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(key_rotation, "_step", dies_after_three)
    with pytest.raises(KeyboardInterrupt):
        key_rotation.rotate(COMMAND_LINE)
    assert len(_key_ids()) == 2
    assert key_rotation.unreadable() == 0
    monkeypatch.setattr(key_rotation, "_step", real)
    assert key_rotation.rotate(COMMAND_LINE).resealed > 0
    assert _key_ids() == {KeyRing([NEW]).current_id}


def test_what_no_key_opens_is_counted_and_left(app: Flask) -> None:
    _fill(KeyRing([OLD]))
    with writing() as session:
        lost = KeyRing([make_key()]).seal("x", "nowhere")
        session.execute(update(PMSConnection).values(credentials_sealed=lost))
    done = key_rotation.rotate(COMMAND_LINE)
    assert (done.unreadable, key_rotation.unreadable()) == (1, 1)
    assert any(not use.known and use.texts == 1 for use in key_rotation.list_keys())


def test_uses_are_counted_per_key(app: Flask) -> None:
    _fill(KeyRing([OLD]))
    uses = {use.id: (use.is_current, use.texts) for use in key_rotation.list_keys()}
    assert uses == {KeyRing([NEW]).current_id: (True, 0), KeyRing([OLD]).current_id: (False, 8)}


def test_keys_of_the_environment_are_not_changed_here(app: Flask) -> None:
    with pytest.raises(Conflict, match="PMSAPP_ENCRYPTION_KEYS"):
        key_rotation.add_key(COMMAND_LINE)


class TestKeyFile:
    @pytest.fixture
    def settings(self, make_settings: Callable[..., Settings]) -> Settings:
        return make_settings()

    def test_a_new_key_stands_first_and_the_file_stays_private(self, app: Flask, settings: Settings) -> None:
        before = key_files.ring(settings)
        fresh = key_rotation.add_key(COMMAND_LINE)
        after = key_files.ring(settings)
        assert after.ids == (fresh, before.current_id)
        assert (settings.instance_dir / "encryption_keys").stat().st_mode & 0o777 == 0o600
        assert audit.list_events()[0].action == "key.added"

    def test_an_unknown_key_is_not_found(self, app: Flask) -> None:
        with pytest.raises(NotFound):
            key_rotation.drop_key("ffffffff", COMMAND_LINE)

    def test_the_current_key_is_not_dropped(self, app: Flask) -> None:
        with pytest.raises(Conflict, match="still needed"):
            key_rotation.drop_key(key_rotation.list_keys()[0].id, COMMAND_LINE)
