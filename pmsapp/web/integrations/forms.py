"""The forms of a connection's own page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from pmsapp.schemas.fields import SOME_TEXT, BlankDay, ConnectionName, Frequency, Zone
from pmsapp.services.connections.input import FREQUENCY_MINUTES, MAX_REASON_CHARS
from pmsapp.web.ui.forms import ChosenId, Form, Ticked

PAUSES = {
    "30min": "30 minutes",
    "2h": "2 hours",
    "day": "Until the end of the day",
    "week": "A week",
    "chosen": "Until the end of a day chosen below",
}
_CLOCK = re.compile("(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class ConnectionForm(Form):
    """Name, zone, rhythm, and what is shown."""

    sentences: ClassVar[Mapping[str, str]] = {
        "sync_frequency_minutes": f"Choose {FREQUENCY_MINUTES[0]} to {FREQUENCY_MINUTES[-1]} minutes.",
        "time_zone": "Choose a time zone.",
    }
    display_name: ConnectionName
    sync_frequency_minutes: Frequency
    sync_telehealth_only: Ticked = False
    time_zone: Annotated[Zone | None, BeforeValidator(lambda text: text or None)] = None


def _pause_end(text: str) -> str:
    if text not in PAUSES and not _CLOCK.fullmatch(text):
        raise ValueError("Choose how long to pause.")
    return text


class PauseForm(Form):
    """Until when to pause, one of `PAUSES` or "HH:MM" of today, and why. `until_day`: the day for "chosen"."""

    sentences: ClassVar[Mapping[str, str]] = {
        "until": "Choose how long to pause.",
        "reason": "Say in a few words why.",
    }
    until: Annotated[str, AfterValidator(_pause_end)]
    until_day: BlankDay = None
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON_CHARS, pattern=SOME_TEXT)]


class DisconnectForm(Form):
    """What becomes of the cards."""

    sentences: ClassVar[Mapping[str, str]] = {"cards": "Choose what becomes of its cards."}
    cards: Literal["keep", "strike", "remove"]


class FollowedForm(Form):
    """In the address of a card's poll: what the page shows, and the run it follows."""

    v: str = ""
    run: ChosenId = None
