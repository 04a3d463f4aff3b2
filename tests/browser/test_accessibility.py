"""Every page and state of the product against WCAG 2.2 AA, by axe-core: light and dark, wide and narrow.

PMS_AXE_ALL=1 looks at each at every width in both schemes; without it at the widths and rules that differ.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import (
    Decision,
    Incident,
    Quarantine,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetOverride,
    User,
)
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import overrides
from pmsapp.services.people import api_tokens, one_time_links, users
from tests.browser.conftest import Installation, Visit
from tests.browser.panel import field as open_field
from tests.browser.panel import open_panel
from tests.browser.places import NO_PLACE, PLACES
from tests.browser.test_pictures import worked_on
from tests.support import accessibility, actors
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import LOGINS, SyncedClinic

pytestmark = pytest.mark.browser
EVERYTHING = os.environ.get("PMS_AXE_ALL") == "1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
WIDTHS = (1440, 1024, 720, 390, 320)  # 720 is 1440 at a zoom of 200 %


@dataclass
class Inspection:
    """Looks at pages and keeps what is wrong, by page and state."""

    faults: list[str] = field(default_factory=list)
    seen: int = 0

    def look(self, page: Page, name: str, *, inside: str | None = None) -> None:
        """At what the page shows now, at every width and in both schemes. `inside`: a dialog that covers the rest."""
        self.seen += 1
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            self._note(name, f"{width} px", accessibility.wider_than_the_window(page))
            for scheme, rules in self._rules(width):
                page.emulate_media(color_scheme=scheme)
                found = accessibility.violations(page, rules=rules, inside=inside)
                self._note(name, f"{width} px {scheme}", found)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1440, "height": 900})

    def _rules(self, width: int) -> Iterator[tuple[str, list[str] | None]]:
        if EVERYTHING:
            yield from (("light", None), ("dark", None))
        elif width == 1440:
            yield from (("light", None), ("dark", accessibility.COLOURS))
        elif width in (720, 320):
            yield ("light", accessibility.WIDTH_RULES)

    def _note(self, name: str, where: str, found: list[str]) -> None:
        self.faults += [f"{name} ({where}): {fault}" for fault in found]

    def end(self) -> None:
        """Fail with all that was found."""
        assert not self.faults, "\n" + "\n".join(dict.fromkeys(self.faults))


@pytest.fixture
def inspection() -> Inspection:
    return Inspection()


@dataclass(frozen=True)
class Day:
    """The prepared clinic: cards by what there is about them, and a link that works."""

    names: dict[str, object]

    def __getitem__(self, name: str) -> int:
        return int(str(self.names[name]))


@pytest.fixture
def day(clinic: SyncedClinic, frozen_clock: FrozenClock) -> Day:
    """A Monday with every kind of card, question and trouble on it."""
    cards = worked_on(clinic, frozen_clock)
    card, conflict, held, cancelled, removed = (card.id for card in cards[8:13])
    overrides.edit_card(conflict, {"patient_phone": "0491 570 157"}, COMMAND_LINE)
    now = clock.now()
    about = {"connection_id": 1, "date": clinic.today, "clinician_id": cards[9].clinician_id, "since": now}
    with writing() as session:
        for number, presence in ((held, "held"), (cancelled, "cancelled"), (removed, "removed_by_staff")):
            session.execute(
                update(RunSheetAppointment)
                .where(RunSheetAppointment.id == number)
                .values(presence=presence, presence_reason="another patient is booked", presence_at=now)
            )
        session.execute(
            update(RunSheetOverride)
            .where(RunSheetOverride.appointment_id == conflict)
            .values(state="conflict")
        )
        session.add(
            Decision(
                kind="field_conflict",
                subject=f"card:{conflict}:patient_phone",
                appointment_ids=[conflict],
                field="patient_phone",
                ours="+61491570157",
                theirs="+61491570156",
                **about,
            )
        )
        session.add(
            Decision(
                kind="patient_changed",
                subject=f"card:{held}:patient",
                appointment_ids=[held, card],
                field="patient",
                ours="Wren Banksia",
                theirs="Otto Correa",
                **about,
            )
        )
        _add_trouble(session)
        clinician = session.query(RunSheetClinician).first()
        assert clinician
        column = clinician.id
    for role in ("reception", "viewer", "clinician"):
        actors.make_user(
            role, email=f"{role}@example.org", clinician_id=column if role == "clinician" else None
        )
    api_tokens.create("Waiting room screen", "viewer", COMMAND_LINE)
    invited = users.add_user("kim@example.org", role="reception", password=None, actor=COMMAND_LINE)
    link = one_time_links.make(invited.id, COMMAND_LINE).path
    ids = {"card": card, "conflict": conflict, "held": held, "cancelled": cancelled, "removed": removed}
    return Day({**ids, "link": link, "step": cards[14].id})


def _add_trouble(session: object) -> None:
    now = clock.now()
    for row in (
        Quarantine(
            connection_id=1,
            record_key="ap-9",
            pms_appointment_id="ap-9",
            reason="REC-BAD",
            shape="{start: text}",
            first_seen_at=now,
            last_seen_at=now,
        ),
        Incident(
            subject="connection:1",
            connection_id=1,
            code="PMS-DOWN",
            severity="medium",
            started_at=now,
            last_seen_at=now,
            opened_at=now,
        ),
    ):
        session.add(row)  # type: ignore[attr-defined]


@pytest.fixture
def desks(open_visit: Callable[..., Visit]) -> Callable[[str], Visit]:
    """`desks("reception")`: that person's browser, signed in; nobody's for ""."""
    made: dict[str, Visit] = {}

    def desk(role: str) -> Visit:
        if role not in made:
            visit = made[role] = open_visit(reduced_motion="reduce")
            if role:
                sign_in(visit, visit.installation.email if role == "admin" else f"{role}@example.org")
        return made[role]

    return desk


def sign_in(visit: Visit, email: str, *, lands_on: str = "/") -> Page:
    page = visit.go("/login")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(actors.PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    expect(page).to_have_url(re.compile(rf":\d+{lands_on}(\?.*)?$"))
    return page


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


def test_no_page_breaks_a_rule_of_wcag_aa_or_scrolls_sideways(
    day: Day, desks: Callable[[str], Visit], inspection: Inspection
) -> None:
    for place in PLACES:
        visit = desks(place.role)
        path = place.path.format(**day.names)
        page = visit.go(path)
        name = f"{place.path} as {place.role or 'nobody'}"
        if page.url != visit.installation.url + path:
            inspection.faults.append(f"{name}: leads elsewhere, to {page.url.partition('127.0.0.1')[2]}")
        expect(page.locator("h1")).to_have_count(1)
        inspection.look(page, name)
    inspection.end()


def test_no_state_of_the_panel_or_of_a_dialog_breaks_a_rule(
    day: Day, desks: Callable[[str], Visit], inspection: Inspection
) -> None:
    page = desks("reception").page
    for name, card in (("plain", "card"), ("a conflict", "conflict"), ("held", "held")):
        desks("reception").go("/sheet/2026-11-23?view=list&filter=all")
        open_panel(page, day[card])
        page.evaluate("document.querySelectorAll('#panel details').forEach((part) => { part.open = true; })")
        inspection.look(page, f"panel: {name}", inside="#panel")
    desks("reception").go("/")
    panel = open_panel(page, day["step"])
    panel.get_by_role("checkbox", name="Name").check()
    panel.get_by_role("button", name="Identity checked").click()
    expect(panel.locator("#identifiers-error")).to_be_visible()
    inspection.look(page, "panel: identity, too few", inside="#panel")
    open_field(panel, "Phone").fill("not a number")
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
    page.keyboard.press("Escape")
    inspection.end()


def test_no_state_of_the_sheet_breaks_a_rule(
    day: Day, desks: Callable[[str], Visit], inspection: Inspection, open_visit: Callable[..., Visit]
) -> None:
    page = desks("reception").go("/sheet/2026-11-23?view=list&filter=all")
    page.locator(f"[data-card='{day['step']}'] [data-act=advance]").first.click()
    expect(page.locator("#toast .toast")).to_be_visible()
    page.locator("#toast").hover()
    inspection.look(page, "sheet: a toast")
    page.evaluate("document.querySelectorAll('#sheet details').forEach((part) => { part.open = true; })")
    inspection.look(page, "sheet: menus open")
    page.locator("#q").fill("zzzzz")
    page.locator("form[data-search] button").click()
    expect(page.get_by_role("heading", name=re.compile("^0 of"))).to_be_visible()
    inspection.look(page, "sheet: nothing found")
    desks("reception").go("/")
    page.locator("[data-hide-details]").click()
    expect(page.locator("body[data-privacy=on]")).to_have_count(1)
    inspection.look(page, "sheet: details hidden")
    locked = open_visit(reduced_motion="reduce")
    locked.page.clock.install()
    sign_in(locked, "reception@example.org")
    locked.page.clock.fast_forward("15:10")
    expect(locked.page.locator("#lock")).to_be_visible()
    inspection.look(locked.page, "dialog: lock", inside="#lock")
    inspection.end()


def test_no_step_of_the_wizard_breaks_a_rule(
    installation: Installation, sandbox: SandboxServer, desks: Callable[[str], Visit], inspection: Inspection
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
        page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true; })")
        inspection.look(page, f"wizard: {name}")
        if button:
            page.get_by_role("button", name=button).click()
    page.get_by_role("button", name=re.compile("^Start: ")).click()
    expect(page.get_by_role("link", name="Open today's sheet")).to_be_visible()
    inspection.look(page, "wizard: started")
    inspection.end()


def test_no_page_on_the_way_in_and_no_error_page_breaks_a_rule(
    installation: Installation,
    desks: Callable[[str], Visit],
    open_visit: Callable[..., Visit],
    inspection: Inspection,
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
    inspection.look(sign_in(open_visit(), "new@example.org", lands_on="/password"), "own password")
    secured = actors.make_user("reception", email="app@example.org", second_factor=True)
    inspection.look(sign_in(open_visit(), secured.email, lands_on="/login/code"), "second factor's code")
    actors.make_user("reception", email="reception@example.org")
    page = desks("reception").go("/settings/people")
    inspection.look(page, "403")
    inspection.look(desks("reception").go("/nothing-here"), "404")

    def fail(**_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setitem(installation.app.view_functions, "settings.help_page", fail)
    page = desks("reception").go("/help")
    expect(page.get_by_role("heading", name="Something in pmsapp went wrong")).to_be_visible()
    inspection.look(page, "500")
    with writing() as session:
        session.execute(delete(User))
    inspection.look(nobody.go("/setup"), "first start")
    with reading() as session:
        assert session.query(User).count() == 0
    inspection.end()
