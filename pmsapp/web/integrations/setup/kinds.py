"""Step 4: which appointment types are telehealth, in three groups: on the sheet, to look at, not telehealth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count

from flask import Response, make_response, render_template

from pmsapp import clock
from pmsapp.adapters.base import AdapterInfo, TelehealthSource
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import PMSError
from pmsapp.services.base.errors import ServiceError
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.matching import appointment_types
from pmsapp.services.matching.appointment_types import TypeChoice, TypeView
from pmsapp.services.setup import drafts, survey
from pmsapp.services.setup.survey import Tally
from pmsapp.web.integrations.setup import connect, connect_form
from pmsapp.web.integrations.setup.contexts import KindGroup, KindRow, KindsPage, KindState, Later
from pmsapp.web.integrations.setup.people import fault_notice
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Notice, Option

CHOICES, LATER = "kinds", "new_types"
YES, NO, FOLLOW = "yes", "no", "follow"
_MEANS: dict[str, bool | None] = {YES: True, NO: False, FOLLOW: None}
_ON, _LOOK, _OFF = "on", "look", "off"
_LATER_WORDS = (
    ("ask", "Ask me", "It is shown and marked until somebody has decided."),
    (
        "similar",
        "Treat it like similar ones",
        "By its name: one that says video, phone or online is telehealth.",
    ),
    ("ignore", "Leave it out", "It is not shown until somebody ticks it here."),
)


def follows_pms(info: AdapterInfo) -> bool:
    """True where the practice software marks telehealth by itself."""
    return info.capabilities.telehealth_source is not TelehealthSource.NONE


def page(
    view: ConnectionView, chosen: Mapping[str, str] | None = None, error: ServiceError | None = None
) -> Response:
    """Every type with what lies ahead, in its group."""
    info, draft = get_info(view.pms_type), drafts.of_connection(view.id)
    ahead = survey.of_found(draft.found if draft else None)
    kept = chosen if chosen is not None else (draft.choices.get(CHOICES) if draft else None) or {}
    later = (draft.choices.get(LATER) if draft else None) or "ask"
    fault: Notice | None = None
    rows: list[TypeView] = []
    try:
        found = appointment_types.list_types(view.id)
        rows = list(found)
        fault = fault_notice(found.stale) if found.stale is not None else None
    except PMSError as unread:
        fault = fault_notice(unread)
    picked = {kind.pms_type_id: kept.get(kind.pms_type_id) or _standing(kind, info) for kind in rows}
    shown = KindsPage(
        steps=connect_form.steps(4, view),
        id=view.id,
        pms=info.label,
        follows_pms=follows_pms(info),
        decides=_decides(info, ahead),
        share_head="With video link"
        if info.capabilities.gives_links
        else "Telehealth"
        if follows_pms(info)
        else "",
        groups=groups_of(rows, info, ahead, picked, view.time_zone),
        later=tuple(Later(value, word, about, value == later) for value, word, about in _LATER_WORDS),
        state=state_of(rows, info, ahead, picked),
        fault=fault,
    )
    return connect.respond("types", shown, connect.status_of(error))


def state_answer(view: ConnectionView, chosen: Mapping[str, str]) -> Response:
    """What the choice comes to, again."""
    info, draft = get_info(view.pms_type), drafts.of_connection(view.id)
    ahead = survey.of_found(draft.found if draft else None)
    try:
        rows = list(appointment_types.list_types(view.id))
    except PMSError:
        rows = []
    saved = f"Kept {fmt.hhmm(clock.now(), view.time_zone)}"
    state = state_of(rows, info, ahead, chosen, saved=saved)
    return make_response(render_template("integrations/setup/_kind_state.html", state=state))


def groups_of(
    rows: Sequence[TypeView], info: AdapterInfo, ahead: survey.Ahead, picked: Mapping[str, str], zone: str
) -> tuple[KindGroup, ...]:
    """The three groups; each type stands in the one its evidence puts it in, whatever is chosen for it."""
    ordered = sorted(rows, key=lambda kind: (-_count(kind, ahead), kind.name.casefold()))
    numbers = count()
    sorted_in = {
        group: tuple(
            _row(next(numbers), kind, info, ahead, picked.get(kind.pms_type_id, FOLLOW), zone)
            for kind in ordered
            if _group(kind, info, ahead) == group
        )
        for group in (_ON, _LOOK, _OFF)  # numbered as the form sends them
    }
    off = len(sorted_in[_OFF])
    return (
        KindGroup(_ON, "On the sheet", "Telehealth, by what is known of them.", sorted_in[_ON]),
        KindGroup(_LOOK, "Look at these", _look_words(info), sorted_in[_LOOK]),
        KindGroup(_OFF, f"Not telehealth ({off})", "In the rooms.", sorted_in[_OFF], is_open=False),
    )


def state_of(
    rows: Sequence[TypeView],
    info: AdapterInfo,
    ahead: survey.Ahead,
    picked: Mapping[str, str],
    *,
    saved: str | None = None,
) -> KindState:
    """ "4 of 28 types are on the sheet", or that the sheet would stay empty."""
    yes, exceptions = (
        sum(value == YES for value in picked.values()),
        sum(v != FOLLOW for v in picked.values()),
    )
    if follows_pms(info):
        follows = any(value == FOLLOW for value in picked.values())
        words = (
            f"{fmt.plural(exceptions, 'exception')}; for the rest {info.label} decides."
            if exceptions
            else f"No exceptions: {info.label} decides."
        )
        return KindState(words, is_empty=bool(picked) and not yes and not follows, saved=saved)
    visits = sum(_count(kind, ahead) for kind in rows if picked.get(kind.pms_type_id) == YES)
    tail = f", {fmt.plural(visits, 'appointment')} in 14 days" if ahead.types else ""
    words = f"{yes} of {fmt.plural(len(picked), 'type')} on the sheet{tail}."
    return KindState(words, is_empty=not yes, saved=saved)


def choices_of(chosen: Mapping[str, str]) -> list[TypeChoice]:
    """What was chosen, as the service takes it; which types are shown at all stays as it is."""
    return [TypeChoice(key, is_telehealth=_MEANS.get(value)) for key, value in chosen.items()]


def _row(
    number: int, kind: TypeView, info: AdapterInfo, ahead: survey.Ahead, value: str, zone: str
) -> KindRow:
    tally = ahead.types.get(kind.pms_type_id) or Tally()
    known = bool(ahead.types) or ahead.is_complete
    options: tuple[Option, ...] = ()
    if follows_pms(info):
        words = ((FOLLOW, f"As {info.label} says"), (YES, "Always on the sheet"), (NO, "Never on the sheet"))
        options = tuple(Option(key, word, key == value) for key, word in words)
    return KindRow(
        number=number,
        key=kind.pms_type_id,
        name=kind.name,
        length=f"{kind.default_duration_minutes} min" if kind.default_duration_minutes else "",
        ahead=str(tally.count) if known else "",
        share=_share(tally, info) if known else "",
        next_at=_next(tally.next_at, zone),
        evidence=_evidence(kind, info),
        on=value == YES,
        options=options,
    )


def _share(tally: Tally, info: AdapterInfo) -> str:
    """How many of them have a video link, where the practice software gives links; else how many it marks."""
    if not tally.count:
        return ""
    if info.capabilities.gives_links:
        return f"{tally.with_link} of {tally.count}"
    return f"{tally.telehealth} of {tally.count}" if follows_pms(info) else ""


def _next(next_at: datetime | None, zone: str) -> str:
    return fmt.moment(next_at, clock.now(), zone) if next_at else ""


def _evidence(kind: TypeView, info: AdapterInfo) -> str:
    if kind.pms_is_telehealth is not None:
        return f"{info.label} marks it {'telehealth' if kind.pms_is_telehealth else 'not telehealth'}"
    words = (kind.evidence or "Its name says telehealth") if kind.suggested else ""
    return f"{words}; archived" if words and not kind.active else words or ("" if kind.active else "Archived")


def _standing(kind: TypeView, info: AdapterInfo) -> str:
    """What is decided; else what the name suggests where the practice software has no mark."""
    if kind.is_telehealth is not None:
        return YES if kind.is_telehealth else NO
    if follows_pms(info):
        return FOLLOW
    return YES if kind.suggested and kind.active else NO


def _group(kind: TypeView, info: AdapterInfo, ahead: survey.Ahead) -> str:
    """By the practice software's marks, else the name: clear ones apart, and what is mixed or unclear to look at."""
    tally = ahead.types.get(kind.pms_type_id) or Tally()
    if follows_pms(info) and tally.count:
        if 0 < tally.telehealth < tally.count:
            return _LOOK
        return _ON if tally.telehealth else _LOOK if kind.suggested else _OFF
    mark = kind.pms_is_telehealth
    if mark is None:
        mark = kind.suggested
    if not kind.active:
        return _LOOK if mark and tally.count else _OFF
    if mark != kind.suggested and kind.pms_is_telehealth is not None and kind.suggested:
        return _LOOK
    return _ON if mark else _LOOK if _is_unclear(kind) else _OFF


def _is_unclear(kind: TypeView) -> bool:
    """Its name says too little to tell: nothing of telehealth, and a word that both kinds of visit go by."""
    return not kind.suggested and any(word in kind.name.casefold() for word in _EITHER)


_EITHER = ("review", "follow", "results", "script", "repeat", "remote", "outreach", "call")


def _look_words(info: AdapterInfo) -> str:
    if follows_pms(info):
        return f"Some are telehealth and some are not, or {info.label} and the name disagree."
    return "The name does not settle it: say yes or no."


def _decides(info: AdapterInfo, ahead: survey.Ahead) -> str | None:
    """ "MediRecords decides: 34 of 152 in the next two days are telehealth." """
    if not follows_pms(info):
        return None
    if not ahead.is_complete:
        return f"{info.label} decides, appointment by appointment. Only exceptions are chosen here."
    soon = ahead.soon
    return (
        f"{info.label} decides: {soon.telehealth} of {fmt.plural(soon.count, 'appointment')} in the next two days "
        f"{'is' if soon.telehealth == 1 else 'are'} telehealth. Only exceptions are chosen here."
    )


def _count(kind: TypeView, ahead: survey.Ahead) -> int:
    tally = ahead.types.get(kind.pms_type_id)
    return tally.count if tally else 0
