"""Cards a complete scope no longer lists: ask for each by id, then say which of the five leavings it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from pmsapp.adapters.base import Adapter
from pmsapp.cipher import KeyRing
from pmsapp.domain.appointment import AppointmentStatus, Presence, UnifiedAppointment
from pmsapp.domain.errors import NotFoundError, PMSError
from pmsapp.domain.leaving import Fate, LeavingPlan, plan_leavings, to_look_up
from pmsapp.domain.reconcile import Change, StoredKey
from pmsapp.domain.window import day_of
from pmsapp.services import open_decisions, sheets, stored_cards
from pmsapp.services.apply import Writer, set_presence, write_plan
from pmsapp.services.reading import INCOMPLETE, ScopeRead, ends_the_run
from pmsapp.services.run_context import RunContext
from pmsapp.services.scope_plan import KEPT_MISSING, ScopePlan, plan_scope

GONE_REASON = "no longer in the practice software"
HELD_REASON = "many disappeared at once; held until somebody looks"


@dataclass(slots=True)
class PendingLeavings:
    """What one scope left to be looked up; `index` is its place among the run's results."""

    scope_id: int
    plan: ScopePlan
    index: int
    fates: dict[int, Fate] = field(default_factory=dict)
    found: list[UnifiedAppointment] = field(default_factory=list)
    error: PMSError | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    card: StoredKey
    fate: Fate
    pairs: list[UnifiedAppointment]
    error: PMSError | None = None


def look_up(
    adapter: Adapter, context: RunContext, pending: PendingLeavings, still_missing: list[StoredKey]
) -> None:
    """Network only: ask for each vanished card by id, a few at a time, and note what became of it."""
    wanted = to_look_up(still_missing, pending.plan.on_sheet)
    workers = max(1, adapter.info.default_concurrency)
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="look-up") as pool:
        asked = [pool.submit(copy_context().run, _ask, adapter, context, pending, card) for card in wanted]
        for answer in (future.result() for future in asked):
            pending.fates[answer.card.id] = answer.fate
            pending.found.extend(answer.pairs)
            pending.error = pending.error or answer.error


def _ask(adapter: Adapter, context: RunContext, pending: PendingLeavings, card: StoredKey) -> _Answer:
    if ends_the_run(pending.error):
        return _Answer(card, Fate.UNKNOWN, [], pending.error)
    try:
        pairs = adapter.get_appointment(card.appointment_id)
    except NotFoundError:
        return _Answer(card, Fate.GONE, [])
    except PMSError as error:
        return _Answer(card, Fate.UNKNOWN, [], error)
    mine = [pair for pair in pairs if pair.patient and pair.patient.external_id == card.patient_id]
    if not mine:
        return _Answer(card, Fate.OTHER_PATIENT, [pair for pair in pairs if pair.patient])
    here = any(_still_here(pair, context, pending) for pair in mine)
    return _Answer(card, Fate.STILL_HERE if here else Fate.ELSEWHERE, pairs)


def _still_here(pair: UnifiedAppointment, context: RunContext, pending: PendingLeavings) -> bool:
    """The vendor holds it in this very scope, not cancelled, although its list did not show it."""
    read = pending.plan.read
    return (
        pair.status is not AppointmentStatus.CANCELLED
        and pair.practitioner_external_id == read.target.id
        and day_of(pair.start_at, context.rules.zone) == read.day
    )


def still_missing(session: Session, pending: PendingLeavings) -> list[StoredKey]:
    """The vanished cards that no other scope of this run has claimed meanwhile."""
    read = pending.plan.read
    now = {
        card.id: card
        for card in stored_cards.keys_by_id(session, [card.id for card in pending.plan.vanished])
    }
    return [
        now[card.id]
        for card in pending.plan.vanished
        if card.id in now
        and now[card.id].presence == Presence.ON_SHEET
        and now[card.id].pms_date == read.day
        and now[card.id].practitioner_id == read.target.id
    ]


@dataclass(slots=True)
class LeavingResult:
    """What the look-ups came to: the decisions, the plan of those found elsewhere, and the numbers."""

    decisions: LeavingPlan
    found_plan: ScopePlan | None
    counts: Counter[str]


def settle(session: Session, ring: KeyRing, context: RunContext, pending: PendingLeavings) -> LeavingResult:
    """Decide, against the database as it is now. Reads only."""
    read = pending.plan.read
    missing = still_missing(session, pending)
    decisions = plan_leavings(
        missing, pending.fates, pending.plan.on_sheet, closed_day=read.day in context.closed_days
    )
    found_plan = None
    if pending.found:
        found = ScopeRead(read.target, read.day, INCOMPLETE, read.read_at, pairs=pending.found)
        found_plan = plan_scope(session, ring, context, found)
        swapped = {swap.old.id for swap in found_plan.swaps}
        decisions.delete = [card for card in decisions.delete if card.id not in swapped]
    counts: Counter[str] = Counter()
    gone_elsewhere = sum(1 for card in decisions.found if pending.fates[card.id] is Fate.ELSEWHERE)
    counts["removed"] = len(decisions.delete) + gone_elsewhere
    counts["held"] = len(decisions.hold) + (len(found_plan.swaps) if found_plan else 0)
    return LeavingResult(decisions, found_plan, counts)


def write_leavings(
    writer: Writer, context: RunContext, pending: PendingLeavings, result: LeavingResult
) -> None:
    """Write what `settle` decided, in the caller's write transaction."""
    days = write_plan(writer, result.found_plan) if result.found_plan else set()
    decisions = result.decisions
    days |= set_presence(writer, _ids(decisions.delete), Presence.DELETED, GONE_REASON, Change.DELETED)
    if decisions.hold:
        days |= set_presence(writer, _ids(decisions.hold), Presence.HELD, HELD_REASON, Change.HELD)
        _ask_about_removals(writer, context, pending, decisions.hold)
    sheets.bump(writer.session, days, writer.now)


def removals_subject(connection_id: int, day: str, practitioner_id: str | None) -> str:
    """The subject of held removals of one clinician-day."""
    return f"removals:{connection_id}:{day}:{practitioner_id or ''}"


def _ask_about_removals(
    writer: Writer, context: RunContext, pending: PendingLeavings, held: Sequence[StoredKey]
) -> None:
    read = pending.plan.read
    everyone = _ids(held) + _ids(pending.plan.held_before)
    open_decisions.open_one(
        writer.session,
        kind="removals_held",
        subject=removals_subject(context.connection_id, read.day.isoformat(), read.target.id),
        connection_id=context.connection_id,
        run_id=context.run_id,
        day=read.day,
        clinician_id=read.target.clinician_id,
        appointment_ids=sorted(everyone),
        field="presence",
        ours=pending.plan.on_sheet,
        theirs=pending.plan.on_sheet - len(held),
        marker=KEPT_MISSING,
        now=writer.now,
    )


def _ids(cards: Sequence[StoredKey]) -> list[int]:
    return [card.id for card in cards]
