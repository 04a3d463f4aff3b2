"""Step 2: the vendor's own fields, tried live; then who answered, before anything goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, make_response

from pmsapp import clock
from pmsapp.adapters.base import AdapterInfo
from pmsapp.adapters.registry import get_info
from pmsapp.domain.ages import clocks_differ
from pmsapp.domain.window import day_of
from pmsapp.services.base.errors import Conflict, ServiceError
from pmsapp.services.base.next_step import help_href
from pmsapp.services.clinic import clinic
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.setup import drafts, survey
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.web.integrations.setup import connect_form
from pmsapp.web.integrations.setup.contexts import ConnectPage, FoundPage
from pmsapp.web.ui import fields, shell
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import FormField, Notice


def page(info: AdapterInfo, error: ServiceError | None = None) -> Response:
    """The connect form, with what was typed before, whoever typed it."""
    now, draft = clock.now(), drafts.of_vendor(info.slug)
    typed: Mapping[str, str] = draft.fields if draft else {}
    errors = connect_form.errors_of(info, error)
    zone = clinic.time_zone()
    drawn = connect_form.login_fields(
        info, supplied=vendor_adapters.filled_credentials(info, {}), given=typed, errors=errors
    )
    shown = ConnectPage(
        steps=connect_form.steps(2),
        pms=info.label,
        title=f"Connect {info.label}",
        action=f"/integrations/new/{info.slug}",
        fields=tuple(field for field in drawn if not field.from_server or field.error),
        spare=tuple(field for field in drawn if field.from_server and not field.error),
        where=connect_form.paths(info),
        lead="The login is tried at once and kept encrypted. Nothing is written to the practice software.",
        button="Connect",
        back="/integrations/new",
        display_name=FormField(
            "display_name",
            "Name on screens",
            typed.get("display_name", ""),
            error=errors.get("display_name"),
        ),
        zones=()
        if info.capabilities.names_time_zone
        else fields.zone_options(typed.get("time_zone") or zone),
        errors=connect_form.summary_of(errors, info),
        refusal=connect_form.refusal_notice(error, info, now, zone),
        draft_id=draft.id if draft else None,
        kept_words=f"Kept from {draft.by}, {fmt.moment(draft.at, now, zone)}. It is thrown away after two weeks."
        if draft and error is None
        else None,
    )
    return respond("connect", shown, status_of(error))


def found_page(view: ConnectionView, error: ServiceError | None = None) -> Response:
    """Who answered: practice, zone, permissions, clocks, and one time to compare with their own screen."""
    draft = drafts.of_connection(view.id)
    found: Mapping[str, Any] = (draft.found if draft else None) or {}
    check: Mapping[str, Any] = found.get("check") or {}
    ahead = survey.of_found(found)
    now = clock.now()
    shown = FoundPage(
        steps=connect_form.steps(2, view),
        id=view.id,
        pms=view.pms_label,
        practice=view.practice_name,
        facts=_facts(view, check, ahead),
        permissions=_permissions(found),
        clock=_clock_notice(view, check),
        warnings=tuple(check.get("warnings") or ()),
        question=_question(ahead, now, view.time_zone),
        zones=fields.zone_options(view.time_zone),
        zone=view.time_zone.replace("_", " "),
        fault=_fault(view, check, error),
    )
    return respond("found", shown, status_of(error))


def respond(name: str, shown: object, status: int = 200) -> Response:
    """A step's page."""
    html = shell.render(f"integrations/setup/{name}.html", "integrations", page=shown)
    return make_response(html, status)


def status_of(error: ServiceError | None) -> int:
    """The status of a page that comes with a no."""
    return 200 if error is None else 409 if isinstance(error, Conflict) else 422


def _facts(
    view: ConnectionView, check: Mapping[str, Any], ahead: survey.Ahead
) -> tuple[tuple[str, str], ...]:
    count = check.get("practitioners")
    skew = check.get("clock_skew_s")
    clocks = None if skew is None else "Agree" if abs(skew) < 2 else f"{fmt.span(abs(skew))} apart"
    facts = (
        ("Connected to", view.pms_label),
        ("Time zone", view.time_zone.replace("_", " ")),
        ("Practitioners", None if count is None else fmt.plural(count, "practitioner")),
        ("Next 14 days", fmt.plural(ahead.whole.count, "appointment") if ahead.is_complete else None),
        ("Their clock and ours", clocks),
        ("Answered in", f"{check['latency_ms']} ms" if check.get("latency_ms") is not None else None),
    )
    return tuple((label, text) for label, text in facts if text)


def _permissions(found: Mapping[str, Any]) -> tuple[tuple[str, bool], ...]:
    """What may be read: as the vendor said when asked, else as it turned out."""
    said = (found.get("check") or {}).get("can_read") or {}
    proved = (found.get("ahead") or {}).get("may_read") or {}
    return tuple((name, bool(may)) for name, may in sorted({**proved, **said}.items()))


def _clock_notice(view: ConnectionView, check: Mapping[str, Any]) -> Notice | None:
    skew = check.get("clock_skew_s")
    if skew is None or not clocks_differ(skew):
        return None
    return Notice(
        f"The clock of {view.pms_label} and this server's are {fmt.span(abs(skew))} apart.",
        "Logins may fail and times be marked late. Ask whoever runs the server to set its time by the network.",
        "warn",
        "clock",
        "CLOCK",
        help_href("CLOCK"),
        "What CLOCK means",
    )


def _question(ahead: survey.Ahead, now: datetime, zone: str) -> str | None:
    """ "9:30 am today", of the next appointment: the time to compare with the practice software's own screen."""
    next_at = ahead.whole.next_at
    if next_at is None:
        return None
    day = fmt.day_name(day_of(next_at, zone), day_of(now, zone)).lower()
    words = day if day in ("today", "tomorrow") else f"on {fmt.short_day(day_of(next_at, zone))}"
    return f"{fmt.prose_time(next_at, zone)} {words}"


def _fault(view: ConnectionView, check: Mapping[str, Any], error: ServiceError | None) -> Notice | None:
    info = get_info(view.pms_type)
    if error is not None:
        return connect_form.refusal_notice(error, info, clock.now(), view.time_zone) or Notice(
            "Nothing was changed.", " ".join(connect_form.errors_of(info, error).values()), "stop", "cross"
        )
    if not check:
        return Notice("Nobody was asked yet.", "Press “Read again” to see who answers.", "wait", "info")
    if check.get("healthy"):
        return None
    code = str(check.get("code"))
    return Notice(str(check.get("message")), "", "warn", "cloud", code, help_href(code), f"What {code} means")
