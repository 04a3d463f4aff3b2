"""Visits with several practitioners, where lists are read practitioner by practitioner: each counts in one list.

A joint consultation stands in the list of everybody it names. It counts in its owner's (`rules.with_owner`), whoever
was asked first; in another's only where the owner's list was read and did not hold it, so that nobody is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pmsapp.domain.appointment import UnifiedAppointment
from pmsapp.domain.sync.rules import Rules, with_owner


@dataclass(slots=True)
class JointVisits:
    """One day's lists as they come. `targets`: whose lists this run reads; `rules`: the clinic's decisions."""

    targets: frozenset[str | None]
    rules: Rules
    _waiting: dict[str | None, list[UnifiedAppointment]] = field(default_factory=dict)
    _listed: dict[str | None, frozenset[str] | None] = field(default_factory=dict)

    def sort(
        self, target_id: str | None, pairs: Iterable[UnifiedAppointment], *, unchanged: bool
    ) -> tuple[list[UnifiedAppointment], bool]:
        """What counts in this list: its own visits, and those of an owner who does not have them (then True).

        `unchanged`: the list was not looked into, so it holds what it held.
        """
        owned = [with_owner(pair, self.rules) for pair in pairs]
        own = [pair for pair in owned if self._counts_here(target_id, pair)]
        has_guests = any(self._belongs_elsewhere(target_id, pair) for pair in own)
        listed = frozenset(pair.external_id for pair in own)
        self._listed[target_id] = None if unchanged else listed
        if unchanged:
            return own, has_guests
        left_over = [pair for pair in self._waiting.get(target_id, ()) if pair.external_id not in listed]
        return own + left_over, has_guests or bool(left_over)

    def _counts_here(self, target_id: str | None, pair: UnifiedAppointment) -> bool:
        if not self._belongs_elsewhere(target_id, pair):
            return True
        owner = pair.practitioner_external_id
        if owner not in self._listed:
            self._waiting.setdefault(owner, []).append(pair)
            return False
        listed = self._listed[owner]
        return listed is not None and pair.external_id not in listed

    def _belongs_elsewhere(self, target_id: str | None, pair: UnifiedAppointment) -> bool:
        owner = pair.practitioner_external_id
        return len(pair.practitioner_ids) > 1 and owner != target_id and owner in self.targets
