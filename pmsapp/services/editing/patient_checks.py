"""Who is calling a patient just now, and that somebody checked who the patient is."""

from __future__ import annotations

from collections.abc import Sequence

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import is_within
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import utc_text
from pmsapp.domain.worklist.steps import IDENTIFIERS, NEEDED
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing.card_rows import card_for_update, show_change, trace
from pmsapp.services.sheet.cards import CLAIM_LASTS


def claim(card_id: int, actor: Actor) -> Card:
    """Say that one is calling this patient, for two minutes; once more begins them anew.

    Raises NotFound, and Conflict CLAIMED, with the card, while somebody else is calling.
    """
    now = clock.now()
    with writing() as session:
        card, before = card_for_update(session, card_id, actor)
        if is_within(card.claimed_at, now, CLAIM_LASTS) and card.claimed_key != actor.key:
            raise Conflict("CLAIMED", f"{card.claimed_by} is calling this patient.", before)
        card.claimed_key, card.claimed_by, card.claimed_at = actor.key, actor.name, now
        audit.record(session, actor, "card.claim", f"card:{card_id}")
        return show_change(session, card, None, actor, now).card


def release(card_id: int, actor: Actor) -> Card:
    """Say that one is no longer calling this patient. Somebody else's claim stays. Raises NotFound."""
    now = clock.now()
    with writing() as session:
        card, before = card_for_update(session, card_id, actor)
        if card.claimed_key == actor.key:
            card.claimed_key = card.claimed_by = card.claimed_at = None
            audit.record(session, actor, "card.release", f"card:{card_id}")
            return show_change(session, card, None, actor, now).card
        return before


def check_identifiers(identifiers: Sequence[str]) -> list[str]:
    """The identifiers, each once. Raises Invalid when they are not three of those that count.

    A Medicare number identifies nobody: families share one (RACGP standard C6.1).
    """
    given = list(dict.fromkeys(identifiers))
    unknown = [identifier for identifier in given if identifier not in IDENTIFIERS]
    if unknown or len(given) != NEEDED:
        choices = ", ".join(IDENTIFIERS)
        raise Invalid({"identifiers": f"Choose {NEEDED} of: {choices}. A Medicare number does not count."})
    return given


def check_identity(card_id: int, identifiers: Sequence[str], actor: Actor) -> Card:
    """Note that the patient was identified by three of the approved identifiers. Raises NotFound and Invalid."""
    given = check_identifiers(identifiers)
    now = clock.now()
    with writing() as session:
        card, _ = card_for_update(session, card_id, actor)
        card.identity_check = {"identifiers": given, "by": actor.name, "at": utc_text(now)}
        after = show_change(session, card, None, actor, now)
        trace(session, card, actor, "identity_checked", now, {"identifiers": given})
        audit.record(session, actor, "card.identity", f"card:{card_id}", {"identifiers": given})
    return after.card
