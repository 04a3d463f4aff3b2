"""Who may sign in. Each change needs a password given minutes ago."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.domain.roles import PEOPLE_ROLES
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.clinic import clinic
from pmsapp.services.people import one_time_links, second_factor, users
from pmsapp.services.people.one_time_links import NewLink
from pmsapp.services.people.users import UserView
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import LinkLine, PeoplePage, PersonLine
from pmsapp.web.settings.forms import InviteForm, RoleForm, SecondFactorRuleForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.labels import ROLE_WORDS
from pmsapp.web.ui.page_contexts import Badge, FormField, Notice, Option
from pmsapp.web.ui.said import lead_to

bp = Blueprint("people", __name__)


@bp.get("/settings/people")
def index() -> ResponseReturnValue:
    """Everybody who may sign in."""
    return _people_page()


@bp.post("/settings/people")
def add() -> ResponseReturnValue:
    """Invite somebody; the link is shown once, on this answer."""
    try:
        form = forms.read(InviteForm)
        made = one_time_links.invite(
            form.email,
            role=form.role,
            actor=guard.current_actor(),
            name=form.name or None,
            clinician_id=form.clinician_id,
        )
    except Invalid as error:
        return _people_page(errors=error.errors)
    except Conflict as error:
        return _people_page(errors={"email": error.message})
    return _people_page(made=made)


@bp.post("/settings/people/<id:user_id>/role")
def change_role(user_id: int) -> ResponseReturnValue:
    """Give somebody another role; they sign in anew."""
    try:
        form = forms.read(RoleForm)
        column = form.clinician_id if form.role == "clinician" else None
        users.change_role(user_id, form.role, guard.current_actor(), clinician_id=column)
    except (Invalid, Conflict) as error:
        return _refused(error, of=user_id)
    return lead_to("/settings/people", "person-role")


@bp.post("/settings/people/<id:user_id>/disable")
def disable(user_id: int) -> ResponseReturnValue:
    """Keep somebody out from now on."""
    try:
        users.disable_user(user_id, guard.current_actor())
    except Conflict as error:
        return _refused(error)
    return lead_to("/settings/people", "person-kept-out")


@bp.post("/settings/people/<id:user_id>/enable")
def enable(user_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    users.enable_user(user_id, guard.current_actor())
    return lead_to("/settings/people", "person-let-in")


@bp.post("/settings/people/<id:user_id>/link")
def make_link(user_id: int) -> ResponseReturnValue:
    """A link with which somebody chooses a password, shown once, on this answer."""
    try:
        return _people_page(made=one_time_links.make(user_id, guard.current_actor()))
    except Conflict as error:
        return _refused(error)


@bp.post("/settings/people/<id:user_id>/sign-out")
def sign_out(user_id: int) -> ResponseReturnValue:
    """End somebody's sessions and forget the browsers they signed in on."""
    users.sign_out_everywhere(user_id, guard.current_actor())
    return lead_to("/settings/people", "person-signed-out")


@bp.post("/settings/people/<id:user_id>/reset-2fa")
def reset_second_factor(user_id: int) -> ResponseReturnValue:
    """Take somebody's second factor away, when phone and recovery codes are gone."""
    second_factor.reset(user_id, guard.current_actor())
    return lead_to("/settings/people", "person-no-factor")


@bp.post("/settings/people/second-factor")
def require_second_factor() -> ResponseReturnValue:
    """Whether everybody has to have one, or administrators only."""
    clinic.ensure()
    for_everybody = forms.read(SecondFactorRuleForm).for_everybody == "yes"
    second_factor.require_for_everybody(for_everybody, guard.current_actor())
    return lead_to("/settings/people", "factor-everybody" if for_everybody else "factor-administrators")


def _refused(error: Invalid | Conflict, *, of: int | None = None) -> Response:
    """The page once more; with `of` the form of that person as it was sent."""
    sentence = " ".join(error.errors.values()) if isinstance(error, Invalid) else error.message
    notice = Notice(sentence, "Nothing was changed.", "warn", "warn", None)
    return _people_page(notice=notice, of=of, status=422)


def _people_page(
    *,
    errors: Mapping[str, str] | None = None,
    notice: Notice | None = None,
    made: NewLink | None = None,
    of: int | None = None,
    status: int = 200,
) -> Response:
    now, errors = shell.page_status(), errors or {}
    columns = [column for column in sheet_columns.list_clinicians() if column.active]
    me = guard.current_actor().id
    typed = forms.typed() if errors else {}
    labels = {"email": "Email", "name": "Name"}
    clinic_now, with_factor = clinic.get_clinic(), second_factor.people_with_one()
    page = PeoplePage(
        nav=settings_nav.nav(),
        people=tuple(
            _person(
                person,
                now,
                [(column.id, column.name) for column in columns],
                me,
                has_second_factor=person.id in with_factor,
                typed=forms.typed() if person.id == of else {},
            )
            for person in users.list_users()
        ),
        form={
            name: FormField(name, label, typed.get(name, ""), error=errors.get(name))
            for name, label in labels.items()
        },
        roles=_roles(typed.get("role", "reception")),
        clinicians=tuple(
            Option(str(column.id), column.name, typed.get("clinician_id") == str(column.id))
            for column in columns
        ),
        errors=forms.told(errors, labels | {"role": "Role", "clinician_id": "Column"}),
        notice=notice,
        made=_made(made, now) if made else None,
        is_training=clinic_now.is_training,
        for_everybody=clinic_now.require_second_factor,
    )
    html = shell.render("settings/people.html", "settings", now, page=page)
    return make_response(html, 422 if errors else status)


def _made(made: NewLink, now: shell.PageStatus) -> LinkLine:
    is_new = made.kind == one_time_links.INVITATION
    return LinkLine(
        headline="Copy the invitation now" if is_new else "Copy the link now",
        name=made.user.name,
        address=request.host_url.rstrip("/") + made.path,
        until=fmt.moment(made.expires_at, now.now, now.zone),
    )


def _roles(chosen: str) -> tuple[Option, ...]:
    return tuple(Option(key, word, key == chosen) for key, word in ROLE_WORDS.items() if key in PEOPLE_ROLES)


def _last(person: UserView, now: shell.PageStatus, *, is_me: bool) -> str:
    """When they came last. Who reads this is signed in, also straight from the set-up page."""
    if person.last_login_at:
        return f"last signed in {fmt.moment(person.last_login_at, now.now, now.zone)}"
    if is_me:
        return "signed in now"
    return "invited, no password yet" if person.is_invited else "never signed in"


def _person(
    person: UserView,
    now: shell.PageStatus,
    columns: list[tuple[int, str]],
    me: int | None,
    *,
    has_second_factor: bool,
    typed: Mapping[str, str],
) -> PersonLine:
    """One person and their form: what is stored, or what was chosen where it was refused."""
    out = person.disabled_at is not None
    column = typed.get("clinician_id", str(person.clinician_id or ""))
    role = ROLE_WORDS.get(person.role, person.role)
    return PersonLine(
        id=person.id,
        name=person.name,
        email=person.email,
        badge=Badge("Kept out", "gone", "stop") if out else Badge(role, "person"),
        last=_last(person, now, is_me=person.id == me),
        is_invited=person.is_invited,
        has_second_factor=has_second_factor,
        second_factor="second factor on" if has_second_factor else "no second factor",
        is_me=person.id == me,
        disabled=out,
        roles=_roles(typed.get("role", person.role)),
        clinicians=tuple(Option(str(key), name, str(key) == column) for key, name in columns),
        is_open=bool(typed),
    )
