"""What each person has looked at, so that the sheet can say what has changed since; and how they like to see it."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.models import CardLook, RunSheet, SheetLook, User
from pmsapp.models.upsert import upsert
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import best_effort_write, writing

VIEWS = ("list", "columns")


def begin_day(day: date, actor: Actor) -> None:
    """Note a person's first look at a day: what changes from now on is news to them.

    A busy database costs this note, not the page.
    """
    if not _has_looks(actor):
        return
    now = clock.now()
    with suppress(OperationalError), best_effort_write() as session:
        sheet_id = session.scalar(select(RunSheet.id).where(RunSheet.date == day))
        if sheet_id is not None:
            row = {"user_id": actor.id, "run_sheet_id": sheet_id, "looked_at": now}
            upsert(session, SheetLook, [row], keys=["user_id", "run_sheet_id"], update=[])


def see_card(card_id: int, actor: Actor) -> None:
    """Note that a person looked at one card. A busy database costs this note, not the panel."""
    if not _has_looks(actor):
        return
    now = clock.now()
    with suppress(OperationalError), best_effort_write() as session:
        write_card_look(session, card_id, actor, now)


def see_day(day: date, actor: Actor) -> None:
    """A person has seen everything of a day: no mark of a change is left for them."""
    if not _has_looks(actor):
        return
    now = clock.now()
    with writing() as session:
        sheet_id = session.scalar(select(RunSheet.id).where(RunSheet.date == day))
        if sheet_id is not None:
            row = {"user_id": actor.id, "run_sheet_id": sheet_id, "looked_at": now}
            upsert(session, SheetLook, [row], keys=["user_id", "run_sheet_id"], update=["looked_at"])


def write_card_look(session: Session, card_id: int, actor: Actor, now: datetime) -> None:
    """The same for one card, inside the caller's write transaction."""
    if _has_looks(actor) and session.get(User, actor.id) is not None:
        row = {"user_id": actor.id, "appointment_id": card_id, "looked_at": now}
        upsert(session, CardLook, [row], keys=["user_id", "appointment_id"], update=["looked_at"])


def choose_view(view: str, actor: Actor) -> None:
    """Keep how a person likes to see a day. Raises Invalid."""
    if view not in VIEWS:
        raise Invalid({"view": f"Choose one of: {', '.join(VIEWS)}."})
    if _has_looks(actor):
        with writing() as session:
            session.execute(update(User).where(User.id == actor.id).values(sheet_view=view))


def set_shortcuts(on: bool, actor: Actor) -> None:
    """Keep whether the keys of the run sheet work wherever on it this person is, or in its list alone."""
    if _has_looks(actor):
        with writing() as session:
            session.execute(update(User).where(User.id == actor.id).values(shortcuts=on))


def _has_looks(actor: Actor) -> bool:
    """People look; programs and the system do not."""
    return actor.kind == "user" and actor.id is not None
