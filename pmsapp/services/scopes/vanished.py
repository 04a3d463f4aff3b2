"""Cards a complete scope no longer lists: ask for each by id, then say which of five things became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from pmsapp.adapters.base import Adapter
from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.appointment import Presence, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, NotFoundError, PMSError
from pmsapp.domain.sync.reconcile import CardKey, Change, StoredKey
from pmsapp.domain.sync.rules import with_owner
from pmsapp.domain.sync.vanished import (
    LookupOutcome,
    VanishedPlan,
    brake_holds,
    lookup_outcome,
    plan_vanished,
)
from pmsapp.observability import logs
from pmsapp.services.scopes.context import RunContext
from pmsapp.services.scopes.plan import KEPT_MISSING, ScopePlan, plan_pairs
from pmsapp.services.scopes.reading import INCOMPLETE, Reader, ScopeRead
from pmsapp.services.scopes.write import Writer, link_rebooked, take_off, write_plan
from pmsapp.services.sheet import questions, stored_cards, versions

GONE_REASON = "no longer in the practice software"
LEFT_REASON = "no longer in this appointment"
HELD_REASON = "many disappeared at once; held until somebody looks"


@dataclass(slots=True)
class PendingVanished:
    """What one scope left to be looked up; `index` is its place among the run's results."""

    scope_id: int
    plan: ScopePlan
    index: int
    fates: dict[int, LookupOutcome] = field(default_factory=dict)
    found: list[UnifiedAppointment] = field(default_factory=list)
    error: PMSError | None = None


def look_up(reader: Reader, pending: PendingVanished, missing: Sequence[StoredKey]) -> None:
    """Network only: ask for the vanished cards by id and note what became of each.

    Stops as soon as enough is known: when the brake holds, or when the run may not ask any more.
    """
    by_appointment: dict[str, list[StoredKey]] = {}
    for card in missing:
        by_appointment.setdefault(card.appointment_id, []).append(card)
    at_once = reader.adapter.concurrency
    closed = pending.plan.read.day in reader.context.closed_days
    listed = pending.plan.sorted.appointments
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="look-up") as pool:
        for part in stored_cards.chunks(by_appointment, at_once):
            if reader.stopped_by is not None:
                pending.error = pending.error or reader.stopped_by
                return
            asked = [
                pool.submit(copy_context().run, _ask, reader.adapter, appointment_id)
                for appointment_id in part
            ]
            for appointment_id, answer in zip(part, asked, strict=True):
                found = answer.result()
                reader.note(found if isinstance(found, PMSError) else None)
                if isinstance(found, PMSError):
                    pending.error = pending.error or found
                    fates = [LookupOutcome.UNKNOWN for _ in by_appointment[appointment_id]]
                else:
                    fates = [
                        _lookup_outcome(card, found, reader.context)
                        for card in by_appointment[appointment_id]
                    ]
                    pending.found += [pair for pair in found or () if _is_news(pair, listed)]
                cards = by_appointment[appointment_id]
                pending.fates.update({card.id: fate for card, fate in zip(cards, fates, strict=True)})
            if brake_holds(pending.fates, pending.plan.on_sheet, closed_day=closed):
                return


def _ask(adapter: Adapter, appointment_id: str) -> list[UnifiedAppointment] | PMSError | None:
    """The appointment's pairs, None when the vendor no longer has it, or why it could not be asked."""
    try:
        return adapter.get_appointment(appointment_id)
    except NotFoundError:
        return None
    except PMSError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one record must not sink the run
        logs.record_bug(error, "looking up an appointment", pms=adapter.info.slug)
        return BadVendorDataError("BUG", pms=adapter.info.label)


def _lookup_outcome(
    card: StoredKey, found: Sequence[UnifiedAppointment] | None, context: RunContext
) -> LookupOutcome:
    if found is None:
        return LookupOutcome.GONE
    return lookup_outcome(card, [with_owner(pair, context.rules) for pair in found], context.rules.zone)


def _is_news(pair: UnifiedAppointment, listed: Mapping[str, Mapping[str, object]]) -> bool:
    """A pair the scope's own list did not show; the others have been applied and counted already."""
    return pair.patient is not None and pair.patient.external_id not in listed.get(pair.external_id, {})


def still_missing(
    session: Session, pending: PendingVanished, claimed: AbstractSet[CardKey] = frozenset()
) -> list[StoredKey]:
    """The vanished cards that no other scope of this run has claimed meanwhile."""
    read = pending.plan.read
    now = stored_cards.keys_by_id(session, [card.id for card in pending.plan.vanished])
    return [
        card
        for card in now
        if card.presence == Presence.ON_SHEET
        and card.pms_date == read.day
        and card.practitioner_id == read.target.id
        and card.key not in claimed
    ]


@dataclass(slots=True)
class VanishedResult:
    """What the look-ups came to: the decisions, the plan of what was found, and the numbers.

    `left` and `gone` are the cards of `decisions.delete`: the appointment goes on without their patient, or does not.
    """

    decisions: VanishedPlan
    found_plan: ScopePlan | None
    counts: Counter[str]
    left: list[StoredKey]
    gone: list[StoredKey]


def settle(
    session: Session,
    ring: KeyRing,
    context: RunContext,
    pending: PendingVanished,
    claimed: AbstractSet[CardKey] = frozenset(),
) -> VanishedResult:
    """Decide, against the database as it is now. Reads only. `claimed` as in `plan_scope`."""
    read = pending.plan.read
    missing = still_missing(session, pending, claimed)
    found_plan = None
    counts: Counter[str] = Counter()
    if pending.found:
        found = ScopeRead(read.target, read.day, INCOMPLETE, read.read_at, pairs=pending.found)
        found_plan = plan_pairs(session, ring, context, found)
        counts = found_plan.counts()
        swapped = {swap.old.id for swap in found_plan.swaps}
        missing = [card for card in missing if card.id not in swapped]
    decisions = plan_vanished(
        missing, pending.fates, pending.plan.on_sheet, closed_day=read.day in context.closed_days
    )
    counts["removed"] += len(decisions.delete)
    counts["held"] += len(decisions.hold)
    left = [card for card in decisions.delete if pending.fates.get(card.id) is LookupOutcome.OTHER_PATIENT]
    gone = [card for card in decisions.delete if card not in left]
    return VanishedResult(decisions, found_plan, counts, left, gone)


def write_vanished(
    writer: Writer, context: RunContext, pending: PendingVanished, result: VanishedResult
) -> None:
    """Write what `settle` decided, in the caller's write transaction."""
    days = write_plan(writer, result.found_plan) if result.found_plan else set()
    decisions = result.decisions
    days |= take_off(writer, _ids(result.left), Presence.DELETED, LEFT_REASON, Change.LEFT)
    days |= take_off(writer, _ids(result.gone), Presence.DELETED, GONE_REASON, Change.DELETED)
    gone = {(card.patient_id, card.pms_date) for card in decisions.delete}
    days |= link_rebooked(writer, gone)
    if decisions.hold:
        days |= take_off(writer, _ids(decisions.hold), Presence.HELD, HELD_REASON, Change.HELD)
        _ask_about_removals(writer, context, pending, decisions.hold)
    versions.bump(writer.session, days, writer.now)


def removals_subject(connection_id: int, day: str, practitioner_id: str | None) -> str:
    """The subject of held removals of one clinician-day."""
    return f"removals:{connection_id}:{day}:{practitioner_id or ''}"


def _ask_about_removals(
    writer: Writer, context: RunContext, pending: PendingVanished, held: Sequence[StoredKey]
) -> None:
    """One question for the clinician-day; cards an earlier, unanswered one is about stay in it."""
    read = pending.plan.read
    subject = removals_subject(context.connection_id, read.day.isoformat(), read.target.id)
    earlier = questions.cards_of(writer.session, subject)
    questions.open_question(
        writer.session,
        kind="removals_held",
        subject=subject,
        connection_id=context.connection_id,
        run_id=context.run_id,
        day=read.day,
        clinician_id=read.target.clinician_id,
        appointment_ids=sorted({*_ids(held), *earlier}),
        field="presence",
        ours=pending.plan.on_sheet + len(earlier),
        theirs=pending.plan.on_sheet - len(held),
        marker=KEPT_MISSING,
        now=writer.now,
    )


def _ids(cards: Sequence[StoredKey]) -> list[int]:
    return [card.id for card in cards]
