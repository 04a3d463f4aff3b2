"""The next step of an error is the same wherever it is offered: badge, button, banner, alert, run page and help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from pmsapp import clock
from pmsapp.domain.codes import (
    CATALOGUE,
    ActionOwner,
    Code,
    LeadsTo,
)
from pmsapp.domain.errors import message_for, step_for
from pmsapp.domain.sync_state import state_after_error
from pmsapp.models import Incident, PMSConnection, SyncRun
from pmsapp.services.base.next_step import next_step
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.monitoring import alerts, incidents
from pmsapp.services.sheet import questions
from pmsapp.web.integrations.connection_view import step_button
from pmsapp.web.ui import labels, shell
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

OF_INSTALLATION = {LeadsTo.HEALTH, LeadsTo.ALERTS}
OF_CONNECTION = {name: code for name, code in CATALOGUE.items() if code.step.leads_to not in OF_INSTALLATION}
LINK = re.compile(r'href="([^"]*)"[^>]*>([^<]*)<')


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock) -> Iterator[FakeClinic]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        clinic.ensure()
        made = FakeClinic(practice)
        made.sync()
        yield made


def fail_with(fake: FakeClinic, code: Code) -> None:
    """The connection's last run ended with this code, and people were told of it."""
    now, message = clock.now(), message_for(code.name, "Fake")
    with writing() as session:
        session.execute(
            update(PMSConnection).values(
                state=state_after_error(code.name).value,
                last_error_code=code.name,
                last_sync_error=message,
                last_sync_status="failed",
                failures_in_row=2,
            )
        )
        session.execute(update(SyncRun).values(status="failed", error_code=code.name, error_message=message))
        session.execute(delete(Incident))
        session.add(
            Incident(
                subject=f"connection:{fake.connection_id}",
                connection_id=fake.connection_id,
                code=code.name,
                severity="low",
                started_at=now - timedelta(minutes=20),
                last_seen_at=now,
                opened_at=now,
            )
        )


def ask_something(fake: FakeClinic) -> None:
    """A question is open: only then is anybody led to the questions."""
    with writing() as session:
        questions.open_question(
            session,
            kind="practitioner_new",
            subject=f"practitioner:{fake.connection_id}:dora",
            now=clock.now(),
            connection_id=fake.connection_id,
            theirs={"pms_practitioner_id": "dora", "name": "Dr Dora Dale"},
        )


def links_in(html: str) -> set[tuple[str, str]]:
    return {(href, unescape(word).strip()) for href, word in LINK.findall(html)}


def test_every_code_of_a_connection_offers_one_step_everywhere(app: Flask, fake: FakeClinic) -> None:
    admin = actors.browser_for(app, "admin")
    for code in OF_CONNECTION.values():
        fail_with(fake, code)
        if code.step.leads_to is LeadsTo.DECISIONS:
            ask_something(fake)
        view = connections.get_connection(fake.connection_id)
        step = next_step(code.name, view.pms_label, view.id)
        wanted = (step.href, step.word)
        is_staffs = code.actor is ActionOwner.STAFF
        badge, button = labels.connection_badge(view, None, clock.now()), step_button(view)
        assert (badge.word == step.word) is is_staffs, code.name
        assert (button is not None) is is_staffs, code.name
        assert button is None or (button.href, button.word) == wanted, code.name
        sheet = admin.get("/").text
        assert wanted in links_in(sheet), code.name
        (incident,) = incidents.list_open()
        assert (incident.path, incident.step.word) == wanted, code.name
        assert wanted in links_in(admin.get("/settings/alerts").text), code.name
        with reading() as session:
            run_id = session.scalars(select(SyncRun.id)).first()
        run_page = admin.get(f"/integrations/{view.id}/history/{run_id}").text
        assert (wanted in links_in(run_page)) or not is_staffs, code.name


def test_the_message_of_an_alert_leads_where_the_banner_does(app: Flask, fake: FakeClinic) -> None:
    fail_with(fake, CATALOGUE["APP-NOT-ENABLED"])
    with app.test_request_context():
        now = shell.page_status()
    (view,) = now.connections
    (incident,) = incidents.list_open()
    assert view.next_step is not None
    assert incident.path == view.next_step.href == "/help/APP-NOT-ENABLED"
    assert alerts.AlertMessage("title", "body", incident.path).path == view.next_step.href


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in OF_CONNECTION])
def test_a_code_of_the_installation_leads_to_a_page_of_its_own(name: str) -> None:
    step = next_step(name, "the practice software", None)
    assert step.href in ("/settings/health", "/settings/alerts")
    assert step.word == step_for(name).words


def test_a_code_that_needs_a_person_is_told_with_whose_step_it_is(app: Flask, fake: FakeClinic) -> None:
    fail_with(fake, CATALOGUE["AUTH-EXPIRED"])
    advice = CATALOGUE["AUTH-EXPIRED"].advice
    lowered = f"An administrator has to act: {advice[:1].lower()}{advice[1:]}"
    assert advice in unescape(actors.browser_for(app, "admin").get("/").text)
    assert lowered in unescape(actors.browser_for(app, "reception").get("/").text)
    fail_with(fake, CATALOGUE["DATA-STALE"])
    clinician = actors.browser(app, actors.make_user("clinician", clinician_id=fake.mapped["anna"]))
    assert "Reception has to act: press Sync now" in clinician.get("/").text


def test_who_may_not_take_a_step_is_not_offered_it(app: Flask, fake: FakeClinic) -> None:
    fail_with(fake, CATALOGUE["AUTH-EXPIRED"])
    reception = actors.browser_for(app, "reception")
    assert "Sign in again" not in {word for _, word in links_in(reception.get("/").text)}
    fail_with(fake, CATALOGUE["AUTH-SCOPE"])
    sheet = reception.get("/").text
    assert ("/help/AUTH-SCOPE", "Ask the practice owner") in links_in(sheet)
