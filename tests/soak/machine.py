"""Any order of PMS changes, staff edits, clinic decisions, runs and accidents; the oracle is asked after each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.runsheet import Card
from pmsapp.extensions import db
from pmsapp.services.base.errors import Conflict
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.matching import appointment_types, live_lists, mappings
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.mappings import MappingChoice
from pmsapp.services.runs import lease
from pmsapp.services.runs import waiting as run_waiting
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet import days as sheet_days
from pmsapp.services.sheet import timeline
from pmsapp.services.sync import execute, recheck
from tests.soak.installation import installation
from tests.soak.oracle import Oracle
from tests.support import snapshot
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.fake_clinic import MEL, PATIENTS, PEOPLE, FakeClinic, stock
from tests.support.fake_pms import PER_PRACTITIONER, FakePractice, Faults, Visit, registered

NTH = st.integers(0, 40)
SLOTS = ("08:00", "09:00", "09:15", "10:00", "13:30", "16:00", "23:45", "00:00")
SLOT = st.sampled_from(SLOTS)
DAYS = st.sampled_from((0, 0, 0, 1, 1, 2))
PERSON = st.sampled_from(tuple(PEOPLE))
PATIENT = st.sampled_from(tuple(name.split()[0].lower() for name in PATIENTS))
TYPE = st.sampled_from(("video", "video", "other", "rooms", None))
ERRORS: tuple[Callable[[], PMSError], ...] = (
    lambda: RetryLaterError("PMS-SLOW", pms="Fake"),
    lambda: BadVendorDataError(pms="Fake"),
    lambda: BadVendorDataError("READ-ENDLESS", pms="Fake"),
    lambda: RetryLaterError("RATE-WAIT", pms="Fake", retry_at=clock.now() + timedelta(seconds=90)),
    lambda: ReconnectRequiredError("AUTH-EXPIRED", pms="Fake"),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "patient_name": st.sampled_from(("Ada Alder", "Typed Name")),
    "patient_phone": st.sampled_from(("+61491570156", "+61491570157", "+61491570000")),
    "patient_email": st.sampled_from(("typed@example.com", "ada@example.com")),
    "start_at": st.tuples(SLOT, DAYS),
    "duration_minutes": st.sampled_from((15, 30)),
    "clinician_id": st.sampled_from((1, 2, 3)),
    "is_telehealth": st.booleans(),
}
EDIT = st.sampled_from(tuple(VALUES)).flatmap(lambda field: st.tuples(st.just(field), VALUES[field]))
_T = TypeVar("_T")


class KilledError(BaseException):
    """The process is gone: nothing of ours catches this."""


class SyncMachine(RuleBasedStateMachine):
    """One clinic, one connection. Subclasses choose how its vendor is read."""

    slug = PER_PRACTITIONER

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        logging.disable(logging.ERROR)  # hundreds of lost jobs: no queue server here
        self._stack.callback(logging.disable, logging.NOTSET)
        home = installation()
        self._stack.enter_context(home.app.app_context())
        home.reset()
        self.snapshots = home.snapshots
        self.clock = FrozenClock(MONDAY_9AM)
        self._stack.enter_context(clock.use(self.clock))
        self.practice = stock(FakePractice())
        self._stack.enter_context(registered("practice", self.practice))
        self.clinic = FakeClinic(self.practice, self.slug)
        self.snapshots.forget()  # it may have been copied
        self.oracle = Oracle(self.clinic, self.slug, self.snapshots.take)
        self.seen: dict[str, object] = {}
        self.staff: dict[str, Any] = {}
        self._remember_staff()

    def teardown(self) -> None:
        self._stack.close()

    # -- choosing ---------------------------------------------------------------------------------------------------

    def _pick(self, things: Sequence[_T], n: int) -> _T | None:
        return things[n % len(things)] if things else None

    def _visit(self, n: int) -> Visit | None:
        return self._pick(list(self.practice.visits.values()), n)

    def _card(self, n: int, *presences: str) -> Card | None:
        cards = [card for card in self.clinic.cards().values() if not presences or card.presence in presences]
        return self._pick(sorted(cards, key=lambda card: card.id), n)

    def _remember_staff(self) -> None:
        self.staff = self.snapshots.take().staff

    # -- the practice -----------------------------------------------------------------------------------------------

    @initialize(
        visits=st.lists(
            st.tuples(PERSON, SLOT, st.sampled_from((0, 0, 1)), PATIENT, TYPE), min_size=3, max_size=9
        ),
        crowd=st.sampled_from((0, 0, 0, 12)),
        seed=st.integers(0, 3),
    )
    def open_the_book(self, visits: list[Any], crowd: int, seed: int) -> None:
        self.practice.seed = seed
        for person, slot, days, patient, type_id in visits:
            self.practice.book(person, self.clinic.at(slot, days), [patient], type_id=type_id)
        for number in range(crowd):
            patients = tuple(self.practice.patients)
            self.practice.book("anna", self.clinic.at("11:00"), [patients[number % len(patients)]])
        self._sync_and_check()

    @rule(
        person=PERSON, slot=SLOT, days=DAYS, patients=st.lists(PATIENT, max_size=3, unique=True), type_id=TYPE
    )
    def book(self, person: str, slot: str, days: int, patients: list[str], type_id: str | None) -> None:
        self.practice.book(person, self.clinic.at(slot, days), patients, type_id=type_id)

    @rule(n=NTH, slot=SLOT, days=DAYS, person=PERSON)
    def move(self, n: int, slot: str, days: int, person: str) -> None:
        if visit := self._visit(n):
            self.practice.change(visit.id, start_at=self.clinic.at(slot, days), practitioner=person)

    @rule(n=NTH, slot=SLOT)
    def move_time(self, n: int, slot: str) -> None:
        if visit := self._visit(n):
            days = (self.oracle.day(visit) - self.clinic.today).days
            self.practice.change(visit.id, start_at=self.clinic.at(slot, days))

    @rule(n=NTH, status=st.sampled_from(("booked", "cancelled", "cancelled", "arrived", "no_show")))
    def set_status(self, n: int, status: str) -> None:
        if visit := self._visit(n):
            self.practice.change(visit.id, status=status)

    @rule(n=NTH, many=st.sampled_from((1, 1, 1, 5)))
    def delete(self, n: int, many: int) -> None:
        for _ in range(many):
            if visit := self._visit(n):
                self.practice.delete(visit.id)

    @rule(n=NTH)
    def undelete(self, n: int) -> None:
        if visit := self._pick(list(self.practice.deleted.values()), n):
            self.practice.undelete(visit.id)

    @rule(patient=PATIENT, name=st.sampled_from(("New Name", "Ada Alder")), phone=VALUES["patient_phone"])
    def edit_patient(self, patient: str, name: str, phone: str) -> None:
        self.practice.edit_patient(patient, name=name, phone=phone)

    @rule(n=NTH, patients=st.lists(PATIENT, max_size=3, unique=True))
    def set_patients(self, n: int, patients: list[str]) -> None:
        if visit := self._visit(n):
            self.practice.change(visit.id, patients=tuple(patients))

    @rule(
        n=NTH,
        type_id=TYPE,
        evidence=st.sampled_from((None, None, True, False)),
        minutes=st.sampled_from((15, 30)),
    )
    def change_type(self, n: int, type_id: str | None, evidence: bool | None, minutes: int) -> None:
        if visit := self._visit(n):
            self.practice.change(visit.id, type_id=type_id, evidence=evidence, minutes=minutes)

    @rule(person=PERSON)
    def empty_a_day(self, person: str) -> None:
        for visit in list(self.practice.visits.values()):
            if visit.practitioner == person and self.oracle.day(visit) == self.clinic.today:
                self.practice.delete(visit.id)

    # -- staff ------------------------------------------------------------------------------------------------------

    @rule(n=NTH, edit=EDIT)
    def type_over(self, n: int, edit: tuple[str, Any]) -> None:
        self._type_over(n, edit)

    def _type_over(self, n: int, edit: tuple[str, Any]) -> None:
        field, value = edit
        if card := self._card(n):
            value = self.clinic.at(*value) if field == "start_at" else value
            overrides.edit_card(card.id, {field: value}, MEL)
            self._remember_staff()

    @rule(n=NTH)
    def drop_an_edit(self, n: int) -> None:
        edits = [(card.id, edit.field) for card in self.clinic.cards().values() for edit in card.edited]
        if found := self._pick(sorted(edits), n):
            overrides.edit_card(found[0], {found[1]: None}, MEL)
            self._remember_staff()

    @rule(
        n=NTH,
        note=st.sampled_from(("Rang twice", "Wants a call back")),
        state=st.sampled_from(("contacted", "booked")),
    )
    def work_on(self, n: int, note: str, state: str) -> None:
        if card := self._card(n):
            overrides.edit_card(card.id, {"notes": note, "state": state}, MEL)
            self._remember_staff()

    @rule(n=NTH)
    def remove(self, n: int) -> None:
        if card := self._card(n):
            overrides.remove_card(card.id, "Not ours", MEL)
            self._remember_staff()

    @rule(n=NTH)
    def bring_back(self, n: int) -> None:
        if card := self._card(n, "removed_by_staff"):
            overrides.restore_card(card.id, MEL)
            self._remember_staff()

    @rule(n=NTH)
    def acknowledge(self, n: int) -> None:
        if card := self._card(n, "cancelled", "deleted", "filtered"):
            overrides.acknowledge_card(card.id, MEL)

    @rule(slot=SLOT, person=PERSON, patient=PATIENT, phone=st.one_of(st.none(), VALUES["patient_phone"]))
    def add_by_hand(self, slot: str, person: str, patient: str, phone: str | None) -> None:
        name = self.practice.patients[patient].name
        values = {
            "start_at": self.clinic.at(slot),
            "patient_name": name,
            "clinician_id": self.clinic.mapped[person],
            "patient_phone": phone,
        }
        overrides.add_card(self.clinic.today, values, MEL)
        self._remember_staff()

    @rule(n=NTH, choice=st.sampled_from(("keep", "pms")))
    def answer(self, n: int, choice: str) -> None:
        if question := self._pick(self.clinic.questions(), n):
            decisions.decide(question.id, choice, MEL)
            self._after_an_answer()

    @rule(n=NTH)
    def take_an_answer_back(self, n: int) -> None:
        answered = [decision for decision in decisions.list_decided_today() if decision.can_undo]
        if question := self._pick(answered, n):
            with suppress(Conflict):  # the question may have come up again
                decisions.undo(question.id, MEL)
            self._after_an_answer()

    def _after_an_answer(self) -> None:
        self._remember_staff()
        cards = self.snapshots.take().cards.values()
        self.oracle.kept |= {row["id"] for row in cards if row["kept_digest"] is not None}

    # -- the clinic's decisions -------------------------------------------------------------------------------------

    @rule(person=PERSON, choice=st.sampled_from(("map", "map", "ignore", "undecided")), column=PERSON)
    def decide_on(self, person: str, choice: str, column: str) -> None:
        clinician = self.clinic.mapped[column] if choice == "map" else None
        mappings.set_mappings(self.clinic.connection_id, [MappingChoice(person, choice, clinician)], MEL)
        decision = {"map": "mapped", "ignore": "ignored"}.get(choice, choice)
        self.oracle.decisions[person] = (decision, clinician)
        if choice != "map":
            for card in self.clinic.cards().values():
                if card.pms_practitioner_id == person:
                    assert card.presence in ("unmapped", "filtered", "removed_by_staff")

    @rule(
        type_id=st.sampled_from(("video", "rooms", "other")),
        decided=st.sampled_from((None, None, True, False)),
        shown=st.sampled_from((True, True, True, False)),
    )
    def decide_type(self, type_id: str, decided: bool | None, shown: bool) -> None:
        choice = TypeChoice(type_id, is_telehealth=decided, sync_enabled=shown)
        appointment_types.set_types(self.clinic.connection_id, [choice], MEL)
        self.oracle.types[type_id] = (decided, shown)

    # -- runs that go well ------------------------------------------------------------------------------------------

    @rule(minutes=st.integers(1, 20))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule()
    def sync(self) -> None:
        self._sync_and_check()

    @rule(days=st.sampled_from((0, 1, 2)))
    def sync_one_day(self, days: int) -> None:
        self._sync_and_check(self.clinic.today + timedelta(days=days))

    @rule()
    def preview_then_sync(self) -> None:
        before = snapshot.everything()
        preview = self.clinic.sync(dry_run=True)
        assert preview.status in ("success", "partial"), preview.error
        after = snapshot.everything()
        assert after == before, f"a preview wrote: {snapshot.differences(before, after)}"
        run = self._sync_and_check()
        assert preview.counts == run.counts
        assert preview.skipped_reasons == run.skipped_reasons
        assert _lists_of(preview) == _lists_of(run)
        promised, done = _promised(preview), _done(run)
        assert promised == done, f"promised only: {promised - done}; done only: {done - promised}"

    @rule(n=NTH, edit=EDIT, person=st.sampled_from((*PEOPLE, None)))
    def edit_while_syncing(self, n: int, edit: tuple[str, Any], person: str | None) -> None:
        done = threading.Event()

        def meanwhile(practitioner: str | None) -> None:
            if not done.is_set() and person in (practitioner, None):
                done.set()
                self._type_over(n, edit)

        self.practice.before_list = meanwhile
        try:
            self._sync_and_check()
        finally:
            self.practice.before_list = None

    @rule()
    def two_runs_at_once(self) -> None:
        first, second = self.clinic.request(), self.clinic.request(self.clinic.today + timedelta(days=2))
        met: list[str] = []

        def meanwhile(_: str | None) -> None:
            if not met:
                execute.execute_run(second)
                met.append(self.clinic.run(second).status)

        self.practice.before_list = meanwhile
        before = self.snapshots.take()
        try:
            execute.execute_run(first)
        finally:
            self.practice.before_list = None
        assert met in (["queued"], []), "two runs at once"
        self._checked(first, before)
        before = self.snapshots.take()
        execute.execute_run(second)
        self._checked(second, before)

    @rule(n=NTH)
    def check_one_again(self, n: int) -> None:
        if card := self._card(n):
            before = self.snapshots.take()
            recheck.recheck_card(card.id, MEL)
            after = self.snapshots.take()
            assert after.staff == before.staff
            for row in before.cards.values():
                if after.cards[row["id"]]["presence"] in ("deleted", "held") != row["presence"]:
                    assert not self.oracle.names(row) or row["presence"] == after.cards[row["id"]]["presence"]

    # -- runs that do not -------------------------------------------------------------------------------------------

    @rule(
        person=st.sampled_from((*PEOPLE, None)),
        error=st.sampled_from(ERRORS),
        after_pages=st.integers(0, 2),
        look_ups=st.booleans(),
        days=st.sampled_from((None, 0, 1)),
    )
    def sync_with_trouble(
        self,
        person: str | None,
        error: Callable[[], PMSError],
        after_pages: int,
        look_ups: bool,
        days: int | None,
    ) -> None:
        faults = self.practice.faults
        faults.lists[person] = (after_pages, error())
        if look_ups:
            faults.look_ups = {key: error() for key in (*self.practice.deleted, *self.practice.visits)}
        self._faulty_run(None if days is None else self.clinic.today + timedelta(days=days))

    @rule(ids=st.lists(NTH, min_size=1, max_size=3), nameless=st.booleans())
    def sync_with_bad_records(self, ids: list[int], nameless: bool) -> None:
        chosen = {visit.id for n in ids if (visit := self._visit(n))}
        self.practice.faults.bad, self.practice.faults.nameless = chosen, nameless
        before, after = self._faulty_run()
        for row in before.cards.values():
            if row["pms_appointment_id"] in chosen and self.oracle.names(row):
                assert after.cards[row["id"]]["presence"] == row["presence"], (
                    "a bad record counted as vanished"
                )

    @rule(n=NTH)
    def sync_with_a_list_that_hides_one(self, n: int) -> None:
        if visit := self._visit(n):
            self.practice.faults.unlisted = {visit.id}
            self._faulty_run()

    @rule()
    def sync_without_an_end_mark(self) -> None:
        self.practice.faults.no_end_mark = True
        before, after = self._faulty_run()
        gone = [
            row
            for row in before.cards.values()
            if after.cards[row["id"]]["presence"] == "deleted" != row["presence"]
        ]
        assert not gone, "deleted by a list without an end"

    @rule(at=st.integers(1, 60))
    def killed_while_syncing(self, at: int) -> None:
        before, run_id = self.snapshots.take(), self.clinic.request()
        try:
            with failing_statement(at, KilledError()):
                execute.execute_run(run_id)
        except KilledError:
            assert self.clinic.run(run_id).status in ("running", "queued", *_OVER)
            self.clock.advance(seconds=61)
            lease.sweep_interrupted()
        run = self.clinic.run(run_id)
        assert run.status in ("queued", "interrupted", *_OVER)
        self.oracle.check_run(run, before, self.snapshots.take(), self.staff)
        self._finish_waiting()

    @rule(at=st.integers(1, 60))
    def database_fails_while_syncing(self, at: int) -> None:
        before, run_id = self.snapshots.take(), self.clinic.request()
        try:
            with failing_statement(at, OperationalError("it failed", None, Exception("disk"))):
                execute.execute_run(run_id)
        except OperationalError:
            self.clock.advance(seconds=61)
            lease.sweep_interrupted()
        self.oracle.check_run(self.clinic.run(run_id), before, self.snapshots.take(), self.staff)
        self._finish_waiting()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _finish_waiting(self) -> None:
        """A run that nobody could claim stays queued; its job is enqueued again."""
        for waiting in run_waiting.waiting_runs(for_at_least_s=0.0):
            before = self.snapshots.take()
            execute.execute_run(waiting.id)
            self._checked(waiting.id, before)

    def _faulty_run(self, day: date | None = None) -> tuple[snapshot.Snapshot, snapshot.Snapshot]:
        before = self.snapshots.take()
        try:
            run = self.clinic.sync(day)
        finally:
            self.practice.faults = Faults()
        self.clock.advance(seconds=120)
        after = self.snapshots.take()
        self.oracle.check_run(run, before, after, self.staff)
        return before, after

    def _checked(self, run_id: int, before: snapshot.Snapshot) -> RunView:
        run = self.clinic.run(run_id)
        after = self.snapshots.take()
        self.oracle.check_run(run, before, after, self.staff)
        return run

    def _sync_and_check(self, day: date | None = None) -> RunView:
        """A run without faults brings the sheet to the truth, and a second one writes nothing."""
        live_lists.forget(self.clinic.connection_id)
        before = self.snapshots.take()
        run = self._checked(self._run(day), before)
        if self.practice.before_list is not None:
            self.practice.before_list = None
            run = self._checked(self._run(day), before)
        days = [day] if day else [self.clinic.today, self.clinic.today + timedelta(days=1)]
        self.oracle.check_converged(run, before, days)
        settled = self.snapshots.take()
        again = self._checked(self._run(day), settled)
        still = self.snapshots.take()
        assert still.cards == settled.cards, "a run without changes wrote a card"
        assert (still.overrides, still.sheets, still.events) == (
            settled.overrides,
            settled.sheets,
            settled.events,
        )
        assert _open(still) == _open(settled)
        assert again.counts["created"] == again.counts["updated"] == again.counts["removed"] == 0
        return run

    def _run(self, day: date | None) -> int:
        run_id = self.clinic.request(day)
        execute.execute_run(run_id)
        return run_id

    @rule()
    def look_at_the_sheets(self) -> None:
        """The same tag never stands for two different sheets, nor the same version for different cards."""
        for days in range(3):
            sheet = sheet_days.get_sheet(self.clinic.today + timedelta(days=days), include_not_shown=True)
            seen = self.seen.setdefault(sheet.etag, replace(sheet, etag=""))
            assert seen == replace(sheet, etag=""), "the tag did not change with the sheet"
            cards = sheet.cards, sheet.not_shown_cards
            known = self.seen.setdefault(f"{sheet.date} {sheet.version}", cards)
            assert known == cards, "a card changed and its day's version did not"

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        super().check_invariants(*args, **kwargs)
        self.oracle.check_always(self.snapshots.take())


_OVER = ("success", "partial", "failed", "cancelled")


def _open(taken: snapshot.Snapshot) -> list[Any]:
    return [row for row in taken.decisions.values() if row["state"] == "open"]


def _lists_of(run: RunView) -> list[tuple[Any, ...]]:
    return [(scope.pms_practitioner_id, scope.date, scope.outcome, scope.counts) for scope in run.scopes]


def _promised(preview: RunView) -> set[tuple[Any, ...]]:
    assert preview.preview is not None
    return {
        (card["change"], card["pms_appointment_id"], card["pms_patient_id"])
        for card in preview.preview["cards"]
    }


def _done(run: RunView) -> set[tuple[Any, ...]]:
    cards = {
        event.appointment_id: sheet_days.get_card(event.appointment_id) for event in timeline.of_run(run.id)
    }
    return {
        (
            event.kind,
            cards[event.appointment_id].pms_appointment_id,
            cards[event.appointment_id].pms_patient_id,
        )
        for event in timeline.of_run(run.id)
    }


@contextmanager
def failing_statement(number: int, error: BaseException, *, once: bool = False) -> Iterator[None]:
    """The `number`-th statement of this thread fails, and (but for `once`) every one after it."""
    count = 0
    here = threading.get_ident()

    def count_one(*args: Any) -> None:
        nonlocal count
        if threading.get_ident() == here:
            count += 1
            if count == number or (count > number and not once):
                raise error

    event.listen(db.engine, "before_cursor_execute", count_one)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", count_one)
