"""Whether the sheet holds what the practice software says of a day: card by card, value by value. Pure.

Compared is what the practice software said, as stored, with what it says now. What staff typed, removed or kept is no
difference; it is counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.reconcile import CardKey, Incoming, StoredCard, keep_patient
from pmsapp.domain.sync.rules import MappingDecision, Rules
from pmsapp.domain.sync.values import changed_fields

_MADE_BY_RULES = (Presence.FILTERED, Presence.UNMAPPED)


class Kind(StrEnum):
    """How the sheet differs: a card is missing, one too many, says something else, or stands elsewhere."""

    MISSING = "missing"
    EXTRA = "extra"
    VALUES = "values"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Difference:
    """One card that is not as the practice software says. `card_id` None: there is no card. `fields`: which differ."""

    kind: Kind
    key: CardKey
    start_at: datetime
    practitioner_id: str | None
    clinician_id: int | None
    card_id: int | None = None
    fields: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Difference({self.kind}, {self.card_id})"


@dataclass(slots=True)
class Compared:
    """How many cards the day should have, how many are exactly so, where others differ, and what staff did."""

    expected: int = 0
    matched: int = 0
    differences: list[Difference] = field(default_factory=list)
    apart: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Shown:
    """A stored card of the day, with the answer that keeps it although it is not listed."""

    key: CardKey
    card: StoredCard
    is_kept: bool


def compare(
    incoming: Mapping[CardKey, Incoming],
    stored: Iterable[Shown],
    rules: Rules,
    *,
    whole: Collection[str | None],
    unreadable: Collection[str] = (),
) -> Compared:
    """Compare a day. `whole`: the practitioners whose lists were read to their end; `unreadable`: ids of records that
    were listed and not understood."""
    out = Compared()
    cards = {shown.key: shown for shown in stored}
    for key, pair in incoming.items():
        if not rules.is_erased(key[1]):
            _listed(out, key, pair, cards.get(key))
    for key, shown in cards.items():
        if key not in incoming:
            _unlisted(out, shown, rules, whole, unreadable)
    out.differences.sort(key=lambda found: (found.start_at, found.practitioner_id or "", found.key))
    return out


def _listed(out: Compared, key: CardKey, pair: Incoming, shown: Shown | None) -> None:
    should = pair.verdict.presence
    if shown is None:
        if should is Presence.ON_SHEET:
            out.expected += 1
            out.differences.append(_difference(Kind.MISSING, key, pair))
        return
    card = shown.card
    if card.presence in (Presence.REMOVED_BY_STAFF, Presence.HELD):
        out.apart[card.presence.value] += 1
        return
    if should in _MADE_BY_RULES:
        if card.presence is Presence.ON_SHEET:
            out.differences.append(_difference(Kind.EXTRA, key, pair, card.id))
        return
    out.expected += 1
    out.apart["edited"] += bool(card.overrides)
    fields = changed_fields(card.values, keep_patient(card.values, pair).values)
    if card.presence is not should:
        out.differences.append(_difference(Kind.PLACE, key, pair, card.id))
    elif fields:
        out.differences.append(_difference(Kind.VALUES, key, pair, card.id, fields))
    else:
        out.matched += 1


def _unlisted(
    out: Compared,
    shown: Shown,
    rules: Rules,
    whole: Collection[str | None],
    unreadable: Collection[str],
) -> None:
    """A card of the day that no list names."""
    card = shown.card
    if card.presence is Presence.HELD:
        out.apart["held"] += 1
    if card.presence is not Presence.ON_SHEET:
        return
    owner = card.values.pms_practitioner_id
    if shown.is_kept:
        out.apart["kept_by_staff"] += 1
    elif shown.key[0] in unreadable:
        out.apart["not_understood"] += 1
    elif owner not in whole and rules.decision_on(owner) is MappingDecision.MAPPED:
        out.apart["not_read"] += 1
    else:
        values = card.values
        out.differences.append(
            Difference(Kind.EXTRA, shown.key, values.start_at, owner, values.clinician_id, card.id)
        )


def _difference(
    kind: Kind, key: CardKey, pair: Incoming, card_id: int | None = None, fields: tuple[str, ...] = ()
) -> Difference:
    values = pair.values
    return Difference(
        kind, key, values.start_at, values.pms_practitioner_id, values.clinician_id, card_id, fields
    )
