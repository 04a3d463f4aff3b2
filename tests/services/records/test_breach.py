"""When somebody may have got in: one call ends every way in, and nothing about patients is lost."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import key_ring
from pmsapp.models import APIToken, KnownBrowser, PMSConnection, RunSheetAppointment, UserSession
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import api_tokens, known_browsers
from pmsapp.services.records import breach
from tests.support.actors import browser, make_user, program_for
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice


def test_everything_that_opens_a_door_is_ended_at_once(
    app: Flask, clinic: FakeClinic, practice: FakePractice
) -> None:
    practice.book("anna", clinic.at("10:40"), ["ada"])
    clinic.sync()
    user = make_user("admin")
    mine, program = browser(app, user), program_for(app, "admin")
    with writing() as session:
        known_browsers.remember(session, user.id, known_browsers.new_token(), "Firefox", COMMAND_LINE)
        row = session.get_one(PMSConnection, clinic.connection_id)
        encrypted_columns.seal_webhook_secret(key_ring(), row, "hush")
        fence = row.fence
    ended = breach.end_all(COMMAND_LINE)
    assert (ended.sessions, ended.browsers, ended.tokens, ended.webhooks, ended.logins) == (1, 1, 1, 1, 1)
    assert mine.get("/").status_code in {302, 303}
    assert program.get("/api/run-sheet").status_code == 401
    with reading() as session:
        row = session.get_one(PMSConnection, clinic.connection_id)
        assert (row.credentials_sealed, row.access_token, row.webhook_secret_sealed) == (None, None, None)
        assert (row.state, row.fence) == ("needs_you", fence + 1)
        assert session.scalar(select(func.count()).select_from(RunSheetAppointment)) == 1
        assert session.scalar(select(func.count()).select_from(KnownBrowser)) == 0
        assert session.scalar(select(func.count()).where(UserSession.ended_at.is_(None))) == 0
        assert session.scalar(select(func.count()).where(APIToken.revoked_at.is_(None))) == 0
    newest = audit.list_events()[0]
    assert newest.action == "breach.ended_all"
    assert newest.detail == {
        "sessions": 1,
        "browsers": 1,
        "links": 0,
        "tokens": 1,
        "webhooks": 1,
        "logins": 1,
    }


def test_logins_may_be_left_so_that_updates_go_on(clinic: FakeClinic) -> None:
    assert breach.end_all(COMMAND_LINE, keep_logins=True).logins == 0
    assert clinic.sync().status == "success"


def test_a_second_call_finds_nothing_left_to_end(app: Flask, clinic: FakeClinic) -> None:
    api_tokens.create("desk", "reception", COMMAND_LINE)
    breach.end_all(COMMAND_LINE)
    again = breach.end_all(COMMAND_LINE)
    assert {again.sessions, again.tokens, again.logins, again.webhooks} == {0}
