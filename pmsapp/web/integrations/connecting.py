"""Connecting a practice: choose, connect, look who answered, match, choose types, start; and signing in again.

Each step is a page of its own with a plain form, so that it can be left and taken up again, by anybody who may. Nothing
is live before the last step.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from pmsapp.access import guard
from pmsapp.adapters.base import AdapterInfo
from pmsapp.adapters.registry import UnknownPMSError, get_info
from pmsapp.domain.errors import advice_for
from pmsapp.schemas.connections import ConnectForm
from pmsapp.schemas.reading import read_form
from pmsapp.services.base.errors import Conflict, Invalid, Refused
from pmsapp.services.base.next_step import help_href
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView, PracticeConnected
from pmsapp.services.setup import connecting, drafts, preview
from pmsapp.web.integrations.setup import choose as choose_step
from pmsapp.web.integrations.setup import connect as connect_step
from pmsapp.web.integrations.setup import connect_form, sign_in
from pmsapp.web.integrations.setup import start as start_step
from pmsapp.web.integrations.setup.contexts import PairPage
from pmsapp.web.ui import forms
from pmsapp.web.ui.page_contexts import Notice
from pmsapp.web.ui.said import lead_to

bp = Blueprint("connecting", __name__)
_NO = (Invalid, Refused, Conflict)


@bp.get("/integrations/new")
def choose() -> ResponseReturnValue:
    """Step 1: which practice software. `chosen`: ticked already; `pms`: the one to go on with."""
    chosen = forms.asked().get("pms")
    if chosen is None:
        asked = forms.says("go")
        error = "Choose your practice software first." if asked else None
        return choose_step.page(forms.asked().get("chosen"), error)
    try:
        return redirect(f"/integrations/new/{get_info(chosen).slug}", 303)
    except UnknownPMSError:
        return choose_step.page(error="Choose one of these.")


@bp.get("/integrations/new/<slug>/list")
def have_ready(slug: str) -> ResponseReturnValue:
    """What to have at hand, for paper."""
    return choose_step.list_page(_info(slug))


@bp.get("/integrations/new/<slug>")
def connect(slug: str) -> ResponseReturnValue:
    """Step 2: the vendor's own fields."""
    return connect_step.page(_info(slug))


@bp.post("/integrations/new/<slug>")
def create(slug: str) -> ResponseReturnValue:
    """Try what was typed live. What fails is kept for the next try, sealed; what works becomes a connection."""
    info = _info(slug)
    typed = forms.typed()
    try:
        _check_form(info, typed)
        draft = connecting.keep_typed(info, typed, guard.current_actor())
        asks_code = connecting.PAIRING_CODE in typed
        view = connecting.connect(info, draft, guard.current_actor(), with_code=asks_code)
    except _NO as error:
        return connect_step.page(info, error)
    return redirect(f"/integrations/{view.id}/{'pair' if view.needs_pairing else 'found'}", 303)


@bp.post("/integrations/drafts/<id:draft_id>/throw-away")
def throw_away(draft_id: int) -> ResponseReturnValue:
    """Give a set-up up."""
    drafts.throw_away(draft_id, guard.current_actor())
    return lead_to("/integrations", "draft-gone")


@bp.get("/integrations/<id:connection_id>/found")
def found(connection_id: int) -> ResponseReturnValue:
    """Who answered."""
    return connect_step.found_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/found")
def answer_found(connection_id: int) -> ResponseReturnValue:
    """It is our practice; or it is not; or the times read wrong."""
    view, actor = connections.get_connection(connection_id), guard.current_actor()
    answer = forms.typed().get("answer")
    if answer == "no" and view.state == "setup":
        return redirect(f"/integrations/new/{connecting.not_ours(connection_id, actor)}", 303)
    try:
        if answer == "zone":
            form = read_form(ConnectForm, {"time_zone": forms.typed().get("time_zone", "")})
            connecting.use_zone(connection_id, form.time_zone or view.time_zone, actor)
        elif answer == "again":
            connecting.look(connection_id, actor)
    except _NO as error:
        return connect_step.found_page(view, error)
    if answer != "yes":
        return redirect(f"/integrations/{connection_id}/found", 303)
    if view.state == "setup":
        drafts.keep(connection_id, actor, step=drafts.MATCH)
    return redirect(f"/integrations/{connection_id}{'/practitioners' if view.state == 'setup' else ''}", 303)


@bp.get("/integrations/<id:connection_id>/login")
def login(connection_id: int) -> ResponseReturnValue:
    """Sign in again."""
    return sign_in.again_page(connections.get_connection(connection_id), _came_from(connection_id))


@bp.post("/integrations/<id:connection_id>/login")
def sign_in_again(connection_id: int) -> ResponseReturnValue:
    """Try a new login live; the matches, types, edits and history stay as they are."""
    view = connections.get_connection(connection_id)
    return_to = guard.local_path(forms.typed().get("return_to", ""))
    try:
        after = _try_login(view)
    except _NO as error:
        return sign_in.again_page(view, return_to, error)
    if after.needs_pairing:
        return redirect(f"/integrations/{connection_id}/pair", 303)
    if view.state == "setup":
        return redirect(drafts_next(after), 303)
    return redirect(f"/integrations/{connection_id}/caught-up?next={quote(return_to, safe='/')}", 303)


@bp.get("/integrations/<id:connection_id>/reconfigure")
def reconfigure(connection_id: int) -> ResponseReturnValue:
    """Change a login that works."""
    return sign_in.change_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/reconfigure")
def save_login(connection_id: int) -> ResponseReturnValue:
    """Try the new login and keep it when it is accepted."""
    view = connections.get_connection(connection_id)
    try:
        _try_login(view)
    except _NO as error:
        return sign_in.change_page(view, error)
    return redirect(f"/integrations/{connection_id}?saved=1", 303)


@bp.get("/integrations/<id:connection_id>/caught-up")
def caught_up(connection_id: int) -> ResponseReturnValue:
    """What was missed while nobody was signed in: the update that makes up for it, in place."""
    view = connections.get_connection(connection_id)
    return start_step.caught_up_page(view, guard.local_path(forms.asked().get("next", "")))


@bp.get("/integrations/<id:connection_id>/pair")
def pair(connection_id: int) -> ResponseReturnValue:
    """Step 2 where the login is there and the practice gives a code."""
    return _pair_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/pair")
def pair_now(connection_id: int) -> ResponseReturnValue:
    """Consume a pairing code."""
    view = connections.get_connection(connection_id)
    code = forms.typed().get("pairing_code", "")
    try:
        connections.pair(connection_id, code, guard.current_actor())
    except _NO as error:
        return _pair_page(view, code[:64], error)
    if view.state == "setup":
        connecting.look(connection_id, guard.current_actor())
    return redirect(f"/integrations/{connection_id}{'/found' if view.state == 'setup' else ''}", 303)


@bp.get("/integrations/<id:connection_id>/start")
def check_and_start(connection_id: int) -> ResponseReturnValue:
    """Step 5: what will happen; once it has begun, how the first update is doing."""
    view = connections.get_connection(connection_id)
    return start_step.page(view) if view.state == "setup" else start_step.started_page(view)


@bp.post("/integrations/<id:connection_id>/start")
def start(connection_id: int) -> ResponseReturnValue:
    """Switch updates on; the first one starts by itself."""
    actor = guard.current_actor()
    try:
        changes = start_step.read_clinic_form()
        if changes:
            clinic.update_clinic(actor, **changes)
        preview.drop_waiting(connection_id, actor)
        connections.update_connection(connection_id, actor, sync_enabled=True)
    except _NO as error:
        return start_step.page(connections.get_connection(connection_id), error=error)
    drafts.end(connection_id)
    return redirect(f"/integrations/{connection_id}/start", 303)


@bp.post("/integrations/<id:connection_id>/start/test")
def test_before_start(connection_id: int) -> ResponseReturnValue:
    """Ask the vendor who answers, on the last step."""
    result = connections.check(connection_id, guard.current_actor())
    tone, icon = ("good", "tick") if result.healthy else ("warn", "cloud")
    href = help_href(result.code) if result.code else None
    detail = f"Answered in {result.latency_ms} ms." if result.healthy else ""
    notice = Notice(
        result.message, detail, tone, icon, result.code, href, f"What {result.code} means" if href else None
    )
    return start_step.page(connections.get_connection(connection_id), test=notice)


@bp.get("/integrations/<id:connection_id>/started")
def started(connection_id: int) -> ResponseReturnValue:
    """The first update again, in place."""
    view = connections.get_connection(connection_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"/integrations/{connection_id}/start", 303)
    back = forms.asked().get("next")
    return start_step.started_answer(view, guard.local_path(back) if back is not None else None)


@bp.get("/integrations/<id:connection_id>/preview")
def show_preview(connection_id: int) -> ResponseReturnValue:
    """The preview again, in place."""
    if not request.headers.get("HX-Request"):
        return redirect(f"/integrations/{connection_id}/start", 303)
    return start_step.preview_answer(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/preview")
def ask_preview(connection_id: int) -> ResponseReturnValue:
    """Read the day again."""
    try:
        preview.ask(connection_id, guard.current_actor())
    except _NO as error:
        return start_step.page(connections.get_connection(connection_id), error=error)
    return redirect(f"/integrations/{connection_id}/start", 303)


@bp.post("/integrations/<id:connection_id>/preview/names")
def show_names(connection_id: int) -> ResponseReturnValue:
    """The preview with names, which goes into the log."""
    preview.note_names_shown(connection_id, guard.current_actor())
    view = connections.get_connection(connection_id)
    if request.headers.get("HX-Request"):
        return start_step.preview_answer(view, names_shown=True)
    return start_step.page(view, names_shown=True)


def drafts_next(view: ConnectionView) -> str:
    """Where the set-up of a connection goes on."""
    return next(begun.href for begun in drafts.unfinished((view,)) if begun.connection_id == view.id)


def _info(slug: str) -> AdapterInfo:
    try:
        return get_info(slug)
    except UnknownPMSError:
        raise NoSuchPage from None


def _check_form(info: AdapterInfo, typed: dict[str, str]) -> None:
    """The one validation of what is typed on the connect page, blanks aside. Raises Invalid."""
    login, columns = connect_form.split_given(info, typed)
    others = {
        name: typed[name].strip()
        for name in ("display_name", "time_zone", connecting.PAIRING_CODE)
        if typed.get(name, "").strip()
    }
    read_form(ConnectForm, {"credentials": login, **columns, **others})


def _try_login(view: ConnectionView) -> ConnectionView:
    given, _ = connect_form.split_given(get_info(view.pms_type), forms.typed())
    read_form(ConnectForm, {"credentials": given})
    if not given:
        raise Invalid({"credentials": "Enter at least one field of the login."})
    return connections.update_connection(view.id, guard.current_actor(), credentials=given)


def _came_from(connection_id: int) -> str:
    """The page somebody pressed "Sign in again" on; the connection's own where that is not known."""
    came = guard.local_path(forms.asked()["next"]) if forms.says("next") else guard.came_from()
    return came if not came.endswith("/login") else f"/integrations/{connection_id}"


def _pair_page(
    view: ConnectionView, code: str = "", error: Invalid | Refused | Conflict | None = None
) -> Response:
    info = get_info(view.pms_type)
    if not info.capabilities.pairing:
        raise NoSuchPage
    sentence = None
    if error is not None:
        sentence = error.errors.get("pairing_code") if isinstance(error, Invalid) else f"{error.message}."
    refused = error.code if error is not None and not isinstance(error, Invalid) else None
    page = PairPage(
        steps=connect_form.steps(2, view),
        id=view.id,
        pms=info.label,
        where=info.menu_paths.get("pairing"),
        code=code,
        error=sentence,
        advice=advice_for(refused, info.label) if refused else None,
        error_code=refused,
        help_href=help_href(refused) if refused else None,
        there=connect_form.sign_in_there(error) if isinstance(error, PracticeConnected) else None,
    )
    return connect_step.respond("pair", page, connect_step.status_of(error))
