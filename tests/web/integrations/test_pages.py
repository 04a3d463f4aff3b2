"""Connections as people see them: connecting step by step, the card of each state, history without patients."""

from __future__ import annotations

import codecs
import csv
import html
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp.domain.actor import COMMAND_LINE, Actor
from pmsapp.domain.errors import message_for
from pmsapp.models import AuditEvent, PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import connections
from pmsapp.services.matching import mappings
from pmsapp.services.matching.mappings import MappingChoice
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs import waiting
from pmsapp.services.sheet import days
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.sync import execute, receipts
from pmsapp.settings import Settings
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.connecting import ADMIN, LOGIN, gentu_access, paired_gentu, vendor_settings
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import LOGINS
from tests.web.made_up import DAY

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def admin(app: Flask) -> actors.Browser:
    return actors.browser_for(app, "admin")


def choose_as_suggested(page: str) -> dict[str, object]:
    """The form of a page as it stands: hidden keys, selected options, checked boxes."""
    fields: dict[str, object] = {"key": re.findall(r'name="key" value="([^"]*)"', page)}
    for name, inner in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        fields[name] = chosen.group(1) if chosen else ""
    ticked = re.findall(r'type="(?:radio|checkbox)" name="([^"]+)" value="([^"]+)" checked', page)
    return fields | dict(ticked)


def test_connecting_gentu_step_by_step_fills_the_sheet(admin: actors.Browser, sandbox: SandboxServer) -> None:
    assert "Connect Gentu" in admin.get("/integrations/new/gentu").text
    created = admin.post("/integrations/new/gentu", data=LOGIN)
    assert (created.status_code, created.headers["Location"]) == (303, "/integrations/1/pair")
    code = gentu_access(sandbox).make_code()
    paired = admin.post("/integrations/1/pair", data={"pairing_code": f" {code[:4]} {code[4:]}"})
    assert paired.headers["Location"] == "/integrations/1/found"
    found = admin.post("/integrations/1/found", data={"answer": "yes"})
    assert found.headers["Location"] == "/integrations/1/practitioners"
    step = admin.get("/integrations/1/practitioners").text
    assert "Step 3 of 5" in step
    matched = admin.post("/integrations/1/practitioners", data=choose_as_suggested(step))
    assert matched.headers["Location"] == "/integrations/1/types"
    kinds = admin.get("/integrations/1/types").text
    chosen = admin.post("/integrations/1/types", data=choose_as_suggested(kinds))
    assert chosen.headers["Location"] == "/integrations/1/start"
    last = admin.get("/integrations/1/start").text
    assert re.search(r"[1-9]\d* matched", last)
    assert admin.post("/integrations/1/start").status_code == 303
    for run in reversed(run_history.list_runs(1).items):
        execute.execute_run(run.id)
    shown = days.get_sheet(DAY)
    assert shown.cards
    assert {card.is_telehealth for card in shown.cards if card.appointment_type} == {True}


def test_a_refused_login_is_explained_beside_the_secret_and_never_shown_again(
    admin: actors.Browser,
) -> None:
    answer = admin.post("/integrations/new/gentu", data=LOGIN | {"client_secret": "wrong-secret-42"})
    assert answer.status_code == 422
    assert "AUTH-REFUSED" in answer.text
    field = re.search(r'<input id="client_secret".*?</div>', answer.text, re.S)
    assert field
    assert 'aria-invalid="true"' in field.group(0)
    assert message_for("AUTH-REFUSED", "Gentu") in field.group(0)
    assert "wrong-secret-42" not in answer.text
    assert f'value="{LOGIN["client_id"]}"' in answer.text
    assert connections.list_connections() == []


def test_a_missing_field_is_named_and_linked(admin: actors.Browser) -> None:
    answer = admin.post("/integrations/new/halaxy", data={"client_id": "abc"})
    assert answer.status_code == 422
    assert '<a href="#client_secret">Client secret is missing.</a>' in answer.text


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("SHORT", 422, "8 letters and digits; this has 5"),
        ("ZZZZZZZZ", 422, "PAIR-UNKNOWN"),
        ("", 422, "Enter the pairing code"),
    ],
)
def test_a_pairing_code_that_fails_says_why(
    admin: actors.Browser, sandbox: SandboxServer, code: str, status: int, said: str
) -> None:
    admin.post("/integrations/new/gentu", data=LOGIN)
    answer = admin.post("/integrations/1/pair", data={"pairing_code": code})
    assert answer.status_code == status
    assert re.search(said, answer.text)
    assert 'aria-describedby="pairing_code-help pairing_code-error"' in answer.text


def test_a_used_pairing_code_is_refused_as_used(admin: actors.Browser, sandbox: SandboxServer) -> None:
    code = gentu_access(sandbox).make_code()
    admin.post("/integrations/new/gentu", data=LOGIN)
    assert admin.post("/integrations/1/pair", data={"pairing_code": code}).status_code == 303
    answer = admin.post("/integrations/1/pair", data={"pairing_code": code})
    assert answer.status_code == 409
    assert "already used" in answer.text


def test_every_registered_vendor_draws_its_form(admin: actors.Browser) -> None:
    choose = admin.get("/integrations/new").text
    for slug in ("gentu", "medirecords", "halaxy"):
        assert f'value="{slug}"' in choose
        form = admin.get(f"/integrations/new/{slug}").text
        assert 'type="password"' in form
    assert admin.get("/integrations/new/unheard-of").status_code == 404


@pytest.fixture
def connected(app: Flask, sandbox: SandboxServer) -> int:
    """A paired, switched-on connection; its first run is queued."""
    connection_id = paired_gentu(sandbox)
    connections.update_connection(connection_id, ADMIN, sync_enabled=True)
    return connection_id


def set_state(connection_id: int, **columns: object) -> None:
    with writing() as session:
        session.execute(update(PMSConnection).where(PMSConnection.id == connection_id).values(**columns))


@pytest.mark.parametrize(
    ("columns", "badge", "next_page"),
    [
        ({"state": "needs_you", "last_error_code": "AUTH-EXPIRED"}, "Sign in again", "/login"),
        ({"state": "needs_you", "last_error_code": "NOT-PAIRED"}, "Enter a pairing code", "/pair"),
        ({"state": "pms_trouble", "last_error_code": "PMS-GARBLED"}, "Gentu has a problem", None),
        ({"state": "setup", "sync_enabled": False}, "Set-up not finished", "/practitioners"),
    ],
)
def test_the_card_of_each_state_says_what_to_do(
    admin: actors.Browser, connected: int, columns: dict[str, object], badge: str, next_page: str | None
) -> None:
    message = message_for(str(columns.get("last_error_code", "")), "Gentu")
    set_state(connected, **columns, last_sync_error=message)
    page = admin.get("/integrations").text
    card = page[page.index("<article") : page.index("</article>")]
    assert badge in card
    if next_page:
        assert re.search(rf'class="button primary" href="/integrations/{connected}{next_page}"', card)
    else:
        assert "button primary" not in card
    if columns.get("last_error_code"):
        assert str(columns["last_error_code"]) in card
        assert message in card


def test_while_the_vendor_asked_to_wait_the_card_says_until_when(
    admin: actors.Browser, connected: int, frozen_clock: FrozenClock
) -> None:
    until = frozen_clock.at + timedelta(minutes=4)
    with writing() as session:
        session.execute(update(PMSConnection).values(not_before=until))
    current = run_history.list_runs(connected).current
    assert current is not None
    run_history.cancel_run(connected, current.id, ADMIN)
    answer = admin.post(f"/integrations/{connected}/sync", headers=HTMX)
    assert answer.status_code == 202
    assert "Waits until 09:04, because Gentu asked us to." in answer.text


def test_sync_now_joins_the_run_under_way_and_names_who_started_it(
    app: Flask, admin: actors.Browser, connected: int, frozen_clock: FrozenClock
) -> None:
    current = run_history.list_runs(connected).current
    assert current is not None
    run_history.cancel_run(connected, current.id, ADMIN)
    first = admin.post(f"/integrations/{connected}/sync", headers=HTMX)
    frozen_clock.advance(seconds=20)
    second = actors.browser_for(app, "reception").post(f"/integrations/{connected}/sync", headers=HTMX)
    assert (first.status_code, second.status_code) == (202, 202)
    assert "Started by Admin 20 s ago" in second.text
    assert len([run for run in run_history.list_runs(connected).items if not run.is_over]) == 1


def test_a_finished_run_ends_the_poll_and_is_said_aloud(admin: actors.Browser, connected: int) -> None:
    started = admin.get("/integrations").text
    poll = re.search(r'hx-get="([^"]+)" hx-trigger="every 1s"', started)
    assert poll
    current = run_history.list_runs(connected).current
    assert current is not None
    execute.execute_run(current.id)
    ended = admin.get(poll.group(1).replace("&amp;", "&"), headers=HTMX)
    assert 'hx-trigger="every 15s"' in ended.text
    assert "progressbar" not in ended.text
    assert "say" in ended.headers["HX-Trigger"]
    quiet = re.search(r'hx-get="([^"]+)"', ended.text)
    assert quiet
    again = admin.get(quiet.group(1).replace("&amp;", "&"), headers=HTMX)
    assert (again.status_code, again.data) == (204, b"")


def test_history_speaks_in_words_and_holds_no_patient(admin: actors.Browser, connected: int) -> None:
    people = mappings.list_practitioners(connected)
    columns = [MappingChoice(person.pms_practitioner_id, mappings.CREATE) for person in people]
    mappings.set_mappings(connected, columns, COMMAND_LINE)
    current = run_history.list_runs(connected).current
    assert current is not None
    execute.execute_run(current.id)
    page = admin.get(f"/integrations/{connected}/history").text
    detail = admin.get(f"/integrations/{connected}/history/{current.id}").text
    table = admin.get(f"/integrations/{connected}/history.csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert [row["run"] for row in rows] == [str(current.id)]
    assert "Set-up" in page
    names = {card.patient_name for card in days.get_sheet(DAY).cards if card.patient_name}
    assert len(names) > 5
    for name in names:
        assert name not in page + detail + table.text
    first = days.get_sheet(DAY).cards[0]
    assert f'<a href="/cards/{first.id}">' in detail


def test_field_24_the_history_opens_in_a_spreadsheet_as_the_screen_shows_it(
    admin: actors.Browser, connected: int, frozen_clock: FrozenClock
) -> None:
    current = run_history.list_runs(connected).current
    assert current is not None
    execute.execute_run(current.id)
    for name in ("Zoë O’Hallorán-Nguyễn", '=HYPERLINK("x")'):
        request = run_requests.request_run(
            connected, trigger="manual", actor=Actor(kind="user", name=name, id=1, role="reception")
        )
        execute.execute_run(request.sync_id)
    table = admin.get(f"/integrations/{connected}/history.csv")
    # The mark by which a spreadsheet that is opened by double click knows the text for UTF-8.
    assert table.data.startswith(codecs.BOM_UTF8)
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    formula, person, first = csv.DictReader(io.StringIO(table.data.decode("utf-8-sig")))
    assert person["started_by"] == "Zoë O’Hallorán-Nguyễn"
    assert formula["started_by"] == '\'=HYPERLINK("x")'
    assert first["started_by"] == "Set-up"
    # Monday 09:00 in Melbourne, which is Sunday 22:00 in UTC.
    assert {row["started"] for row in (formula, person, first)} == {"2026-11-23 09:00:00"}
    assert first["status"] in {"Updated", "Partly updated"}
    assert first["status"] in admin.get(f"/integrations/{connected}/history").text


def test_a_mapping_changed_later_is_kept_and_said(admin: actors.Browser, connected: int) -> None:
    page = admin.get(f"/integrations/{connected}/practitioners").text
    form = choose_as_suggested(page)
    form["choice-0"] = "ignore"
    told = admin.post(f"/integrations/{connected}/practitioners", data=form)
    assert (told.status_code, "Nothing is stored yet" in told.text) == (200, True)
    assert re.search(r"Takes \d+ cards? off the sheet", told.text) or "Changes no card" in told.text
    assert "1 not shown on purpose" not in admin.get(f"/integrations/{connected}/practitioners").text
    back = admin.post(
        f"/integrations/{connected}/practitioners", data=sent_again(told.text) | {"go": "change"}
    )
    assert '<option value="ignore" selected>' in back.text
    assert "1 not shown on purpose" in back.text, "as it was chosen, not kept"
    answer = admin.post(
        f"/integrations/{connected}/practitioners", data=sent_again(told.text) | {"go": "keep"}
    )
    assert answer.headers["Location"] == f"/integrations/{connected}/practitioners?saved=1"
    saved = admin.get(answer.headers["Location"]).text
    assert "Saved." in saved
    assert "1 not shown on purpose" in saved
    assert "Changes that can be undone" in saved
    card = admin.get("/integrations").text
    (undo,) = set(re.findall(rf'action="(/integrations/{connected}/changes/\d+/undo)"', card))
    undone = admin.post(undo)
    assert undone.headers["Location"] == f"/integrations/{connected}?said=matching-undone"
    assert "Undone." in admin.get(undone.headers["Location"]).text
    assert "1 not shown on purpose" not in admin.get(f"/integrations/{connected}/practitioners").text


def test_a_preview_that_somebody_overtook_is_shown_again(admin: actors.Browser, connected: int) -> None:
    form = choose_as_suggested(admin.get(f"/integrations/{connected}/practitioners").text)
    form["choice-0"] = "ignore"
    told = sent_again(admin.post(f"/integrations/{connected}/practitioners", data=form).text)
    other = form | {"choice-0": form["choice-1"], "choice-1": "ignore"}
    seen = sent_again(admin.post(f"/integrations/{connected}/practitioners", data=other).text)
    assert (
        admin.post(f"/integrations/{connected}/practitioners", data=seen | {"go": "keep"}).status_code == 303
    )
    late = admin.post(f"/integrations/{connected}/practitioners", data=told | {"go": "keep"})
    assert late.status_code == 200
    assert "Somebody has changed these decisions meanwhile" in late.text


def test_a_change_of_types_is_told_first_too(admin: actors.Browser, connected: int) -> None:
    form = choose_as_suggested(admin.get(f"/integrations/{connected}/types").text)
    form["telehealth-0"] = "no" if form["telehealth-0"] != "no" else "yes"
    told = admin.post(f"/integrations/{connected}/types", data=form)
    assert "Before it is kept" in told.text
    back = admin.post(f"/integrations/{connected}/types", data=sent_again(told.text) | {"go": "change"})
    again = choose_as_suggested(back.text)
    keys = again["key"]
    assert isinstance(keys, list)
    assert isinstance(form["key"], list)
    assert again[f"telehealth-{keys.index(form['key'][0])}"] == form["telehealth-0"]
    kept = admin.post(f"/integrations/{connected}/types", data=sent_again(told.text) | {"go": "keep"})
    assert kept.headers["Location"] == f"/integrations/{connected}/types?saved=1"


def test_a_receipt_is_asked_for_and_told_with_masked_names(admin: actors.Browser, connected: int) -> None:
    people = mappings.list_practitioners(connected)
    choices = [MappingChoice(person.pms_practitioner_id, "create") for person in people]
    mappings.set_mappings(connected, choices, ADMIN)
    for run in waiting.waiting_runs(for_at_least_s=0.0):
        execute.execute_run(run.id)
    path = f"/integrations/{connected}/receipt"
    assert "Not compared yet" in admin.get(path).text
    assert admin.post(path).headers["Location"] == f"{path}?said=receipt-asked"
    assert "Being compared" in admin.get("/integrations").text
    receipts.make_due()
    match = re.search(r"(\d+) of \1 match Gentu, checked \d\d:\d\d", admin.get("/integrations").text)
    assert match
    assert int(match.group(1)) > 0
    card = next(card for card in days.get_sheet(DAY).cards if card.pms_appointment_id)
    with writing() as session:
        session.execute(CARDS.update().where(CARDS.c.id == card.id).values(patient_phone="+61491570999"))
    admin.post(path)
    receipts.make_due()
    page = admin.get(path).text
    assert "1 difference" in page
    assert "Says something else: phone" in page
    assert (card.patient_name or "") not in page
    assert "+61491570999" not in page
    assert (card.patient_name or "") in admin.post(f"{path}/names").text
    with reading() as session:
        actions = session.scalars(select(AuditEvent.action)).all()
    assert "connection.receipt_names_shown" in actions


def sent_again(page: str) -> dict[str, object]:
    """The hidden fields of a page, a list where a name comes more than once."""
    fields: dict[str, list[str]] = {}
    form = re.search(r'<form class="row".*?</form>', page, re.S)
    assert form
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form.group(0)):
        fields.setdefault(name, []).append(html.unescape(value))
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def test_settings_are_saved_and_wrong_ones_explained(admin: actors.Browser, connected: int) -> None:
    form = {"display_name": "North rooms", "sync_frequency_minutes": "30", "time_zone": "Australia/Melbourne"}
    assert admin.post(f"/integrations/{connected}", data=form).status_code == 303
    view = connections.get_connection(connected)
    assert (view.display_name, view.sync_frequency_minutes, view.sync_telehealth_only) == (
        "North rooms",
        30,
        False,
    )
    wrong = admin.post(f"/integrations/{connected}", data=form | {"sync_frequency_minutes": "1"})
    assert wrong.status_code == 422
    assert "Choose 5 to 120 minutes." in wrong.text


def test_a_pause_names_who_and_until_when_and_ends_on_demand(admin: actors.Browser, connected: int) -> None:
    admin.post(f"/integrations/{connected}/pause", data={"until": "30min", "reason": "Gentu upgrade"})
    page = admin.get("/integrations").text
    assert "Paused by Admin until 09:30" in page
    assert "Paused: Gentu upgrade." in page
    admin.post(f"/integrations/{connected}/resume")
    assert connections.get_connection(connected).paused is None


def test_a_pause_without_a_reason_is_refused_beside_its_field(admin: actors.Browser, connected: int) -> None:
    refused = admin.post(f"/integrations/{connected}/pause", data={"until": "2h", "reason": " "})
    assert refused.status_code == 422
    assert "Say in a few words why." in refused.text
    assert '<option value="2h" selected>' in refused.text, "what was chosen stays"
    assert 'href="#pause-reason"' in refused.text
    assert connections.get_connection(connected).paused is None


def test_disconnecting_asks_what_becomes_of_the_cards(admin: actors.Browser, connected: int) -> None:
    assert admin.post(f"/integrations/{connected}/disconnect", data={}).status_code == 422
    answer = admin.post(f"/integrations/{connected}/disconnect", data={"cards": "strike"})
    assert answer.headers["Location"] == "/integrations?said=disconnected"
    assert connections.list_connections() == []


@pytest.mark.parametrize("role", ["reception", "viewer"])
def test_people_without_the_right_see_the_list_but_no_settings(app: Flask, connected: int, role: str) -> None:
    browser = actors.browser_for(app, role)
    page = browser.get("/integrations").text
    assert "Gentu" in page
    assert f'href="/integrations/{connected}"' not in page
    assert 'href="/integrations/new"' not in page
    assert browser.get(f"/integrations/{connected}").status_code == 403


def test_a_practice_that_is_read_already_is_named_before_the_start(
    admin: actors.Browser, sandbox: SandboxServer
) -> None:
    first = paired_gentu(sandbox, display_name="The first")
    second = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN).id
    tenant_id = connections.get_connection(first).tenant_id
    with writing() as session:  # as a release left it that did not refuse this yet
        session.execute(update(PMSConnection).where(PMSConnection.id == second).values(tenant_id=tenant_id))
    page = f"/integrations/{second}/start"
    assert "appear twice" not in admin.get(page).text
    connections.update_connection(first, ADMIN, sync_enabled=True)
    assert "The first reads this practice already: every patient would appear twice." in admin.get(page).text
    assert "appear twice" not in admin.get(f"/integrations/{first}/start").text


def test_field_12_a_practice_connected_twice_is_explained_with_a_link_to_sign_in_there(
    admin: actors.Browser, sandbox: SandboxServer
) -> None:
    paired_gentu(sandbox)
    assert admin.post("/integrations/new/gentu", data=LOGIN).status_code == 303
    code = gentu_access(sandbox).make_code()
    refused = admin.post("/integrations/2/pair", data={"pairing_code": code})
    assert refused.status_code == 409
    assert "This practice is connected already, as Banksia" in refused.text
    assert '<a href="/integrations/1/login">Sign in again there</a>' in refused.text
    halaxy = LOGINS["halaxy"]["credentials"]
    assert admin.post("/integrations/new/halaxy", data=halaxy).status_code == 303
    again = admin.post("/integrations/new/halaxy", data=halaxy)
    assert again.status_code == 409
    assert 'href="/integrations/3/login">Sign in again there</a>' in again.text
