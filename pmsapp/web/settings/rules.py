"""The rules in sentences: whose word counts on the sheet, when somebody is asked, how long things may take."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from pmsapp.domain.sync.merge import EDITABLE
from pmsapp.domain.sync.vanished import BRAKE_FLOOR, BRAKE_SHARE_PERCENT
from pmsapp.services.sheet import columns
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import RulesPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels, shell

bp = Blueprint("rules", __name__)


@bp.get("/settings/rules")
def index() -> ResponseReturnValue:
    """Everything that follows from a rule and not from a person."""
    now = shell.page_status()
    page = RulesPage(
        settings_nav.nav(),
        (
            ("Whose word counts", field_sentences()),
            ("When cards disappear", _removal_sentences()),
            ("How old data may be", _age_sentences(now)),
            ("How long a patient may wait", _wait_sentences()),
        ),
    )
    return shell.render("settings/rules.html", "settings", now, page=page)


def field_sentences() -> tuple[str, ...]:
    """Whose word counts, field by field."""
    ours = [labels.FIELDS[rule.field].lower() for rule in EDITABLE.values() if rule.staff_shows_in_conflict]
    theirs = [
        labels.FIELDS[rule.field].lower() for rule in EDITABLE.values() if not rule.staff_shows_in_conflict
    ]
    return (
        "What nobody changed here follows the practice software.",
        "What somebody changed here stays, and no update overwrites it.",
        f"If both changed, somebody is asked. Until then {fmt.listed(ours)} show what was typed here, and "
        f"{fmt.listed(theirs)} show what the practice software says; the other value stands beside it.",
        "Notes and where reception stands with a patient belong to this sheet alone; no update touches them.",
        "A cancellation in the practice software always counts at once; notes stay readable.",
        "Nothing is ever written into the practice software.",
    )


def _removal_sentences() -> tuple[str, ...]:
    return (
        "Nobody is removed because of a list that was not read to its end.",
        f"When more than {BRAKE_FLOOR} cards of a clinician's day would go, and more than {BRAKE_SHARE_PERCENT} % of "
        "them, they are held until somebody decides.",
        "What staff removed stays away, unless its time changes in the practice software.",
    )


def _age_sentences(now: shell.PageStatus) -> tuple[str, ...]:
    periods = [
        f"{connection.display_name} is read every {connection.sync_frequency_minutes} minutes in clinic hours."
        for connection in shell.live(now.connections)
    ]
    return (
        *periods,
        "Data older than one period are late; older than two they are out of date, and every open sheet says so.",
    )


def _wait_sentences() -> tuple[str, ...]:
    return tuple(
        f"{column.name}: worth a look after {column.thresholds.notice_min}, a warning after "
        f"{column.thresholds.warn_min}, urgent after {column.thresholds.urgent_min} minutes."
        for column in columns.list_clinicians()
        if column.active
    ) or ("No column is there yet.",)
