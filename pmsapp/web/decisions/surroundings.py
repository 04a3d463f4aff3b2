"""What the ids in questions stand for, and the words a question is put in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pmsapp.domain.runsheet import Card
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.web.decisions.contexts import Answer
from pmsapp.web.ui.field_text import in_words

# Headline, facts, answers, and what holds until then.
Words = tuple[str, list[str], tuple[Answer, ...], str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What ids in questions stand for. `zone`: the clinic's; `not_shown`: appointments of today that no sheet shows,
    by the subject of the question about their practitioner."""

    cards: Mapping[int, Card]
    clinicians: Mapping[int, str]
    sources: Mapping[int, str]
    now: datetime
    zone: str
    not_shown: Mapping[str, int] = field(default_factory=dict)

    def source(self, decision: DecisionView) -> str:
        return self.sources.get(decision.connection_id or 0, "the practice software")

    def card_of(self, decision: DecisionView) -> Card | None:
        return next((self.cards[key] for key in decision.appointment_ids if key in self.cards), None)

    def words(self, decision: DecisionView, value: object) -> str:
        card = self.card_of(decision)
        zone = card.time_zone if card else self.zone
        day = card.date if card else None
        return in_words(decision.field or "", value, zone=zone, clinicians=self.clinicians, day=day)
