"""The settings pages there are, and which of them the one asking may open."""

from __future__ import annotations

from pmsapp.access import guard
from pmsapp.web.ui.page_contexts import NavItem

_PAGES = (
    (
        "clinic",
        "Clinic",
        "today",
        "settings.clinic_page",
        "Name, time zone, opening hours, days it is closed.",
    ),
    ("clinicians", "Columns", "list", "settings.columns", "The columns of the run sheet and their order."),
    (
        "rules",
        "Rules",
        "decide",
        "rules.index",
        "Whose word counts, when somebody is asked, how old data may be.",
    ),
    ("people", "People", "person", "people.index", "Who may sign in, and as what."),
    (
        "tokens",
        "API tokens",
        "key",
        "tokens.index",
        "Keys for programs that read or write the run sheet.",
    ),
    ("alerts", "Alerts", "bell", "alerts.index", "What is wrong now, whom it is told to, what was sent."),
    (
        "downtime",
        "Downtime copy",
        "print",
        "downtime.index",
        "Today and tomorrow in an encrypted file, for when this server is away.",
    ),
    ("log", "Log", "history", "log.index", "Who did what, and who looked at which cards."),
    ("retention", "Retention", "bin", "retention.index", "How long data stay, and what goes next."),
    (
        "patients",
        "Records",
        "find",
        "patients.index",
        "Everything kept on one patient: show, correct, erase.",
    ),
    ("health", "Health", "done", "settings.health", "This installation: database, clock, backups, programs."),
    (
        "diagnostics",
        "Diagnostics",
        "find",
        "diagnostics.index",
        "The hosts this server may talk to, and the file for support.",
    ),
    ("account", "Your account", "settings", "auth.account", "Your password and where you are signed in."),
)


def lines() -> tuple[tuple[NavItem, str], ...]:
    """Every page the one asking may open, with what is there."""
    return tuple(
        (NavItem(key, word, f"/settings/{key}", icon), about)
        for key, word, icon, endpoint, about in _PAGES
        if guard.may(endpoint)
    )


def nav() -> tuple[NavItem, ...]:
    """The same as tabs."""
    return tuple(item for item, _ in lines())
