"""Two receptionists, two browsers, one day: eighty actions while runs change what the practice software says.

A model keeps what each of them did. At the end both screens, the interface's answer and the model say the same; nothing
typed was lost, and no refresh moved the focus or the scroll.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from playwright.sync_api import Locator, expect

from pmsapp.domain.appointment import Presence
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.services.editing import decisions
from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.browser.panel import field as input_of
from tests.support.actors import make_user
from tests.support.synced_clinic import SyncedClinic

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACTIONS = 80
# Lists each refresh after which the focus had left an element that is still there, or nothing of what was in view stood
# where it had stood; at the top and the bottom of the list there may be no room to keep it there.
WATCH = """() => {
    window.moved = [];
    let before = null;
    const main = document.querySelector("main");
    const view = () => new Map([...document.querySelectorAll("#sheet [data-card]")]
        .map((line) => [line.id, line.getBoundingClientRect()])
        .filter(([, box]) => box.bottom > 0 && box.top < innerHeight).map(([id, box]) => [id, box.top]));
    const focus = () => (document.activeElement === document.body ? null : document.activeElement.id);
    document.addEventListener("htmx:before:swap", (event) => {
        const by = event.detail.ctx.sourceElement;
        before = by && by.id === "sheet" ? { focus: focus(), view: view(), at: main.scrollTop } : null;
    });
    document.addEventListener("htmx:after:swap", () => {
        if (!before) return;
        const { focus: had, view: was, at } = before;
        before = null;
        if (had !== null && focus() !== had && (focus() === null || document.getElementById(had))) window.moved.push(["focus", had, focus()]);
        const stayed = [...was].filter(([id, top]) => {
            const line = document.getElementById(id);
            return line && Math.abs(line.getBoundingClientRect().top - top) <= 2;
        }).length;
        const atEnd = main.scrollTop <= 1 || main.scrollTop + main.clientHeight >= main.scrollHeight - 1;
        const noRoom = atEnd && Math.abs(main.scrollTop - at) <= 200;
        if (was.size && !stayed && !noRoom) window.moved.push(["view", was.size, at, main.scrollTop]);
    });
}"""
NEXT = {
    "booked": "contacted",
    "no_answer": "contacted",
    "contacted": "waiting",
    "waiting": "ready",
    "ready": "with_clinician",
    "with_clinician": "done",
}


@dataclass
class Known:
    """What the model knows of a card. `phone` None: nobody typed one."""

    state: str = "booked"
    notes: str | None = None
    phone: str | None = None
    is_removed: bool = False
    choice: str | None = None


@dataclass
class Desk:
    """One receptionist: her browser, and the model both write into."""

    visit: Visit
    model: dict[int, Known]
    done: int = 0
    typed: list[str] = field(default_factory=list)

    def line(self, card: int) -> Locator:
        return self.visit.page.locator(f"#sheet [data-card='{card}']")

    def stands(self, card: int, state: str) -> None:
        """Wait until the line says so: by the page's own frames, which is sooner than asking it now and then."""
        self.visit.page.wait_for_selector(
            f"#sheet [data-card='{card}'][data-state='{state}']", state="attached"
        )

    def step(self, card: int) -> None:
        """The next step, by the button of the line."""
        known = self.model[card]
        self.see(card)
        following = NEXT[known.state]
        self.line(card).locator("[data-act=advance]").click()
        self.stands(card, following)
        known.state = following
        self.done += 1

    def see(self, card: int) -> None:
        """Bring the screen up to date where a colleague was at this line since it was drawn."""
        if self.line(card).get_attribute("data-state") != self.model[card].state:
            self.refresh()
            self.stands(card, self.model[card].state)

    def no_answer(self, card: int) -> None:
        self.see(card)
        self.line(card).locator("[data-act=no-answer]").first.click()
        self.stands(card, "no_answer")
        self.model[card].state = "no_answer"
        self.done += 1

    def step_and_undo(self, card: int) -> None:
        """Two actions that leave the card as it was."""
        was = self.model[card].state
        self.step(card)
        self.visit.page.locator("#toast [data-act=undo]").click()
        self.stands(card, was)
        self.model[card].state = was
        self.done += 1

    def open(self, card: int) -> Locator:
        self.line(card).locator("[data-act=open]").click()
        self.visit.page.wait_for_selector(f"dialog#panel [data-card-head='{card}']")
        return self.visit.page.locator("dialog#panel")

    def shut(self, panel: Locator) -> None:
        if panel.is_visible():
            self.visit.page.keyboard.press("Escape")
        panel.wait_for(state="hidden")

    def note(self, card: int, text: str) -> None:
        """Notes keep themselves when they are left."""
        panel = self.open(card)
        panel.get_by_label("Notes").fill(text)
        panel.get_by_label("Notes").blur()
        expect(panel.locator("#notes-saved")).to_have_text(re.compile("^Saved"))
        self.shut(panel)
        self.model[card].notes = text
        self.typed.append(text)
        self.done += 1

    def phone(self, card: int, number: str) -> None:
        panel = self.open(card)
        box = input_of(panel, "Phone")
        box.fill(number)
        box.press("Enter")
        expect(self.line(card).locator("[data-phone]")).to_have_text(number)
        self.shut(panel)
        self.model[card].phone = number
        self.typed.append(number)
        self.done += 1

    def remove(self, card: int, why: str) -> None:
        panel = self.open(card)
        panel.get_by_text("Remove this card").click()
        panel.locator("#reason").fill(why)
        panel.get_by_role("button", name="Remove", exact=True).click()
        self.line(card).wait_for(state="detached")
        self.shut(panel)
        self.model[card].is_removed = True
        self.done += 1

    def decide(self, decision_id: int, card: int, choice: str) -> None:
        """On the page of decisions, in a tab of its own."""
        tab = self.visit.page.context.new_page()
        tab.goto(f"{self.visit.installation.url}/decisions")
        asked = tab.locator(f"#decision-{decision_id}")
        asked.locator(f"button[value={choice}]").click()
        expect(asked).to_have_count(0)
        tab.close()
        self.model[card].choice = choice
        self.done += 1

    def ask(self) -> None:
        """Let the page ask once, as its timer would."""
        self.visit.page.mouse.move(0, 0)
        self.visit.page.evaluate("document.body.dispatchEvent(new CustomEvent('sheet:changed'))")

    def refresh(self) -> None:
        """Ask, and wait for the answer."""
        with self.visit.page.expect_response(re.compile(r"/sheet/2026-11-23\?.*&v=")):
            self.ask()

    def shows_when(self, expected: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
        """What the screen has, once its last answer has been drawn."""
        for _ in range(50):
            if self.shows() == expected:
                break
            self.visit.page.wait_for_timeout(50)
        return self.shows()

    def shows(self) -> dict[int, tuple[str, str]]:
        """Card -> (state, phone), as the screen has it."""
        found: dict[str, list[str]] = self.visit.page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll("#sheet [data-card]")].map((line) => [
                line.dataset.card, [line.dataset.state, (line.querySelector("[data-phone]") || {}).textContent || ""]]))"""
        )
        return {int(card): (state, digits(phone)) for card, (state, phone) in found.items()}


def digits(phone: str | None) -> str:
    """The last nine digits, whatever is written around them."""
    return re.sub(r"\D", "", phone or "")[-9:]


@pytest.fixture
def desks(open_visit: Callable[..., Visit], clinic: SyncedClinic) -> tuple[Desk, Desk]:
    """Mel and Kim at work, both with the day open."""
    clinic.sync()
    model: dict[int, Known] = {}
    made = []
    for number in range(2):
        visit = open_visit(reduced_motion="reduce", viewport={"width": 1200, "height": 700})
        user = make_user("reception", email=f"desk{number}@example.org")
        visit.installation = replace(visit.installation, email=user.email)
        visit.sign_in()
        visit.page.evaluate(WATCH)
        made.append(Desk(visit, model))
    return made[0], made[1]


def change_the_pms(
    clinic: SyncedClinic, turn: int, rows: Sequence[TruthRow], phones: Sequence[TruthRow]
) -> None:
    """What happens at the practice meanwhile, and a run that reads it: a visit moves, another is cancelled, a phone changes."""
    with clinic.app.app_context():
        _change(clinic, turn, rows, phones)


def _change(clinic: SyncedClinic, turn: int, rows: Sequence[TruthRow], phones: Sequence[TruthRow]) -> None:
    book = clinic.sandbox.clinic

    def key(row: TruthRow) -> str:
        found = book.find_appointment("gentu", row.appointment_id)
        assert found
        return str(found[0].key)

    book.move(key(rows[turn]), at=f"{16 + turn % 3}:{10 + turn:02d}")
    if turn % 2:
        book.cancel(key(rows[-1 - turn]), "Patient asked")
    if turn < len(phones):
        found = book.find_appointment("gentu", phones[turn].appointment_id)
        assert found
        book.edit_patient(found[0].patient_keys[0], phone=f"0491 571 {100 + turn}")
    clinic.sync()


def free_visits(clinic: SyncedClinic, dice: random.Random) -> list[tuple[int, TruthRow]]:
    """Visits to come of different patients, each with a phone: (card, what the practice software has of it)."""
    seen: set[str] = set()
    found = []
    cards = clinic.all_cards()
    for row in clinic.truth():
        if row.appointment_status not in ("booked", "confirmed") or row.patient_id in seen:
            continue
        card = clinic.card_of(row, cards)
        if card.presence is Presence.ON_SHEET and card.patient_phone:
            found.append((card.id, row))
            seen.add(row.patient_id)
    dice.shuffle(found)
    return found


def plan_of(
    worked: Sequence[int], typed: Sequence[int], gone: Sequence[int], dice: random.Random
) -> list[tuple[int, Callable[[Desk], None]]]:
    """Who does what, in an order nobody chose: a card is mostly one desk's, and sometimes the other lends a hand."""
    plan: list[tuple[int, Callable[[Desk], None]]] = []
    for number, card in enumerate(worked):
        acts: list[Callable[[Desk], None]] = [partial(Desk.step, card=card)] * 3
        acts.append(partial(Desk.step_and_undo, card=card))
        if number % 3 == 0:
            acts.append(partial(Desk.note, card=card, text=f"Note {number} of the desk"))
        plan += [((number + (turn == 2)) % 2, act) for turn, act in enumerate(acts)]
    plan += [(number % 2, partial(Desk.no_answer, card=card)) for number, card in enumerate(typed)]
    plan += [
        (number % 2, partial(Desk.remove, card=card, why="Came in person"))
        for number, card in enumerate(gone)
    ]
    dice.shuffle(plan)
    return plan


def test_two_receptionists_and_the_practice_software_agree_after_eighty_actions(
    desks: tuple[Desk, Desk], clinic: SyncedClinic
) -> None:
    dice = random.Random(20261123)
    model = desks[0].model
    free = free_visits(clinic, dice)
    assert len(free) >= 30
    model.update((card, Known()) for card, _ in free)
    ids = [card for card, _ in free]
    worked, typed, gone = ids[:12], ids[12:17], ids[17:20]
    others, phones = [row for _, row in free[20:]], [row for _, row in free[12:16]]
    for number, card in enumerate(typed):
        desks[number % 2].phone(card, f"0491 570 {110 + number}")
    with ThreadPoolExecutor(1) as beside:
        change: Future[None] | None = None
        for number, (who, act) in enumerate(plan_of(worked, typed, gone, dice)):
            if number % 12 == 4:
                change = beside.submit(change_the_pms, clinic, number // 12, others, phones)
            act(desks[who])
            if number % 12 == 11 and change is not None:
                change.result()
                for desk in desks:
                    desk.ask()
    for number, decision in enumerate(decisions.list_open(clinic.today)):
        if decision.kind == "field_conflict" and decision.field == "patient_phone":
            desks[number % 2].decide(decision.id, decision.appointment_ids[0], ("keep", "pms")[number % 2])
    assert sum(desk.done for desk in desks) >= ACTIONS
    assert {known.choice for known in model.values()} == {None, "keep", "pms"}

    clinic.sync()
    for desk in desks:
        desk.refresh()
        desk.visit.assert_clean()
    assert_agreement(desks, clinic, model)
    assert [desk.visit.page.evaluate("window.moved") for desk in desks] == [[], []]


def assert_agreement(desks: tuple[Desk, Desk], clinic: SyncedClinic, model: dict[int, Known]) -> None:
    stored = {card.id: card for card in clinic.all_cards()}
    for card_id, known in model.items():
        card = days.get_card(card_id)
        assert (card.state, card.notes, card.presence is Presence.REMOVED_BY_STAFF) == (
            known.state,
            known.notes,
            known.is_removed,
        ), card_id
        if known.phone and known.choice != "pms":
            assert digits(card.patient_phone) == digits(known.phone), card_id
        if known.choice == "pms":
            assert digits(card.patient_phone) != digits(known.phone), card_id
    answer = desks[0].visit.page.evaluate(
        "async () => (await fetch('/api/run-sheet?date=2026-11-23')).json()"
    )
    through_api = {
        card["id"]: (card["state"], digits(card["patient_phone"]))
        for column in [*answer["clinicians"], {"appointments": answer["unassigned"]}]
        for card in column["appointments"]
    }
    expected = {
        card.id: (card.state, digits(card.patient_phone))
        for card in clinic.sheet().cards
        if card.id in stored
    }
    assert through_api == expected
    for desk in desks:
        assert desk.shows_when(expected) == expected
    kept = " ".join(f"{card.notes or ''} {[edit.value for edit in card.edited]}" for card in stored.values())
    lost = [
        text
        for desk in desks
        for text in desk.typed
        if text not in kept and digits(text) not in digits_of(kept)
    ]
    decided = {digits(known.phone) for known in model.values() if known.choice == "pms"}
    assert [text for text in lost if digits(text) not in decided] == []


def digits_of(text: str) -> str:
    """All digits in a row."""
    return re.sub(r"\D", "", text)
