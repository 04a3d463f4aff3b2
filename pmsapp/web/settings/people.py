"""Who may sign in. Each change needs a password given minutes ago."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.domain.roles import PEOPLE_ROLES
from pmsapp.schemas.addresses import id_or_none
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.people import users
from pmsapp.services.people.users import UserView
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import PeoplePage, PersonLine
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell
from pmsapp.web.ui.labels import ROLE_WORDS
from pmsapp.web.ui.page_contexts import Badge, FormField, Notice, Option

bp = Blueprint("people", __name__)


@bp.get("/settings/people")
def index() -> ResponseReturnValue:
    """Everybody who may sign in."""
    return _people_page()


@bp.post("/settings/people")
def add() -> ResponseReturnValue:
    """Let somebody in."""
    form = request.form
    try:
        users.add_user(
            form.get("email", ""),
            role=form.get("role", ""),
            password=form.get("password", ""),
            actor=guard.current_actor(),
            name=form.get("name", "").strip() or None,
            clinician_id=id_or_none(form.get("clinician_id")),
        )
    except Invalid as error:
        return _people_page(errors=error.errors)
    except Conflict as error:
        return _people_page(errors={"email": error.message})
    return redirect("/settings/people", 303)


@bp.post("/settings/people/<id:user_id>/role")
def change_role(user_id: int) -> ResponseReturnValue:
    """Give somebody another role; they sign in anew."""
    role, column = request.form.get("role", ""), id_or_none(request.form.get("clinician_id"))
    try:
        users.change_role(
            user_id, role, guard.current_actor(), clinician_id=column if role == "clinician" else None
        )
    except (Invalid, Conflict) as error:
        return _refused(error)
    return redirect("/settings/people", 303)


@bp.post("/settings/people/<id:user_id>/disable")
def disable(user_id: int) -> ResponseReturnValue:
    """Keep somebody out from now on."""
    try:
        users.disable_user(user_id, guard.current_actor())
    except Conflict as error:
        return _refused(error)
    return redirect("/settings/people", 303)


@bp.post("/settings/people/<id:user_id>/enable")
def enable(user_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    users.enable_user(user_id, guard.current_actor())
    return redirect("/settings/people", 303)


@bp.post("/settings/people/<id:user_id>/password")
def set_password(user_id: int) -> ResponseReturnValue:
    """Give somebody a new password and end their sessions."""
    try:
        users.set_password(user_id, request.form.get("password", ""), guard.current_actor())
    except Invalid as error:
        return _refused(error)
    return redirect("/settings/people", 303)


def _refused(error: Invalid | Conflict) -> Response:
    sentence = next(iter(error.errors.values())) if isinstance(error, Invalid) else error.message
    return _people_page(notice=Notice(sentence, "Nothing was changed.", "warn", "warn", None), status=422)


def _people_page(
    *, errors: Mapping[str, str] | None = None, notice: Notice | None = None, status: int = 200
) -> Response:
    now, errors = shell.page_status(), errors or {}
    columns = [one for one in sheet_columns.list_clinicians() if one.active]
    me = guard.current_actor().id
    typed = request.form if errors else {}
    labels = {"email": "Email", "name": "Name", "password": "First password"}
    page = PeoplePage(
        nav=settings_nav.nav(),
        people=tuple(_person(one, now, [(c.id, c.name) for c in columns], me) for one in users.list_users()),
        form={
            name: FormField(
                name, label, "" if name == "password" else typed.get(name, ""), error=errors.get(name)
            )
            for name, label in labels.items()
        },
        roles=_roles(typed.get("role", "reception")),
        clinicians=tuple(Option(str(one.id), one.name) for one in columns),
        errors=tuple(errors.items()),
        notice=notice,
    )
    html = shell.render("settings/people.html", "settings", now, page=page)
    return make_response(html, 422 if errors else status)


def _roles(chosen: str) -> tuple[Option, ...]:
    return tuple(Option(key, word, key == chosen) for key, word in ROLE_WORDS.items() if key in PEOPLE_ROLES)


def _person(
    one: UserView, now: shell.PageStatus, columns: list[tuple[int, str]], me: int | None
) -> PersonLine:
    out = one.disabled_at is not None
    role = ROLE_WORDS.get(one.role, one.role)
    return PersonLine(
        id=one.id,
        name=one.name,
        email=one.email,
        badge=Badge("Kept out", "gone", "stop") if out else Badge(role, "person"),
        last=f"last signed in {fmt.moment(one.last_login_at, now.now, now.zone)}"
        if one.last_login_at
        else "never signed in",
        is_me=one.id == me,
        disabled=out,
        roles=_roles(one.role),
        clinicians=tuple(Option(str(key), name, key == one.clinician_id) for key, name in columns),
    )
