"""A clinic with every kind of card, question and trouble on its day, and a look at a page against WCAG 2.2 AA."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from playwright.sync_api import Page
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.runsheet import Card
from pmsapp.models import (
    Decision,
    Incident,
    PMSClinicianMapping,
    Quarantine,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetOverride,
)
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import overrides, patient_checks, steps
from pmsapp.services.people import api_tokens, one_time_links, users
from tests.browser.conftest import Visit
from tests.support import accessibility, actors
from tests.support.synced_clinic import SyncedClinic

WIDE = {"width": 1440, "height": 900}
NARROWER = (1024, 390, 320)
NARROWEST = 320
PRACTITIONERS = 2


@dataclass
class Inspection:
    """Looks at pages and keeps what is wrong, by page and state. `walked`: the views of the sheet seen at every width."""

    scheme: str = "light"
    faults: list[str] = field(default_factory=list)
    walked: set[str] = field(default_factory=set)

    def look(self, page: Page, name: str, *, inside: str | None = None) -> None:
        """At what the page shows now: at everything when it is wide, when it is narrow at what a width can change. In dark
        colours only the contrast can be another; it is judged on pages that were opened dark.

        The widths between are for sideways scrolling alone, but for the sheet, whose views are laid out anew at each.
        `inside`: a dialog that covers the rest.
        """
        if self.scheme == "dark":
            self._note(
                name, "dark", accessibility.violations(page, rules=accessibility.COLOURS, inside=inside)
            )
        else:
            self._look_in_light(page, name, inside)

    def _look_in_light(self, page: Page, name: str, inside: str | None) -> None:
        view = page.evaluate("document.querySelector('#sheet:has([data-card])')?.dataset.view ?? ''")
        is_new = bool(view) and not inside and view not in self.walked
        self.walked |= {view} if is_new else set()
        self._note(name, "1440 px", accessibility.wider_than_the_window(page))
        self._note(name, "1440 px", accessibility.violations(page, inside=inside))
        for width in NARROWER:
            page.set_viewport_size({"width": width, "height": 900})
            self._note(name, f"{width} px", accessibility.wider_than_the_window(page))
            if is_new or width == NARROWEST:
                rules = accessibility.WIDTH_RULES
                self._note(name, f"{width} px", accessibility.violations(page, rules=rules, inside=inside))
        page.set_viewport_size({**WIDE})

    def _note(self, name: str, where: str, found: list[str]) -> None:
        self.faults += [f"{name} ({where}): {fault}" for fault in found]

    def end(self) -> None:
        """Fail with all that was found."""
        assert not self.faults, "\n" + "\n".join(dict.fromkeys(self.faults))


@dataclass(frozen=True)
class Day:
    """The prepared clinic: cards by what there is about them, and a link that works."""

    names: dict[str, object]

    def __getitem__(self, name: str) -> int:
        return int(str(self.names[name]))


def desks_of(open_visit: Callable[..., Visit], **context: Any) -> Callable[[str], Visit]:
    """`desks("reception")`: that person's browser, signed in; nobody's for ""."""
    made: dict[str, Visit] = {}

    def desk(role: str) -> Visit:
        if role not in made:
            visit = made[role] = open_visit(reduced_motion="reduce", **context)
            if role:
                sign_in(visit, visit.installation.email if role == "admin" else f"{role}@example.org")
        return made[role]

    return desk


def sign_in(visit: Visit, email: str, *, lands_on: str = "/") -> Page:
    """Sign in as somebody else than the administrator, through the page."""
    page = visit.go("/login")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(actors.PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    # Until it has loaded, too: its scripts watch from then on.
    page.wait_for_url(re.compile(rf":\d+{lands_on}(\?.*)?$"))
    return page


def leave_some_out(clinic: SyncedClinic) -> None:
    """Only the two busiest practitioners have columns, another is left undecided: a day of some thirty cards."""
    busiest = Counter(row.practitioner_id for row in clinic.truth()).most_common()
    keep = {practitioner for practitioner, _ in busiest[:PRACTITIONERS]}
    undecided = busiest[PRACTITIONERS][0]
    with writing() as session:
        for row in session.scalars(select(PMSClinicianMapping)):
            if row.pms_practitioner_id in keep:
                continue
            column = session.get(RunSheetClinician, row.run_sheet_clinician_id)
            if column:
                column.active = False
            row.decision = "undecided" if row.pms_practitioner_id == undecided else "ignored"
            row.run_sheet_clinician_id = None


def eventful_day(clinic: SyncedClinic) -> Day:
    """A Monday with every kind of card, question and trouble on it, and a person of every role."""
    leave_some_out(clinic)
    clinic.sync()
    cards = [card for card in clinic.sheet().cards if str(card.appointment_status) in ("booked", "confirmed")]
    for number, card in enumerate(cards[:6]):
        _advance(card, number)
    steps.record_attempt(cards[6].id, "no_answer", COMMAND_LINE)
    patient_checks.check_identity(cards[1].id, ["name", "birth_date", "address"], COMMAND_LINE)
    patient_checks.claim(cards[6].id, COMMAND_LINE)
    names = ("card", "conflict", "held", "cancelled", "removed", "step")
    chosen = dict(zip(names, (card.id for card in cards[-len(names) :]), strict=True))
    overrides.edit_card(
        chosen["conflict"], {"patient_phone": "0491 570 157", "notes": "Ring twice"}, COMMAND_LINE
    )
    with writing() as session:
        _disagree(session, chosen, clinic.today, clock.now())
        _trouble(session, clock.now())
        column = session.scalars(select(RunSheetClinician).where(RunSheetClinician.active)).first()
        assert column
        clinician = column.id
    for role in ("reception", "viewer", "clinician"):
        actors.make_user(
            role, email=f"{role}@example.org", clinician_id=clinician if role == "clinician" else None
        )
    api_tokens.create("Waiting room screen", "viewer", COMMAND_LINE)
    invited = users.add_user("kim@example.org", role="reception", password=None, actor=COMMAND_LINE)
    return Day({**chosen, "link": one_time_links.make(invited.id, COMMAND_LINE).path})


def _advance(card: Card, times: int) -> None:
    state = card.state
    for _ in range(min(times, 5)):
        state = steps.advance(card.id, COMMAND_LINE, expected=state).card.state


def _disagree(session: Session, cards: dict[str, int], today: date, now: datetime) -> None:
    """A typed phone that the practice software contradicts, a held identity, a cancellation, a removal."""
    for name, presence in (("held", "held"), ("cancelled", "cancelled"), ("removed", "removed_by_staff")):
        session.execute(
            update(RunSheetAppointment)
            .where(RunSheetAppointment.id == cards[name])
            .values(presence=presence, presence_reason="another patient is booked", presence_at=now)
        )
    session.execute(
        update(RunSheetOverride)
        .where(
            RunSheetOverride.appointment_id == cards["conflict"], RunSheetOverride.field == "patient_phone"
        )
        .values(state="conflict")
    )
    about = {"connection_id": 1, "date": today, "since": now}
    conflict, held = cards["conflict"], cards["held"]
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
            appointment_ids=[held, cards["card"]],
            field="patient",
            ours="Wren Banksia",
            theirs="Otto Correa",
            **about,
        )
    )


def _trouble(session: Session, now: datetime) -> None:
    """A record kept aside and an open incident."""
    session.add(
        Quarantine(
            connection_id=1,
            record_key="ap-9",
            pms_appointment_id="ap-9",
            reason="REC-BAD",
            shape="{start: text}",
            first_seen_at=now,
            last_seen_at=now,
        )
    )
    session.add(
        Incident(
            subject="connection:1",
            connection_id=1,
            code="PMS-DOWN",
            severity="medium",
            started_at=now,
            last_seen_at=now,
            opened_at=now,
        )
    )
