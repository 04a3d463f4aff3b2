"""Undoing an update in words, and letting updates rest after it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.window import day_of, local_to_utc
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView, Pause
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet.timeline import RunChange
from pmsapp.services.sync.undo_run import Obstacle, UndoLine
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import UndoRow
from pmsapp.web.ui import formatting as fmt

PAUSES = {
    "": "Go on updating",
    "30min": "Pause updates for 30 minutes",
    "2h": "Pause updates for 2 hours",
    "day": "Pause updates until the end of the day",
}
_LASTS = {"30min": timedelta(minutes=30), "2h": timedelta(hours=2)}
_END_OF_DAY = time(23, 59)
_WHY = {
    "later_update": "a later update changed it again",
    "together": "it belongs with another card that stays",
    "changed": "it was changed since",
}


def rest(connection_id: int, pause: str, actor: Actor) -> None:
    """Pause the connection's updates for one of `PAUSES`."""
    view, now = connections.get_connection(connection_id), clock.now()
    end = datetime.combine(day_of(now, view.time_zone), _END_OF_DAY)
    until = now + _LASTS[pause] if pause in _LASTS else local_to_utc(end, view.time_zone)[0]
    connections.update_connection(connection_id, actor, paused=Pause(until, "An update was undone"))


def undo_row(line: UndoLine, now: datetime, today: date) -> UndoRow:
    """One card of the preview."""
    kind = line.kinds[-1] if line.kinds else "changed"
    change = RunChange(line.card_id, line.start_at, line.time_zone, line.clinician, kind, line.fields)
    row = run_view.change_row(change, today)
    effect = "goes: the update made it" if line.goes else "is put back as it was"
    if line.obstacle is not None:
        effect = f"stays: {_obstacle(line.obstacle, now, line.time_zone)}"
    return UndoRow(row.href, row.which, row.how, effect)


def _obstacle(obstacle: Obstacle, now: datetime, zone: str) -> str:
    if obstacle.kind == "edited" and obstacle.by and obstacle.at:
        return f"{obstacle.by} worked on it at {fmt.moment(obstacle.at, now, zone)}"
    return _WHY.get(obstacle.kind, _WHY["changed"])


def undone_words(run: RunView, now: datetime, zone: str) -> str | None:
    """ "Undone by Mel 09:20: 3 cards put back, 1 taken off, 2 left as they were." """
    undone = run.undone
    if not undone:
        return None
    at = fmt.moment(datetime.fromisoformat(undone["at"]), now, zone)
    parts = [f"{fmt.plural(undone['put_back'], 'card')} put back", f"{undone['taken_off']} taken off"]
    if undone["left"]:
        parts.append(f"{undone['left']} left as they were")
    return f"Undone by {undone['by']} {at}: {', '.join(parts)}."


def next_read_words(view: ConnectionView, now: datetime) -> str:
    """When the practice software is read again, and what that means for what is put back."""
    at = fmt.moment(view.next_sync_at, now, view.time_zone) if view.next_sync_at else None
    when = f"The next update, {at}," if at else "The next update"
    return (
        f"{when} reads {view.pms_label} again. What {view.pms_label} says then comes back to the sheet: put it right "
        f"there first, or pause updates."
    )
