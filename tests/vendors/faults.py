"""Every fault of the dial at one vendor: a small clinic that was fine, one fault, one run, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from pmsapp import clock
from pmsapp.adapters.client import http, retry
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import Card
from pmsapp.models import Decision, PMSConnection, SyncRun, VendorBlock, VendorReference
from pmsapp.sandbox.core.fault_kinds import FAULT_KINDS
from pmsapp.sandbox.halaxy import search
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.services.connections import connections
from pmsapp.services.editing import overrides
from pmsapp.services.matching import mappings
from pmsapp.services.matching.mappings import CREATE, IGNORE, MappingChoice
from pmsapp.services.runs.history import RunView
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.web.integrations.connection_view import build_card
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.vendors.clinics import ADMIN, ConnectedClinic

LIST = "appointments"
# Who has appointments today, and how many; one card each. The nobody in between has a list of its own to be read.
BOOK = {"odwyer": 8, "wojcik": 4}
# Enough for a second page of one practitioner's list.
FILLED = 110
SILENCE_S = 1.0
# How far the whole book goes, each way, where a search names no date.
BOOK_REACHES = timedelta(days=5)


@dataclass(frozen=True)
class Case:
    """One row of the table: a fault and where it is aimed. `with_faults`: others that are on beside it."""

    name: str
    endpoint: str | None = LIST
    options: dict[str, Any] = field(default_factory=dict)
    practitioner: str | None = None
    with_faults: tuple[tuple[str, dict[str, Any]], ...] = ()
    note: str = ""

    @property
    def words(self) -> str:
        """How the table calls it."""
        given = [f"{key}={value}" for key, value in self.options.items()]
        where = [self.practitioner and "one practitioner", self.note or _WHERE.get(self.endpoint or "", "")]
        return ", ".join(filter(None, [f"`{self.name}`", *given, *where]))


_WHERE = {LIST: "", "token": "at the token call", "patient": "of one patient", "other": ""}
_OVER: tuple[tuple[str, dict[str, Any]], ...] = (("expire_token", {}),)
# Faults that are aimed elsewhere, or more than once; every other kind has one plain row at the list of appointments.
SPECIAL: dict[str, tuple[Case, ...]] = {
    "expire_token": (Case("expire_token", None),),
    "revoke_token": (Case("revoke_token", None),),
    "unauthorized": (Case("unauthorized"), Case("unauthorized", "token", with_faults=_OVER)),
    "forbidden": (Case("forbidden"),),
    "not_found": (Case("not_found"), Case("not_found", "patient", note="of every patient")),
    "rate_limited": (
        Case("rate_limited", options={"retry_after": "5", "times": 1}),
        Case("rate_limited", options={"retry_after": "90"}),
        Case("rate_limited", options={"retry_after": "date", "seconds": 90}),
        Case("rate_limited", options={"retry_after": "absent"}),
        Case("rate_limited", options={"retry_after": "huge"}),
        Case("rate_limited", "token", {"retry_after": "90"}, with_faults=_OVER),
    ),
    "server_error": (
        Case("server_error", options={"times": 1}),
        Case("server_error"),
        Case("server_error", options={"status": 503}),
        Case("server_error", practitioner="odwyer"),
        Case("server_error", "token", with_faults=_OVER),
        Case(
            "server_error",
            "appointment",
            with_faults=(("empty_day", {"endpoint": LIST}),),
            note="at look-ups",
        ),
    ),
    "slow": (Case("slow", options={"seconds": "0.1"}),),
    "oversized": (Case("oversized", options={"megabytes": 21}),),
    "clock_skew": (Case("clock_skew", None),),
    "empty_day": (
        Case("empty_day", note="in the list alone"),
        Case("empty_day", None, note="in look-ups too"),
    ),
    "patient_left_out": (
        Case("patient_left_out", note="but known by id"),
        Case(
            "patient_left_out",
            None,
            with_faults=(("not_found", {"endpoint": "patient"}),),
            note="and not known by id",
        ),
    ),
    "tenant_disabled": (Case("tenant_disabled", None),),
    "tenant_withdrawn": (Case("tenant_withdrawn", None),),
    "unresolved_variable": (Case("unresolved_variable", None),),
    "interval_codes": (
        Case("interval_codes", None, {"mode": "missing"}),
        Case("interval_codes", None, {"mode": "broken"}),
    ),
    "providers_hidden": (Case("providers_hidden", None),),
    "other_practice_status": (Case("other_practice_status", None),),
    "patients_hidden": (Case("patients_hidden", None),),
    "outcome_in_ok": (
        Case("outcome_in_ok"),
        Case("outcome_in_ok", options={"code": "throttled"}),
    ),
    "throttle": (Case("throttle", None, {"limit": 1}),),
    "webhook_twice": (Case("webhook_twice", None),),
    "webhook_reorder": (Case("webhook_reorder", None),),
}
# These show only where a list has several pages.
PAGED = ("repeated_cursor", "endless_next", "short_pages", "drifting_pages", "paging_links", "foreign_link")


def cases_of(vendor: str) -> Iterator[Case]:
    """Every fault this vendor has, in the dial's order; those about pages last."""
    capabilities = get_info(vendor).capabilities
    kinds = [kind for kind in FAULT_KINDS.values() if kind.vendor in (None, vendor)]
    for kind in sorted(kinds, key=lambda kind: kind.name in PAGED):
        for case in SPECIAL.get(kind.name, (Case(kind.name),)):
            about_token = case.endpoint == "token"
            alone = case.practitioner is not None and not capabilities.reads_per_practitioner
            if not alone and not (about_token and capabilities.fixed_token):
                yield case


class FaultyClinic:
    """A small clinic at one vendor that is read, then read again under each fault, then read well again."""

    def __init__(self, app: Flask, sandbox: SandboxServer, vendor: str, now: FrozenClock) -> None:
        self.sandbox = sandbox
        self.vendor = vendor
        self.now = now
        self.clinic = ConnectedClinic(app, sandbox, vendor)
        self._book()
        self._match()
        self.run_well()
        connections.update_connection(self.clinic.connection_id, ADMIN, sync_enabled=True)
        self._forget_waits()
        first = min(self.cards().values(), key=lambda card: card.start_at)
        overrides.edit_card(first.id, {"patient_phone": "+61491570110", "notes": "Ring first."}, ADMIN)
        self.good = self.cards()
        assert len(self.good) == sum(BOOK.values())

    def _book(self) -> None:
        book, today = self.sandbox.clinic, self.clinic.today
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            book.empty_day(day)
        people = iter(person.key for person in book.patients()[:30])
        for practitioner, number in BOOK.items():
            for n in range(number):
                start = datetime.combine(today, time(13, 0), book.zone) + timedelta(minutes=15 * n)
                book.book(practitioner, "telehealth", start, next(people))

    def _match(self) -> None:
        ids = {self.sandbox.clinic.id_of(self.vendor, "practitioner", key) for key in BOOK}
        people = mappings.list_practitioners(self.clinic.connection_id)
        choices = [
            MappingChoice(
                person.pms_practitioner_id,
                CREATE if person.pms_practitioner_id in ids else IGNORE,
                name=person.name,
            )
            for person in people
        ]
        mappings.set_mappings(self.clinic.connection_id, choices, ADMIN)

    def fill(self) -> None:
        """From here on lists have several pages."""
        self.sandbox.clinic.fill_day(self.clinic.today, "odwyer", FILLED)
        self.run_well()
        self.good = self.cards()

    def cards(self) -> dict[tuple[str, str], Card]:
        """Everything of the day, shown or not, by appointment and patient."""
        sheet = self.clinic.sheet()
        every = [*sheet.cards, *(sheet.not_shown_cards or ())]
        return {(str(card.pms_appointment_id), str(card.pms_patient_id)): card for card in every}

    def run_well(self) -> RunView:
        """A run without any fault; it must be complete."""
        run = self.clinic.sync(self.clinic.today)
        assert (run.status, run.error) == ("success", None)
        return run

    def run_under(self, case: Case) -> str:
        """One row of the table. Fails the test when anything is lost, or when a good run does not heal it."""
        self._turn_on(case)
        self.sandbox.requests.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(retry, "MAX_BACKOFF_S", 0.0)
            patch.setattr(Deadline, "wait", lambda *given: self._let_time_pass(*given))
            patch.setattr(search, "BACK", BOOK_REACHES)
            patch.setattr(search, "AHEAD", BOOK_REACHES)
            if case.name == "hang":
                defaults = http.HTTPClient.__init__.__kwdefaults__ or {}
                patch.setitem(defaults, "read_timeout_s", SILENCE_S)
            run = self.clinic.sync(self.clinic.today)
        requests = self.sandbox.requests.count(self.vendor)
        row = [case.words, _result(run), self._card_says(), str(requests), self._compare(case)]
        self._heal(case)
        return "| " + " | ".join(row) + " |"

    def _let_time_pass(self, deadline: Deadline, seconds: float, pms: str) -> None:
        """In the place of sleeping: the clock moves on."""
        deadline.check(pms)
        self.now.advance(seconds=seconds)

    def _turn_on(self, case: Case) -> None:
        with writing() as session:
            session.execute(delete(VendorReference))  # so that every list is asked for
        dial = self.sandbox.faults
        for name, options in case.with_faults:
            dial.set(name, vendor=self.vendor, **options)
        who = case.practitioner and self.sandbox.clinic.id_of(self.vendor, "practitioner", case.practitioner)
        dial.set(case.name, vendor=self.vendor, endpoint=case.endpoint, practitioner=who, **case.options)

    def _card_says(self) -> str:
        view = connections.get_connection(self.clinic.connection_id)
        shown = build_card(view, current=None, last=None, now=clock.now(), can_sync=True, can_configure=True)
        return f"{shown.badge.word}{f': {shown.problem}' if shown.problem else ''}"

    def _compare(self, case: Case) -> str:
        """What became of the cards that were there; none may be gone."""
        now = self.cards()
        assert self.good.keys() <= now.keys(), f"{case.words}: a card is lost"
        outcomes = Counter(_became(self.good[key], now[key]) for key in self.good)
        for key, card in self.good.items():
            typed = (now[key].edited, now[key].notes)
            assert typed == (card.edited, card.notes), f"{case.words}: staff edits are touched"
        outcomes["new"] = len(now.keys() - self.good.keys())
        assert not outcomes["left"], f"{case.words}: a card was taken off the sheet"
        words = ("as they were", "changed", "held", "new")
        return ", ".join(f"{outcomes[word]} {word}" for word in words if outcomes[word])

    def _heal(self, case: Case) -> None:
        """The next good run puts everything right by itself, but for what waits for a person."""
        self.sandbox.faults.clear()
        self._forget_waits()
        self.now.set(MONDAY_9AM)
        if self.clinic.sync(self.clinic.today).status != "success":
            self.run_well()
        now = self.cards()
        assert now.keys() == self.good.keys(), f"{case.words}: not healed"
        different = [key for key in now if _became(self.good[key], now[key]) != "as they were"]
        assert different == [], f"{case.words}: not healed"
        assert connections.get_connection(self.clinic.connection_id).state == "ok"

    def _forget_waits(self) -> None:
        """As if the time a vendor asked for had passed: another process, and nothing planned for later."""
        vendor_adapters.rate_limit_store.cache_clear()
        with writing() as session:
            session.execute(delete(VendorBlock))
            session.execute(update(PMSConnection).values(not_before=None))
            session.execute(update(SyncRun).where(SyncRun.status == "queued").values(status="cancelled"))
            session.execute(update(Decision).where(Decision.state == "open").values(state="lapsed"))


def _result(run: RunView) -> str:
    return f"{run.status}, {run.error[0]}" if run.error else str(run.status)


def _became(before: Card, now: Card) -> str:
    if now.presence is Presence.HELD:
        return "held"
    if now.presence is not Presence.ON_SHEET:
        return "left"
    plain: dict[str, Any] = {"row_version": 0, "pms_last_synced_at": None, "id": 0}
    return "as they were" if replace(before, **plain) == replace(now, **plain) else "changed"
