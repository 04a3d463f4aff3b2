"""The chain's key: whoever writes the database without the key ring can neither change a row nor add one."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, insert, select, text, update

from pmsapp import clock
from pmsapp.crypto.cipher import KeyRing, make_key
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import AuditEvent
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import key_rotation
from tests.services.base.test_audit import note, without_triggers
from tests.support.clock import FrozenClock


def add_without_key(**changes: object) -> None:
    """A row as somebody would put it in who knows how the log was made before it had a key."""
    with writing() as session:
        last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        row = {
            "id": last.id + 1 if last else 1,
            "at": last.at if last else audit.clock.now(),
            "actor": "user:9 Somebody",
            "action": "thing.happened",
            "subject": None,
            "detail": None,
            "request_id": None,
            "remote_addr": None,
            "previous_hash": last.hash if last else audit_chain.GENESIS,
            "key_id": None,
        } | changes
        session.execute(insert(AuditEvent).values(**row, hash=audit_chain.row_hash(row, None)))


def test_a_row_put_in_without_the_key_is_named(app: Flask) -> None:
    note()
    add_without_key()
    verdict = audit_chain.verify()
    assert (verdict.first_bad_id, verdict.reason) == (2, "it was made without the key")


def test_a_row_under_a_key_of_ones_own_is_named(app: Flask) -> None:
    note()
    add_without_key(key_id=99)
    assert audit_chain.verify().reason == "it names a key that is not there"


def test_rows_from_before_the_key_hold_and_the_log_goes_on_with_it(app: Flask) -> None:
    for _ in range(3):
        add_without_key()
    assert audit_chain.verify().ok
    note()
    assert (audit_chain.verify().ok, audit_chain.verify().checked) == (True, 4)


def test_a_log_rewritten_without_the_key_is_noticed(app: Flask) -> None:
    note()
    without_triggers("DELETE FROM audit_events")
    add_without_key()
    assert audit_chain.verify().reason == "the rows with a key are missing"


def test_the_key_is_sealed_with_the_ring_and_outlives_its_rotation(app: Flask) -> None:
    old, new = make_key(), make_key()
    app.extensions["pmsapp_keys"] = KeyRing([old])
    note()
    app.extensions["pmsapp_keys"] = KeyRing([new, old])
    assert key_rotation.rotate(COMMAND_LINE).resealed == 1
    app.extensions["pmsapp_keys"] = KeyRing([new])
    app.extensions.pop("pmsapp_audit_keys")
    assert (audit_chain.verify().ok, audit_chain.verify().unproved) == (True, 0)


def test_a_lost_ring_begins_a_new_key_and_says_which_rows_it_cannot_prove(app: Flask) -> None:
    note()
    app.extensions["pmsapp_keys"] = KeyRing([make_key()])
    app.extensions.pop("pmsapp_audit_keys", None)
    note()
    verdict = audit_chain.verify()
    assert (verdict.ok, verdict.checked, verdict.unproved) == (True, 2, 1)


def test_a_head_noted_elsewhere_tells_of_a_cut_end(app: Flask) -> None:
    for _ in range(3):
        note()
    with reading() as session:
        head = audit_chain.head(session)
    assert head is not None
    assert audit_chain.missing_head(head) is None
    without_triggers("DELETE FROM audit_events WHERE id = 3")
    assert audit_chain.missing_head(head) == "rows at the end are missing"
    note()
    assert audit_chain.missing_head(head) == "it is not the row that was noted"


def test_old_rows_go_only_behind_a_cut_that_the_key_proves(app: Flask, frozen_clock: FrozenClock) -> None:
    for _ in range(3):
        note()
    with writing() as session:
        hash_of_2 = session.scalar(select(AuditEvent.hash).where(AuditEvent.id == 2)) or ""
        audit_chain.cut(session, audit_chain.Head(2, hash_of_2), audit_chain.current_key(session))
        session.execute(delete(AuditEvent).where(AuditEvent.id <= 2))
    assert (audit_chain.verify().ok, audit_chain.verify().checked) == (True, 1)
    frozen_clock.advance(minutes=1)
    with writing() as session:
        session.execute(
            text(
                "INSERT INTO audit_cuts (through_id, last_hash, at, key_id, proof) "
                "SELECT 3, hash, at, 1, 'made up' FROM audit_events WHERE id = 3"
            )
        )
        session.execute(delete(AuditEvent).where(AuditEvent.id <= 3))
    assert audit_chain.verify().reason == "rows up to it were removed, and not by the purge"


def test_a_row_says_when_it_happened_and_not_when_it_was_written(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    seen_at = clock.now() - timedelta(minutes=4)
    with writing() as session:
        audit.record(session, COMMAND_LINE, "card.viewed", "card:1", at=seen_at)
    assert audit.list_events()[0].at == seen_at
    assert audit_chain.verify().ok


def test_a_changed_row_is_named_whatever_is_changed(app: Flask) -> None:
    note()
    without_triggers()
    with writing() as session:
        session.execute(update(AuditEvent).values(key_id=None))
    assert not audit_chain.verify().ok
