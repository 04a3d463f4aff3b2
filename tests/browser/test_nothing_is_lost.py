"""Whatever was typed into any form is still there, or was asked about, whichever way the form is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Dialog, ElementHandle, Locator, Page, expect
from sqlalchemy import delete

from pmsapp import paths
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import User
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import overrides
from pmsapp.services.people import users
from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.browser.panel import field, open_panel
from tests.support.actors import PASSWORD
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser

# What is chosen already is no change.
TYPED = "input:not([type=hidden]):not([type=radio]:checked), select, textarea"
FORM = re.compile(r"<form\b([^>]*(?:{{[^}]*}}[^>]*)*)>(.*?)</form>", re.S)
TYPED_IN_TEMPLATE = re.compile(
    r'<input(?![^>]*type="hidden")|<select|<textarea|{{ (?:text|select|field)\(|_form_fields'
)
PAGES = (
    "/",
    "/cards/1",
    "/cards/new",
    "/decisions",
    "/sheet/2026-11-23/hand-over",
    "/integrations/new/halaxy",
    "/integrations/1",
    "/integrations/1/practitioners",
    "/integrations/1/types",
    "/integrations/1/login",
    "/integrations/1/pair",
    "/integrations/1/start",
    "/integrations/1/disconnect",
    "/integrations/1/history/1/undo",
    "/settings/clinic",
    "/settings/clinicians",
    "/settings/people",
    "/settings/tokens",
    "/settings/account",
    "/settings/downtime",
)
# Forms that no page of the walk shows, and why.
ELSEWHERE = {
    "/setup": "only before the first administrator: the next test",
    "/settings/alerts/#/snooze": "only while something is wrong",
    "/settings/patients/correct": "only on a record that was found: the test of records",
    "/settings/patients/erase": "only on a record that was found: the test of records",
    "/decisions/#": "one box to tick, only where several questions are alike",
}


def forms_of_templates() -> set[str]:
    """Where each form with typed fields is sent, from the templates themselves; numbers become #."""
    found = set()
    for file in sorted(paths.TEMPLATES.rglob("*.html")):
        for head, body in FORM.findall(file.read_text()):
            if "data-free" in head or 'method="get"' in head or not TYPED_IN_TEMPLATE.search(body):
                continue
            action = re.search(r'action="([^"]+)"', head)
            assert action, f"a form without an address in {file.name}"
            found.add(re.sub(r"{{[^}]*}}", "#", action.group(1)))
    return found


def differ(field: ElementHandle) -> str:
    """Put something else into a field, as a person would. Returns what it holds then."""
    state = "(node) => node.type === 'checkbox' || node.type === 'radio' ? String(node.checked) : node.value"
    kind = field.evaluate("(node) => node.type")
    if kind in ("checkbox", "radio"):
        field.set_checked(not field.is_checked() if kind == "checkbox" else True, force=True)
    elif kind.startswith("select"):
        field.evaluate(
            "(node) => { node.selectedIndex = (node.selectedIndex + 1) % node.options.length;"
            " node.dispatchEvent(new Event('change', {bubbles: true})); }"
        )
    else:
        other = {"date": "2026-12-24", "time": "17:17", "number": "7", "email": "typed@example.org"}
        field.fill(other.get(kind, "Typed by hand"))
    return str(field.evaluate(state))


def open_forms(page: Page) -> Iterator[tuple[str, Locator]]:
    """Each form with typed fields on the page, its address with # for numbers, folded parts opened."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    forms = page.locator("form:not([data-free])")
    for number in range(forms.count()):
        form = forms.nth(number)
        if form.locator(TYPED).count():
            action = form.get_attribute("action") or ""
            yield re.sub(r"(?<=/)(\d[\d-]*|halaxy)(?=/|$)", "#", action), form


def refuse(page: Page, leave: Callable[[], object]) -> str:
    """Leave by a way that only the browser can ask about, and stay. Returns what kind of question it was."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    leave()
    page.wait_for_function("true")
    for _ in range(50):
        if asked:
            return asked[0]
        page.wait_for_timeout(20)
    page.remove_listener("dialog", stay)
    return "nothing"


def by_reload(page: Page) -> None:
    page.evaluate("setTimeout(() => location.reload())")


def by_going_back(page: Page) -> None:
    page.evaluate("setTimeout(() => history.back())")


def keep_editing(page: Page) -> None:
    question = page.locator("dialog#leave")
    expect(question).to_be_visible()
    question.get_by_role("button", name="Keep editing").click()
    expect(question).to_be_hidden()


def assert_asked_and_kept(page: Page, form: Locator) -> None:
    """Type into the form's first open field; a link, a reload and Back each ask, and the text stays."""
    field = form.locator(TYPED).locator("visible=true").first.element_handle()
    typed = differ(field)
    page.locator(".skip").evaluate(
        "() => { const link = document.createElement('a'); link.href = '/help'; document.body.append(link); link.click(); }"
    )
    keep_editing(page)
    assert refuse(page, lambda: by_reload(page)) == "beforeunload"
    assert refuse(page, lambda: by_going_back(page)) == "beforeunload"
    held = field.evaluate("(node) => /checkbox|radio/.test(node.type) ? String(node.checked) : node.value")
    assert held == typed


def test_every_form_of_the_product_asks_before_it_is_left(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    users.add_user("kim@example.org", role="reception", password=PASSWORD, actor=COMMAND_LINE, name="Kim")
    page = visit.sign_in()
    walked: set[str] = set()
    for path in PAGES:
        visit.go(path)
        actions = [action for action, _ in open_forms(page)]
        for number, action in enumerate(actions):
            if action in walked:
                continue
            visit.go("/help")
            visit.go(path)
            _, form = list(open_forms(page))[number]
            if not form.locator(TYPED).locator("visible=true").count():
                continue
            assert_asked_and_kept(page, form)
            page.evaluate("document.querySelectorAll('form').forEach((one) => one.reset())")
            walked.add(action)
    shown = {action if action != "/integrations/new/#" else "#" for action in walked}
    missing = {form for form in forms_of_templates() if form not in shown and form not in ELSEWHERE}
    assert missing == set()
    visit.assert_clean()


def test_the_forms_of_a_patients_record_ask_before_it_is_left(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    name = next(card.patient_name for card in clinic.sheet().cards if card.patient_name)
    for action in ("correct", "erase"):
        visit.go("/settings/patients")
        page.locator("input[name=name]").fill(name.split()[-1])
        page.get_by_role("button", name="Find").click()
        page.locator("form[action='/settings/patients/show'] button").first.click()
        assert_asked_and_kept(page, page.locator(f"form[action='/settings/patients/{action}']"))
        page.evaluate("document.querySelectorAll('form').forEach((form) => form.reset())")
    visit.assert_clean()


def test_the_first_set_up_asks_before_it_is_left(visit: Visit) -> None:
    with writing() as session:
        session.execute(delete(User))
    visit.go("/healthz")
    page = visit.go("/setup")
    assert_asked_and_kept(page, page.locator("form[action='/setup']"))
    visit.assert_clean()


WAYS = {
    "escape": lambda page: page.keyboard.press("Escape"),
    "backdrop": lambda page: page.mouse.click(20, 500),
    "cross": lambda page: page.locator("#panel .panel-head [data-close]").click(),
    "cancel": lambda page: page.locator("#panel .panel-save a[data-close]").click(),
}


def test_the_panel_asks_once_by_each_way_out_and_keeps_what_was_typed(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    panel = open_panel(page, clinic.sheet().cards[0].id)
    phone = field(panel, "Phone")
    phone.fill("0491 570 157")
    for leave in WAYS.values():
        leave(page)
        keep_editing(page)
        expect(panel).to_be_visible()
        expect(phone).to_have_value("0491 570 157")
    assert refuse(page, lambda: by_reload(page)) == "beforeunload"
    page.keyboard.press("Escape")
    page.locator("dialog#leave").get_by_role("button", name="Leave without saving").click()
    expect(panel).to_be_hidden()
    visit.assert_clean()


def test_a_panel_nobody_typed_in_closes_without_a_question(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    panel = open_panel(page, clinic.sheet().cards[0].id)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("dialog#leave")).to_be_hidden()


def test_notes_save_themselves_when_left_and_a_colleagues_newer_notes_stay(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = clinic.sheet().cards[0].id
    panel = open_panel(page, card_id)
    panel.get_by_label("Notes").fill("Daughter joins")
    panel.get_by_title("Edit phone").focus()
    expect(page.locator("#notes-saved")).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))
    assert days.get_card(card_id).notes == "Daughter joins"

    panel.get_by_label("Notes").fill("Daughter joins, and her son")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert days.get_card(card_id).notes == "Daughter joins, and her son"

    panel = open_panel(page, card_id)
    overrides.edit_card(card_id, {"notes": "A colleague's words"}, COMMAND_LINE)
    panel.get_by_label("Notes").fill("My words")
    page.keyboard.press("Escape")
    keep_editing(page)
    expect(page.locator("#notes-saved")).to_contain_text("Somebody else changed these notes")
    expect(panel.get_by_label("Notes")).to_have_value("My words")
    assert days.get_card(card_id).notes == "A colleague's words"
    visit.assert_clean()


def test_a_panels_other_button_saves_what_is_typed_with_it(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = next(card.id for card in clinic.sheet().cards if card.state == "booked")
    panel = open_panel(page, card_id)
    field(panel, "Phone").fill("0491 570 158")
    panel.get_by_role("button", name="Contacted").click()
    expect(panel.locator("#panel-said")).to_contain_text("Contacted.")
    expect(panel.locator(".panel-state")).to_contain_text("Contacted")
    card = days.get_card(card_id)
    assert (card.state, (card.patient_phone or "").replace(" ", "")[-9:]) == ("contacted", "491570158")
    visit.assert_clean()


def test_enter_in_a_field_saves_and_presses_no_other_button(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = next(card.id for card in clinic.sheet().cards if card.state == "booked")
    panel = open_panel(page, card_id)
    field(panel, "Phone").fill("0491 570 159")
    panel.get_by_label("Phone", exact=True).press("Enter")
    expect(panel).to_be_hidden()
    assert days.get_card(card_id).state == "booked"
    assert "570" in (days.get_card(card_id).patient_phone or "")


def test_sending_one_form_asks_when_another_on_the_page_holds_something(
    visit: Visit, clinic: SyncedClinic
) -> None:
    page = visit.sign_in()
    visit.go("/settings/account")
    page.locator("input[name=current_password]").fill("half typed")
    page.get_by_role("main").get_by_role("button", name="Sign out").first.click()
    keep_editing(page)
    expect(page.locator("input[name=current_password]")).to_have_value("half typed")
