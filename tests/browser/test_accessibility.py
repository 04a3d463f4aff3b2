"""Every page and state of the product against WCAG 2.2 AA: by axe-core in light and dark, at four widths."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import delete

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import User
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import overrides
from pmsapp.services.people import users
from tests.browser.conftest import Installation, Visit
from tests.browser.inspection import Day, Inspection, desks_of, eventful_day, sign_in
from tests.browser.panel import field, open_panel
from tests.browser.places import GROUPS, NO_PLACE, PLACES
from tests.support import accessibility, actors
from tests.support.synced_clinic import LOGINS, SyncedClinic

pytestmark = pytest.mark.browser
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
UNFOLD = "(root) => document.querySelectorAll(`${root} details`).forEach((part) => { part.open = true; })"

Desks = Callable[[str], Visit]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def inspection(scheme: str) -> Inspection:
    return Inspection(scheme)


@pytest.fixture
def day(clinic: SyncedClinic) -> Day:
    return eventful_day(clinic)


@pytest.fixture
def desks(open_visit: Callable[..., Visit], scheme: str) -> Desks:
    return desks_of(open_visit, color_scheme=scheme)


def test_the_vendored_file_is_the_published_one() -> None:
    assert accessibility.digest() == SHA256
    assert SHA256 in (accessibility.FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_page_of_the_product_is_in_the_list_of_places(app: Flask) -> None:
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and (not str(rule).startswith("/api/") or str(rule) == "/api/docs")
    }
    listed = {place.endpoint for place in PLACES}
    assert pages == listed | set(NO_PLACE)
    assert not listed & set(NO_PLACE)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_no_page_breaks_a_rule_or_scrolls_sideways(
    group: str, day: Day, desks: Desks, inspection: Inspection
) -> None:
    for place in GROUPS[group]:
        visit = desks(place.role)
        path = place.path.format(**day.names)
        page = visit.go(path)
        name = f"{place.path} as {place.role or 'nobody'}"
        if page.url != visit.installation.url + path:
            inspection.faults.append(f"{name}: leads elsewhere, to {page.url.partition('127.0.0.1')[2]}")
        expect(page.locator("h1")).to_have_count(1)
        inspection.look(page, name)
    inspection.end()


@pytest.mark.slow
def test_no_state_of_the_panel_or_of_a_dialog_breaks_a_rule(
    day: Day, desks: Desks, inspection: Inspection
) -> None:
    page = desks("reception").page
    for name in ("card", "conflict", "held"):
        desks("reception").go("/sheet/2026-11-23?view=list&filter=all")
        open_panel(page, day[name])
        page.evaluate(UNFOLD, "#panel")
        inspection.look(page, f"panel: {name}", inside="#panel")
    desks("reception").go("/")
    panel = open_panel(page, day["step"])
    panel.get_by_role("checkbox", name="Name").check()
    panel.get_by_role("button", name="Identity checked").click()
    expect(panel.locator("#identifiers-error")).to_be_visible()
    field(panel, "Phone").fill("not a number")
    overrides.edit_card(day["step"], {"patient_phone": "0491 570 156"}, COMMAND_LINE)
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.locator(".summary").first).to_be_visible()
    inspection.look(page, "panel: faults and a colleague's change", inside="#panel")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#leave")).to_be_visible()
    inspection.look(page, "dialog: leave", inside="#leave")
    page.locator("dialog#leave [data-leave]").click()
    page.locator("#add-card").click()
    expect(panel).to_be_visible()
    inspection.look(page, "panel: new card", inside="#panel")
    page.keyboard.press("Escape")
    page.locator("#show-keys").click()
    inspection.look(page, "dialog: keys", inside="#keys")
    inspection.end()


@pytest.mark.slow
def test_no_state_of_the_sheet_breaks_a_rule(
    day: Day, desks: Desks, inspection: Inspection, open_visit: Callable[..., Visit], scheme: str
) -> None:
    page = desks("reception").go("/sheet/2026-11-23?view=list&filter=all")
    page.locator(f"[data-card='{day['step']}'] [data-act=advance]").first.click()
    expect(page.locator("#toast .toast")).to_be_visible()
    page.locator("#toast").hover()
    page.evaluate(UNFOLD, "#sheet")
    inspection.look(page, "sheet: a message and open menus")
    page.locator("#q").fill("zzzzz")
    page.locator("form[data-search] button").click()
    expect(page.get_by_role("heading", name=re.compile("^0 of"))).to_be_visible()
    inspection.look(page, "sheet: nothing found")
    locked = open_visit(reduced_motion="reduce", color_scheme=scheme)
    locked.page.clock.install()
    sign_in(locked, "reception@example.org")
    locked.page.clock.fast_forward("15:10")
    expect(locked.page.locator("#lock")).to_be_visible()
    inspection.look(locked.page, "dialog: lock", inside="#lock")
    inspection.end()


@pytest.mark.slow
def test_no_page_with_details_hidden_breaks_a_rule(day: Day, desks: Desks, inspection: Inspection) -> None:
    page = desks("reception").page
    for path in (
        "/sheet/2026-11-23?view=list&filter=all",
        "/sheet/2026-11-23?view=columns",
        f"/cards/{day['conflict']}",
        "/decisions",
        "/sheet/2026-11-23/hand-over",
    ):
        desks("reception").go(path)
        page.evaluate("document.body.dataset.privacy = 'on'")
        inspection.look(page, f"details hidden: {path}")
    inspection.end()


@pytest.mark.slow
def test_no_step_of_the_wizard_breaks_a_rule(
    installation: Installation, sandbox: SandboxServer, desks: Desks, inspection: Inspection
) -> None:
    visit = desks("admin")
    page = visit.go("/")
    inspection.look(page, "sheet: nothing connected")
    visit.go("/integrations")
    inspection.look(page, "integrations: none")
    visit.go("/integrations/new/halaxy")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator(".summary").first).to_be_visible()
    inspection.look(page, "wizard 2: nothing typed")
    login = LOGINS["halaxy"]["credentials"]
    page.locator("#client_id").fill(login["client_id"])
    page.locator("#client_secret").fill("not the secret")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("link", name="What AUTH-REFUSED means")).to_be_visible()
    inspection.look(page, "wizard 2: refused")
    page.locator("#client_secret").fill(login["client_secret"])
    page.get_by_role("button", name="Connect", exact=True).click()
    for name, button in (
        ("Is this your practice?", "Yes, this is our practice"),
        ("Match practitioners", "Continue"),
        ("Telehealth types", "Continue"),
        ("Check and start", ""),
    ):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        if not button:
            expect(page.get_by_role("button", name=re.compile("^Start: "))).to_be_visible()
        page.evaluate(UNFOLD, "main")
        inspection.look(page, f"wizard: {name}")
        if button:
            page.get_by_role("button", name=button).click()
    page.get_by_role("button", name=re.compile("^Start: ")).click()
    expect(page.get_by_role("link", name="Open today's sheet")).to_be_visible()
    inspection.look(page, "wizard: started")
    inspection.end()


@pytest.mark.slow
def test_no_page_on_the_way_in_and_no_error_page_breaks_a_rule(
    installation: Installation,
    desks: Desks,
    open_visit: Callable[..., Visit],
    inspection: Inspection,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobody = desks("")
    page = nobody.go("/login")
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong words altogether")
    page.get_by_role("main").get_by_role("button").click()
    inspection.look(page, "sign-in: refused")
    users.add_user(
        "new@example.org",
        role="reception",
        password=actors.PASSWORD,
        actor=COMMAND_LINE,
        must_change_password=True,
    )
    inspection.look(
        sign_in(open_visit(color_scheme=scheme), "new@example.org", lands_on="/password"), "own password"
    )
    secured = actors.make_user("reception", email="app@example.org", second_factor=True)
    inspection.look(
        sign_in(open_visit(color_scheme=scheme), secured.email, lands_on="/login/code"),
        "second factor's code",
    )
    actors.make_user("reception", email="reception@example.org")
    page = desks("reception").go("/settings/people")
    inspection.look(page, "403")
    inspection.look(desks("reception").go("/nothing-here"), "404")

    def fail(**_: object) -> None:
        raise RuntimeError("planted")

    assert "help.start" in installation.app.view_functions
    monkeypatch.setitem(installation.app.view_functions, "help.start", fail)
    page = desks("reception").go("/help")
    expect(page.get_by_role("heading", name="Something in pmsapp went wrong")).to_be_visible()
    inspection.look(page, "500")
    with writing() as session:
        session.execute(delete(User))
    inspection.look(nobody.go("/setup"), "first start")
    with reading() as session:
        assert session.query(User).count() == 0
    inspection.end()
