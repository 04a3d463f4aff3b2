"""Connecting a practice: choose, connect, pair, match practitioners, choose types, start.

Each step is a page of its own with a plain form, so that it can be left and taken up again; once set-up is over the
same pages change what was decided. Nothing is live before the last step.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from pmsapp.access import guard
from pmsapp.adapters.base import AdapterInfo
from pmsapp.adapters.registry import UnknownPMSError, get_info, list_infos
from pmsapp.domain.errors import advice_for
from pmsapp.services.base.errors import Conflict, Invalid, Refused, ServiceError
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView, PracticeConnected
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.web.integrations import connect_form
from pmsapp.web.integrations.contexts import (
    ChoosePage,
    ConnectPage,
    PairPage,
    StartPage,
    VendorChoice,
)
from pmsapp.web.ui import fields, shell
from pmsapp.web.ui.page_contexts import FormField, Notice

bp = Blueprint("connecting", __name__)


@bp.get("/integrations/new")
def choose() -> ResponseReturnValue:
    """Step 1: which practice software."""
    now = shell.page_status()
    page = ChoosePage(
        steps=connect_form.steps(1),
        vendors=tuple(
            VendorChoice(
                slug=info.slug,
                label=info.label,
                how=info.how_you_connect,
                who=info.who_must_be_there,
                minutes=info.minutes_to_connect,
                connected=tuple(
                    connection.display_name
                    for connection in now.connections
                    if connection.pms_type == info.slug
                ),
            )
            for info in list_infos()
        ),
    )
    return shell.render("integrations/choose.html", "integrations", now, page=page)


@bp.get("/integrations/new/<slug>")
def connect(slug: str) -> ResponseReturnValue:
    """Step 2: the vendor's own fields."""
    return _connect_page(_info(slug))


@bp.post("/integrations/new/<slug>")
def create(slug: str) -> ResponseReturnValue:
    """Try the login live and keep it when it is good."""
    info = _info(slug)
    login, columns = connect_form.split_given(info, request.form)
    try:
        view = connections.create_connection(
            guard.current_actor(),
            pms_type=info.slug,
            display_name=request.form.get("display_name", "").strip() or None,
            credentials=login,
            practice_id=columns.get("practice_id"),
            organization_id=columns.get("organization_id"),
            time_zone=request.form.get("time_zone") or None,
        )
    except (Invalid, Refused, PracticeConnected) as error:
        return _connect_page(info, error)
    return redirect(f"/integrations/{view.id}/{'pair' if view.needs_pairing else 'practitioners'}", 303)


@bp.get("/integrations/<id:connection_id>/login")
def login(connection_id: int) -> ResponseReturnValue:
    """Sign in again."""
    return _login_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/login")
def sign_in_again(connection_id: int) -> ResponseReturnValue:
    """Try a new login live; the matches, types, edits and history stay as they are."""
    view = connections.get_connection(connection_id)
    given, _ = connect_form.split_given(get_info(view.pms_type), request.form)
    try:
        if not given:
            raise Invalid({"credentials": "Enter at least one field of the login."})
        after = connections.update_connection(connection_id, guard.current_actor(), credentials=given)
    except (Invalid, Refused, PracticeConnected) as error:
        return _login_page(view, error)
    return redirect(f"/integrations/{connection_id}/pair" if after.needs_pairing else "/integrations", 303)


@bp.get("/integrations/<id:connection_id>/pair")
def pair(connection_id: int) -> ResponseReturnValue:
    """Step 2 where the practice gives a code."""
    return _pair_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/pair")
def pair_now(connection_id: int) -> ResponseReturnValue:
    """Consume a pairing code."""
    view = connections.get_connection(connection_id)
    code = request.form.get("pairing_code", "")
    try:
        connections.pair(connection_id, code, guard.current_actor())
    except (Invalid, Refused, Conflict) as error:
        return _pair_page(view, code[:64], error)
    return redirect(f"/integrations/{connection_id}{'/practitioners' if view.state == 'setup' else ''}", 303)


@bp.get("/integrations/<id:connection_id>/start")
def check_and_start(connection_id: int) -> ResponseReturnValue:
    """Step 5: what will happen."""
    return _start_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/start")
def start(connection_id: int) -> ResponseReturnValue:
    """Switch updates on; the first one starts by itself."""
    try:
        connections.update_connection(connection_id, guard.current_actor(), sync_enabled=True)
    except (Conflict, Refused, Invalid) as error:
        return _start_page(connections.get_connection(connection_id), error)
    return redirect("/integrations", 303)


def _info(slug: str) -> AdapterInfo:
    try:
        return get_info(slug)
    except UnknownPMSError:
        raise NoSuchPage from None


def _errors_of(error: ServiceError | None, info: AdapterInfo) -> dict[str, str]:
    if isinstance(error, Invalid):
        return error.errors
    return connect_form.errors_of_refusal(info, error) if isinstance(error, Refused) else {}


def _status_of(error: ServiceError | None) -> int:
    return 200 if error is None else 409 if isinstance(error, Conflict) else 422


def _connect_page(info: AdapterInfo, error: ServiceError | None = None) -> Response:
    errors = _errors_of(error, info)
    supplied = vendor_adapters.filled_credentials(info, {})
    needs_zone = not info.capabilities.names_time_zone
    page = ConnectPage(
        steps=connect_form.steps(2),
        pms=info.label,
        title=f"Connect {info.label}",
        action=f"/integrations/new/{info.slug}",
        fields=connect_form.login_fields(info, supplied=supplied, given=request.form, errors=errors),
        where=info.menu_paths.get("credentials"),
        lead="The login is tried at once and kept encrypted. Nothing is written to the practice software.",
        button="Continue",
        back="/integrations/new",
        display_name=FormField(
            "display_name",
            "Name on screens",
            request.form.get("display_name", ""),
            error=errors.get("display_name"),
        ),
        zones=fields.zone_options(request.form.get("time_zone") or clinic.time_zone()) if needs_zone else (),
        errors=connect_form.summary_of(errors, info),
        refusal=connect_form.refusal_notice(error)
        if isinstance(error, (Refused, PracticeConnected))
        else None,
    )
    return _page("integrations/connect.html", page, _status_of(error))


def _login_page(view: ConnectionView, error: ServiceError | None = None) -> Response:
    info = get_info(view.pms_type)
    errors = _errors_of(error, info)
    page = ConnectPage(
        steps=connect_form.steps(2, view),
        pms=info.label,
        title=f"Sign in again to {info.label}",
        action=f"/integrations/{view.id}/login",
        fields=connect_form.login_fields(
            info,
            supplied={field.name: "" for field in info.credential_fields} if view.has_credentials else {},
            given=request.form,
            errors=errors,
            only_login=True,
        ),
        where=info.menu_paths.get("credentials"),
        lead=f"For {view.display_name}. Matches, types, edited cards and history stay as they are. "
        "A field left empty keeps what is stored.",
        button="Sign in",
        back=f"/integrations/{view.id}",
        errors=connect_form.summary_of(errors, info),
        refusal=connect_form.refusal_notice(error)
        if isinstance(error, (Refused, PracticeConnected))
        else None,
    )
    return _page("integrations/connect.html", page, _status_of(error))


def _pair_page(view: ConnectionView, code: str = "", error: ServiceError | None = None) -> Response:
    info = get_info(view.pms_type)
    if not info.capabilities.pairing:
        raise NoSuchPage
    sentence = None
    if error is not None:
        sentence = error.errors.get("pairing_code") if isinstance(error, Invalid) else f"{error.message}."
    status = _status_of(error)
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
        there=connect_form.sign_in_there(error) if isinstance(error, PracticeConnected) else None,
    )
    return _page("integrations/pair.html", page, status)


def _reads_it_already(view: ConnectionView) -> str | None:
    """The name of another connection to the same practice that is in use."""
    practice = (view.pms_type, view.tenant_id or view.practice_id)
    for other in connections.list_connections():
        same = practice[1] and (other.pms_type, other.tenant_id or other.practice_id) == practice
        if same and other.id != view.id and other.sync_enabled:
            return other.display_name
    return None


def _start_page(view: ConnectionView, error: ServiceError | None = None) -> Response:
    counts, base = view.counts, f"/integrations/{view.id}"
    warnings = []
    if counts.undecided:
        warnings.append(f"{counts.undecided} practitioners are undecided: counted, not shown.")
    if not counts.mapped:
        warnings.append("No practitioner is matched: the run sheet would stay empty.")
    if other := _reads_it_already(view):
        warnings.append(f"{other} reads this practice already: every patient would appear twice.")
    page = StartPage(
        steps=connect_form.steps(5, view),
        id=view.id,
        pms=view.pms_label,
        facts=(
            ("Practice", view.practice_name or view.display_name, ""),
            ("Time zone", view.time_zone.replace("_", " "), base),
            (
                "Practitioners",
                f"{counts.mapped} matched, {counts.ignored} not shown, {counts.undecided} to decide",
                f"{base}/practitioners",
            ),
            ("Telehealth types", f"{counts.telehealth_types} ticked", f"{base}/types"),
            ("Updates", f"Every {view.sync_frequency_minutes} minutes in clinic hours", base),
        ),
        warnings=tuple(warnings),
        refusal=Notice(error.message, getattr(error, "advice", "") or "", "stop", "cross", error.code)
        if error
        else None,
    )
    return _page(
        "integrations/start.html", page, 409 if isinstance(error, Conflict) else 422 if error else 200
    )


def _page(template: str, page: object, status: int) -> Response:
    return make_response(shell.render(template, "integrations", page=page), status)
