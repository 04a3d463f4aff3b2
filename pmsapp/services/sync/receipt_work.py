"""Making one receipt: the day read fresh, and laid beside the cards. Nothing of what is read is stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.sync.receipt import Compared, Shown, compare
from pmsapp.domain.sync.reconcile import CardKey, Incoming, incoming_of
from pmsapp.domain.sync.rules import with_owner
from pmsapp.extensions import key_ring
from pmsapp.models import SyncRun
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections.rows import get_row
from pmsapp.services.scopes.context import RunContext, load_people
from pmsapp.services.scopes.reading import COMPLETE, Reader, ScopeRead
from pmsapp.services.sheet import stored_cards
from pmsapp.services.sheet.placement import load_rules
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors.erased_patients import is_erased_at

READ_WITHIN_S = 120.0


def read_and_compare(connection_id: int, day: date) -> tuple[Compared, list[ScopeRead]] | None:
    """The comparison and what it rests on; None when an update is under way or came in between.

    Raises what adapters raise.
    """
    with reading() as session:
        last_run = _last_run(session, connection_id)
        if _is_busy(session, connection_id):
            return None
    reads = _read(connection_id, day)
    if reads is None:
        return None
    with reading() as session:
        compared = _compare(session, connection_id, day, reads)
        if _last_run(session, connection_id) != last_run or _is_busy(session, connection_id):
            return None
    return compared, reads


def _last_run(session: Session, connection_id: int) -> int | None:
    return session.scalar(
        select(func.max(SyncRun.id)).where(
            SyncRun.pms_connection_id == connection_id, SyncRun.dry_run.is_(False)
        )
    )


def _is_busy(session: Session, connection_id: int) -> bool:
    """An update comes first."""
    found = session.scalar(
        select(SyncRun.id)
        .where(SyncRun.pms_connection_id == connection_id, SyncRun.status.in_(("queued", "running")))
        .limit(1)
    )
    return found is not None


def _read(connection_id: int, day: date) -> list[ScopeRead] | None:
    """Every list of the day, fresh; None when an update began meanwhile. Raises what adapters raise."""
    deadline = Deadline(READ_WITHIN_S)
    adapter = vendor_adapters.adapter_for(connection_id, deadline=deadline)
    with closing(adapter.client):
        context = _context(connection_id, day)
        adapter.needs_patient = context.needs_patient
        reads: list[ScopeRead] = []
        for read in Reader(adapter, context).read_day(day):
            reads.append(read)
            with reading() as session:
                if _is_busy(session, connection_id):
                    deadline.cancel()
                    return None
        return reads


def _context(connection_id: int, day: date) -> RunContext:
    with reading() as session:
        connection = get_row(session, connection_id)
        reads_each = get_info(connection.pms_type).capabilities.reads_per_practitioner
        targets, names = load_people(session, connection_id, skip_gone=reads_each)
        return RunContext(
            run_id=0,
            connection_id=connection_id,
            pms_type=connection.pms_type,
            rules=load_rules(session, connection_id),
            targets=targets,
            names=names,
            days=(day,),
            carded=frozenset(stored_cards.keys_of_days(session, connection_id, [day])),
        )


def _compare(session: Session, connection_id: int, day: date, reads: Sequence[ScopeRead]) -> Compared:
    rules = replace(load_rules(session, connection_id), is_erased=is_erased_at(session, connection_id))
    incoming: dict[CardKey, Incoming] = {}
    for read in reads:
        for listed in read.pairs:
            if listed.patient is not None:
                pair = with_owner(listed, rules)
                incoming[pair.external_id, listed.patient.external_id] = incoming_of(pair, rules)
    return compare(
        incoming,
        _shown(session, connection_id, day, incoming),
        rules,
        whole={read.target.id for read in reads if read.outcome == COMPLETE},
        unreadable={record for read in reads for record in read.unreadable},
    )


def _shown(session: Session, connection_id: int, day: date, incoming: dict[CardKey, Incoming]) -> list[Shown]:
    """The cards of the day, and those of its visits that stand on another one."""
    ids = session.scalars(
        select(CARDS.c.id).where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_date == day,
            CARDS.c.pms_appointment_id.is_not(None),
        )
    ).all()
    keys = {card.id: card for card in stored_cards.keys_by_id(session, ids)}
    elsewhere = {key[0] for key in incoming} - {card.appointment_id for card in keys.values()}
    for card in stored_cards.keys_of_appointments(session, connection_id, sorted(elsewhere)):
        keys.setdefault(card.id, card)
    whole = stored_cards.whole_cards(session, key_ring(), list(keys))
    return [
        Shown(keys[card_id].key, card, keys[card_id].kept_digest is not None)
        for card_id, card in whole.items()
    ]
