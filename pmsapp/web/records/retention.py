"""How long data stay, what goes next, and the receipts of what went."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue

from pmsapp.extensions import current_settings
from pmsapp.services.base import audit
from pmsapp.services.base.audit import AuditEntry, Wanted
from pmsapp.services.clinic import clinic
from pmsapp.services.maintenance import periods, purge, retention
from pmsapp.services.monitoring import task_table
from pmsapp.web.records.contexts import PeriodLine, ReceiptLine, RetentionPage
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell

bp = Blueprint("retention", __name__)
_RECEIPTS = 20
_WHAT = {
    "cards": "Cards on which staff wrote nothing",
    "notes": "Cards with notes, calls or an identity check",
    "overrides": "Cards on which staff changed something",
    "timelines": "Timelines of cards",
    "runs": "Updates, incidents, messages",
    "audit": "The log of who did what and who looked",
    "backups": "Copies of the database, but for the newest",
}


@bp.get("/settings/retention")
def index() -> ResponseReturnValue:
    """The periods, the next purge, the receipts."""
    now, kept = shell.page_status(), periods.of(current_settings())
    receipts = audit.list_events(limit=_RECEIPTS, wanted=Wanted(actions=(purge.PURGED, "person.erased")))
    page = RetentionPage(
        nav=settings_nav.nav(),
        next_purge=_next_purge(now),
        periods=tuple(
            PeriodLine(word, _span(getattr(kept, name)), f"PMSAPP_RETENTION_{name.upper()}_DAYS")
            for name, word in _WHAT.items()
        ),
        receipts=tuple(
            ReceiptLine(fmt.moment(receipt.at, now.now, now.zone), _words(receipt)) for receipt in receipts
        ),
    )
    return shell.render("records/retention.html", "settings", now, page=page)


def _next_purge(now: shell.PageStatus) -> str:
    """ "Next purge tomorrow 01:50, 41 cards from 22 Oct to 3 Nov." """
    task = next((task for task in task_table.list_tasks() if task.name == retention.PURGE), None)
    when = fmt.moment(task.due_at, now.now, now.zone) if task else "tonight"
    # The purge counts by the day on which it runs.
    found = purge.due(clinic.today() + timedelta(days=1))
    if not found.cards or found.first_on is None or found.last_on is None:
        return f"Next purge {when}; no card is due."
    days = f"from {fmt.short_day(found.first_on)}"
    if found.last_on != found.first_on:
        days += f" to {fmt.short_day(found.last_on)}"
    return f"Next purge {when}, {fmt.plural(found.cards, 'card')} {days}."


def _span(period: timedelta) -> str:
    years, rest = divmod(period.days, 365)
    if years and rest <= years // 4 + 1:
        return fmt.plural(years, "year")
    return fmt.plural(period.days, "day")


def _words(entry: AuditEntry) -> str:
    detail = entry.detail if isinstance(entry.detail, dict) else {}
    if entry.action != purge.PURGED:
        return f"A patient's cards were erased ({detail.get('cards', '')})"
    span = f", {detail['from']} to {detail['to']}" if "from" in detail else ""
    return f"{detail.get('count')} {detail.get('what')}{span}"
