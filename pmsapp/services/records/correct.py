"""Putting right what the cards say about one patient: the same edit on every card of theirs that can still be edited."""

from __future__ import annotations

from collections.abc import Mapping

from pmsapp.domain.actor import Actor
from pmsapp.services.base.errors import Conflict
from pmsapp.services.editing import overrides
from pmsapp.services.records import patients

FIELDS = ("patient_name", "patient_phone", "patient_email")


def correct(reference: str, changes: Mapping[str, str | None], actor: Actor) -> int:
    """Type `changes` over on every card of the patient, as an edit of each. Returns on how many; a card that staff
    removed stays as it is. Raises NotFound, Invalid."""
    wanted = {field: value for field, value in changes.items() if field in FIELDS}
    done = 0
    for card_id in patients.get(reference).cards:
        try:
            overrides.edit_card(card_id, wanted, actor)
        except Conflict as error:
            if error.code != "CARD-REMOVED":
                raise
        else:
            done += 1
    return done
