"""The log of who did what: in the transaction of the change, append-only, and any tampering is named."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from pmsapp.domain.actor import COMMAND_LINE, Actor
from pmsapp.extensions import db
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.transaction import writing

MEL = Actor(kind="user", name="Mel", id=3, request_id="r1", remote_addr="10.0.0.9")


def note(action: str = "thing.happened", **detail: Any) -> int:
    with writing() as session:
        return audit.record(session, MEL, action, "thing:1", detail or None)


WITHOUT_TRIGGERS = {
    "sqlite": (
        "DROP TRIGGER audit_events_no_update",
        "DROP TRIGGER audit_events_no_delete",
        "DROP TRIGGER audit_events_no_replace",
    ),
    "postgresql": (
        "DROP TRIGGER audit_events_append_only ON audit_events",
        "DROP TRIGGER audit_events_no_truncate ON audit_events",
    ),
}


def run_sql(*statements: str) -> None:
    with writing() as session:
        for statement in statements:
            session.execute(text(statement))


def without_triggers(*statements: str) -> None:
    run_sql(*WITHOUT_TRIGGERS[db.engine.dialect.name], *statements)


def test_a_row_says_who_did_what_to_what_and_from_where(app: Flask) -> None:
    note(field="role", old="viewer", new="admin")
    event = audit.list_events()[0]
    assert (event.actor, event.action, event.subject) == ("user:3 Mel", "thing.happened", "thing:1")
    assert event.detail == {"field": "role", "old": "viewer", "new": "admin"}
    assert (event.request_id, event.remote_addr) == ("r1", "10.0.0.9")


def test_an_empty_log_and_a_grown_one_hold(app: Flask) -> None:
    assert audit_chain.verify().ok
    for number in range(5):
        note(number=number, text="Zoë – naïve ☎")
    verdict = audit_chain.verify()
    assert verdict.ok
    assert (verdict.checked, verdict.last_id) == (5, 5)


def test_two_rows_of_one_transaction_follow_each_other(app: Flask) -> None:
    with writing() as session:
        audit.record(session, MEL, "first.thing")
        audit.record(session, COMMAND_LINE, "second.thing")
    assert audit_chain.verify().checked == 2
    assert audit_chain.verify().ok


def test_a_change_that_fails_leaves_no_row(app: Flask) -> None:
    def change_then_break() -> None:
        with writing() as session:
            audit.record(session, MEL, "thing.happened")
            raise RuntimeError("the change broke")

    with pytest.raises(RuntimeError):
        change_then_break()
    assert audit.count() == 0


REPLACING = {
    "sqlite": "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events WHERE id = 1",
    "postgresql": (
        "INSERT INTO audit_events SELECT * FROM audit_events WHERE id = 1"
        " ON CONFLICT (id) DO UPDATE SET actor = 'user:9 Somebody'"
    ),
}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'user:9 Somebody' WHERE id = 1",
        "DELETE FROM audit_events WHERE id = 1",
        None,
    ],
    ids=["update", "delete", "replace"],
)
def test_the_database_refuses_to_change_a_row(app: Flask, statement: str | None) -> None:
    note()
    with pytest.raises(DBAPIError, match="append-only"):
        run_sql(statement or REPLACING[db.engine.dialect.name])
    assert audit_chain.verify().ok


@pytest.mark.parametrize(
    ("statement", "bad_id", "reason"),
    [
        ("UPDATE audit_events SET actor = 'user:9 Somebody' WHERE id = 2", 2, "changed"),
        ("UPDATE audit_events SET detail = '{}' WHERE id = 3", 3, "changed"),
        ("UPDATE audit_events SET at = '2020-01-01T00:00:00.000000+00:00' WHERE id = 1", 1, "changed"),
        ("DELETE FROM audit_events WHERE id = 2", 3, "missing"),
        ("DELETE FROM audit_events WHERE id = 1", 2, "missing"),
        ("UPDATE audit_events SET previous_hash = hash WHERE id = 4", 4, "follow"),
    ],
)
def test_tampering_behind_the_triggers_is_named(app: Flask, statement: str, bad_id: int, reason: str) -> None:
    for number in range(4):
        note(n=number)
    without_triggers(statement)
    verdict = audit_chain.verify()
    assert not verdict.ok
    assert verdict.first_bad_id == bad_id
    assert reason in (verdict.reason or "")


def test_rows_cut_off_the_end_show_against_a_noted_last_hash(app: Flask) -> None:
    for number in range(3):
        note(n=number)
    noted = audit_chain.verify()
    without_triggers("DELETE FROM audit_events WHERE id = 3")
    now = audit_chain.verify()
    assert now.ok
    assert (now.last_id, now.last_hash) != (noted.last_id, noted.last_hash)


def test_pages_of_the_log_go_on_from_an_id(app: Flask) -> None:
    for number in range(5):
        note(n=number)
    first = audit.list_events(limit=2)
    second = audit.list_events(limit=2, before_id=first[-1].id)
    assert [event.id for event in first + second] == [5, 4, 3, 2]
    assert audit.list_events(subject="thing:2") == []
