"""The log of who did what and who looked, for managers. Its filters stand in the address; no patient's text does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp.domain.window import day_start
from pmsapp.schemas.addresses import day_or_none, id_or_none
from pmsapp.services.base import audit_chain
from pmsapp.services.base.audit import AuditEntry, Wanted
from pmsapp.services.base.transaction import reading
from pmsapp.services.records import access_log, who_saw
from pmsapp.web.records.contexts import LogLine, LogPage
from pmsapp.web.records.forms import OlderForm
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.page_contexts import FormField, Option

bp = Blueprint("log", __name__)
LINES = 100
_LISTED_AT_MOST = 5
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("Everything", ()),
    "looks": ("Looked at patients", access_log.LOOKS),
    "out": ("Printed or exported", (access_log.PRINT, access_log.EXPORT)),
    "cards": ("Worked on cards", ("card.", "decision.")),
    "sign-in": ("Signed in and out", ("session.", "sign_in.", "browser.", "second_factor.")),
    "people": ("People and programs", ("user.", "api_token.", "link.")),
    "connections": ("Connections and updates", ("connection.", "run.", "quarantine.")),
    "records": (
        "Purges, erasure, backups",
        ("retention.", "person.", "database.", "key.", "breach.", "looks."),
    ),
}
_WORDS = {
    access_log.SHEET: "looked at the run sheet",
    access_log.CARD: "looked at a card",
    access_log.DECISIONS: "looked at the questions",
    access_log.PREVIEW: "looked at a preview",
    access_log.PERSON: "looked a patient up",
    access_log.SEARCH: "searched the run sheet",
    access_log.PRINT: "printed",
    access_log.EXPORT: "exported",
    access_log.REVEAL: "showed hidden details",
    access_log.RECEIPT: "looked at a comparison with the practice software",
    access_log.LOST: "looks could not be written",
}


@bp.get("/settings/log")
def index() -> ResponseReturnValue:
    """The newest rows that match, a hundred at a time."""
    now = shell.page_status()
    asked = forms.asked()
    given = {name: asked.get(name, "").strip()[:100] for name in ("who", "what", "card", "from", "to")}
    errors: dict[str, str] = {}
    wanted, card = _wanted(given, now.zone, errors)
    before_id = forms.read_address(OlderForm).before
    lines, older = (
        who_saw.search(wanted, card, limit=LINES, before_id=before_id) if not errors else ([], None)
    )
    with reading() as session:
        head = audit_chain.head(session)
    waiting, lost = access_log.waiting()
    page = LogPage(
        nav=settings_nav.nav(),
        fields=_fields(given, errors),
        kinds=tuple(Option(key, word, key == given["what"]) for key, (word, _) in _KINDS.items()),
        lines=tuple(_line(entry, now) for entry in lines),
        is_filtered=any(given.values()),
        older_href=f"/settings/log?{urlencode({**_filled(given), 'before': older})}" if older else None,
        head=str(head) if head else None,
        waiting=waiting,
        lost=lost,
        errors=tuple(errors.items()),
    )
    html = shell.render("records/log.html", "settings", now, page=page)
    return make_response(html, 422 if errors else 200)


def _wanted(given: Mapping[str, str], zone: str, errors: dict[str, str]) -> tuple[Wanted, int | None]:
    """What the address asks for; what is wrong with it goes into `errors`."""
    card = id_or_none(given["card"])
    if given["card"] and card is None:
        errors["card"] = "The number of a card has digits only."
    if given["what"] not in _KINDS:
        errors["what"] = "Choose one of the list."
    ends: dict[str, date | None] = {name: day_or_none(given[name]) for name in ("from", "to")}
    for name, day in ends.items():
        if given[name] and day is None:
            errors[name] = "Write the day like 2026-11-30."
    actions = _KINDS.get(given["what"], ("", ()))[1]
    first, last = ends["from"], ends["to"]
    return (
        Wanted(
            given["who"],
            actions,
            _midnight(first, zone) if first else None,
            _midnight(last + timedelta(days=1), zone) if last else None,
        ),
        card,
    )


def _midnight(day: date, zone: str) -> datetime:
    return day_start(day, zone)


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}


def _fields(given: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, FormField]:
    labels = {"who": "Who", "card": "Card number", "from": "From day", "to": "To day", "what": "What"}
    return {
        name: FormField(name, label, given[name], error=errors.get(name)) for name, label in labels.items()
    }


def _line(entry: AuditEntry, now: shell.PageStatus) -> LogLine:
    kind, _, number = (entry.subject or "").partition(":")
    detail = {} if entry.detail is None else entry.detail
    return LogLine(
        id=entry.id,
        at=fmt.moment(entry.at, now.now, now.zone),
        who=entry.actor.partition(" ")[2] or entry.actor,
        what=_WORDS.get(entry.action, entry.action.replace(".", ": ").replace("_", " ")),
        action=entry.action,
        about=f"{kind.replace('_', ' ')} {number}".strip(),
        detail="" if not detail else _detail(detail),
        card_href=f"/cards/{number}" if kind == "card" and number.isdecimal() else None,
    )


def _detail(detail: object) -> str:
    if not isinstance(detail, dict):
        return json.dumps(detail)
    parts = [
        f"{name.replace('_', ' ')}: {_value(value)}"
        for name, value in detail.items()
        if name != "session_id" and value is not None
    ]
    return "; ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return str(len(value)) if len(value) > _LISTED_AT_MOST else fmt.listed([str(part) for part in value])
    return str(value) if isinstance(value, str | int) else json.dumps(value)
