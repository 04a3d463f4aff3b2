"""What a help page is made of. The words of a code itself stand in `domain.codes`; here stands the rest.

A screen's own words stand in square brackets, "[Sync now]": pages set them bold, and a test finds each on a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pmsapp.domain.roles import ADMIN, CLINICIAN, RECEPTION, VIEWER
from pmsapp.web.ui.page_contexts import Badge


class Doer(StrEnum):
    """Who has to do something, in the words the page says it with."""

    NOBODY = "Nobody: it passes by itself"
    DESK = "Reception, or an administrator"
    ADMIN = "An administrator of pmsapp"
    OPERATOR = "The person who runs the server"
    PRACTICE = "The practice owner, in the practice software"
    VENDOR = "The support of the practice software"


class Sheet(StrEnum):
    """What a situation means for the run sheet."""

    EMPTY = "empty"
    OLD = "old"
    PART = "part"
    HELD = "held"
    MARKED = "marked"
    RIGHT = "right"


# What each role keeps in mind until it is over.
MEANWHILE: dict[Sheet, dict[str, str]] = {
    Sheet.EMPTY: {
        ADMIN: "Nothing of this connection is on the sheet until it is done.",
        RECEPTION: "The sheet does not show these patients. Work from the practice software's own book.",
        CLINICIAN: "Your column may be empty although you have bookings. Look into the practice software.",
        VIEWER: "An empty sheet does not mean an empty day.",
    },
    Sheet.OLD: {
        ADMIN: "The sheet stays readable; its age stands in the sidebar under [Data as of].",
        RECEPTION: "Cards stay as they were last read. Before a call, look up the time in the practice software.",
        CLINICIAN: "Your column stays as it was last read. Ask reception before you rely on a time.",
        VIEWER: "What you see is as old as the sidebar says under [Data as of].",
    },
    Sheet.PART: {
        ADMIN: "The columns that were read are right; the others say their own age.",
        RECEPTION: "Columns without an age beside their name are right. For the others, look into the practice software.",
        CLINICIAN: "If an age stands beside your name on the sheet, ask reception before you rely on a time.",
        VIEWER: "Columns that were not read say their own age.",
    },
    Sheet.HELD: {
        ADMIN: "Nobody's card has gone. What waits is marked [Held] on the sheet.",
        RECEPTION: "Call nobody whose card is marked [Held] before you looked into the practice software.",
        CLINICIAN: "A card of yours marked [Held] may not be booked any more. Ask reception.",
        VIEWER: "Cards marked [Held] may not be booked any more.",
    },
    Sheet.MARKED: {
        ADMIN: "Everything else on the sheet is right.",
        RECEPTION: "Everything else on the sheet is right. Check only what is named here.",
        CLINICIAN: "Your other cards are right.",
        VIEWER: "Everything else on the sheet is right.",
    },
    Sheet.RIGHT: {
        ADMIN: "The sheet is right.",
        RECEPTION: "The sheet is right; go on as usual.",
        CLINICIAN: "Your column is right; go on as usual.",
        VIEWER: "The sheet is right.",
    },
}


@dataclass(frozen=True, slots=True)
class CodeHelp:
    """What lies behind one code. Sentences; no patient, no vendor body.

    `steps` are for the `doer`; `{step}` is the code's own button. `minutes`: how long they take, 0 where nobody does
    anything. `menu`: topics of a vendor's `menu_paths`, of which the first it has is shown. `words`: what people may
    look for besides.
    """

    code: str
    cause: str
    effect: str
    by_itself: str
    sheet: Sheet
    doer: Doer = Doer.NOBODY
    steps: tuple[str, ...] = ()
    minutes: int = 0
    menu: tuple[str, ...] = ()
    words: str = ""


class Group(StrEnum):
    """Where a badge is seen."""

    PMS = "What the practice software says of an appointment"
    CARD = "What became of a card"
    DESK = "Where reception stands with a patient"
    MARK = "Marks on a card"
    UPDATES = "How fresh the data are"
    RUN = "How an update went"
    SETUP = "In the set-up"
    SETTINGS = "In the settings"


@dataclass(frozen=True, slots=True)
class BadgeHelp:
    """What one badge says: why it is there, what it does to the sheet, what happens by itself, what to do.

    Its word is the screen's, with "…" where something changing stands. `title` names it where no word is fixed.
    """

    group: Group
    badge: Badge
    cause: str
    effect: str
    by_itself: str = "Nothing; it follows what is true."
    do: str = "Nothing."
    title: str = ""
    codes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the page and its address are called."""
        return self.title or self.badge.word


@dataclass(frozen=True, slots=True)
class GuideStep:
    """A part of a guide: what it is about, and what one does, sentence by sentence. `picture`: a file in static/help."""

    heading: str
    lines: tuple[str, ...]
    picture: str = ""
    picture_says: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """One page for one role. `role`: whose screens it names."""

    slug: str
    title: str
    lead: str
    role: str
    steps: tuple[GuideStep, ...]
