"""Every page of the product with an address of its own, as somebody opens it in the prepared clinic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One address. `role` is who opens it; "" is somebody who is not signed in."""

    endpoint: str
    path: str
    role: str = "admin"


# `{card}` and the like are filled in by the test that prepared the clinic.
PLACES = (
    Place("runsheet.today", "/", "reception"),
    Place("runsheet.today", "/", "clinician"),
    Place("runsheet.today", "/", "viewer"),
    Place("runsheet.day", "/sheet/2026-11-23?view=columns", "reception"),
    Place("runsheet.day", "/sheet/2026-11-23?view=list&filter=needs-you", "reception"),
    Place("runsheet.day", "/sheet/2026-11-23?view=list&filter=to-call", "reception"),
    Place("runsheet.day", "/sheet/2026-11-23?view=list&filter=waiting", "reception"),
    Place("runsheet.day", "/sheet/2026-11-23?view=list&filter=late", "reception"),
    Place("runsheet.day", "/sheet/2026-11-23?view=list&filter=done", "reception"),
    Place("runsheet.day", "/sheet/2026-11-23?view=list&filter=not-shown", "reception"),
    Place("runsheet.day", "/sheet/2026-11-24", "reception"),  # not read yet
    Place("runsheet.day", "/sheet/2026-11-28", "reception"),  # closed
    Place("cards.show", "/cards/{card}", "reception"),
    Place("cards.show", "/cards/{conflict}", "reception"),
    Place("cards.show", "/cards/{held}", "reception"),
    Place("cards.show", "/cards/{card}", "viewer"),
    Place("cards.new", "/cards/new", "reception"),
    Place("hand_over.show", "/sheet/2026-11-23/hand-over", "reception"),
    Place("paper.sheet", "/sheet/2026-11-23/print", "reception"),
    Place("decisions.index", "/decisions", "reception"),
    Place("help.start", "/help", "reception"),
    Place("help.show", "/help/AUTH-EXPIRED", "reception"),
    Place("help.show", "/help/REMOVE-HELD", "reception"),
    Place("help.show", "/help/badge-held", "clinician"),
    Place("help.show", "/help/guide-reception", "reception"),
    Place("help.show", "/help/guide-manager"),
    Place("auth.account", "/settings/account", "reception"),
    Place("second_factor.show", "/settings/account/second-factor"),
    Place("auth.confirm", "/confirm"),
    Place("integrations.index", "/integrations"),
    Place("connection.show", "/integrations/1"),
    Place("connection.ask_disconnect", "/integrations/1/disconnect"),
    Place("connecting.caught_up", "/integrations/1/caught-up"),
    Place("connecting.found", "/integrations/1/found"),
    Place("connecting.login", "/integrations/1/login"),
    Place("connecting.pair", "/integrations/1/pair"),
    Place("connecting.reconfigure", "/integrations/1/reconfigure"),
    Place("connecting.check_and_start", "/integrations/1/start"),
    Place("connecting.choose", "/integrations/new"),
    Place("connecting.connect", "/integrations/new/gentu"),
    Place("connecting.connect", "/integrations/new/medirecords"),
    Place("connecting.connect", "/integrations/new/halaxy"),
    Place("connecting.have_ready", "/integrations/new/gentu/list"),
    Place("matching.practitioners", "/integrations/1/practitioners"),
    Place("matching.kinds", "/integrations/1/types"),
    Place("receipts.show", "/integrations/1/receipt"),
    Place("history.index", "/integrations/1/history"),
    Place("run.show", "/integrations/1/history/1"),
    Place("run.ask_undo", "/integrations/1/history/1/undo"),
    Place("settings.index", "/settings"),
    Place("settings.clinic_page", "/settings/clinic"),
    Place("settings.columns", "/settings/clinicians"),
    Place("people.index", "/settings/people"),
    Place("tokens.index", "/settings/tokens"),
    Place("alerts.index", "/settings/alerts"),
    Place("settings.health", "/settings/health"),
    Place("rules.index", "/settings/rules"),
    Place("diagnostics.index", "/settings/diagnostics"),
    Place("log.index", "/settings/log"),
    Place("patients.index", "/settings/patients"),
    Place("downtime.index", "/settings/downtime"),
    Place("retention.index", "/settings/retention"),
    Place("auth.login", "/login", ""),
    Place("links.choose", "{link}", ""),
    Place("links.choose", "/link/nobodys", ""),
    Place("api_docs.page", "/api/docs"),
)
_SHEET = ("runsheet", "cards", "hand_over", "paper", "decisions")
_INTEGRATIONS = ("integrations", "connection", "connecting", "matching", "history")


def _of(*rooms: str) -> tuple[Place, ...]:
    return tuple(place for place in PLACES if place.endpoint.partition(".")[0] in rooms)


# The same pages in shares of about the same size, a test each.
GROUPS = {
    "days": _of("runsheet"),
    "cards": _of(*_SHEET[1:]),
    "integrations": _of(*_INTEGRATIONS),
    "the rest": tuple(place for place in PLACES if place not in _of(*_SHEET, *_INTEGRATIONS)),
}
# Addresses that answer GET and are no page, or a page another test walks, and why.
NO_PLACE = {
    "static": "a file",
    "health.healthz": "for machines",
    "health.readyz": "for machines",
    "health.metrics": "for machines",
    "auth.standing": "for the lock, which asks whether the session lives",
    "cards.news": "a line of the panel",
    "updates.progress": "a part of the sheet",
    "updates.state": "a part of every page",
    "integrations.card": "a part of the integrations page",
    "connecting.show_preview": "a part of the wizard's last step",
    "connecting.started": "a part of the wizard's last step",
    "history.as_csv": "a file",
    "diagnostics.download": "a file",
    "runsheet.go_to_day": "leads to the sheet of a day",
    "auth.setup": "only before the first administrator: a test of its own",
    "auth.code": "only for who gave the right password: a test of its own",
    "links.own_password": "only for who has somebody else's password: a test of its own",
}
