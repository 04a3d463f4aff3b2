"""The help pages. They open for everybody who is signed in, need no script, and link nowhere outside."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import Field

from pmsapp.access import guard
from pmsapp.domain.codes import CATALOGUE, LeadsTo
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.next_step import NextStep, help_href
from pmsapp.services.monitoring import incidents
from pmsapp.web.help import index, view
from pmsapp.web.help.contexts import Place
from pmsapp.web.ui import forms, shell

bp = Blueprint("help", __name__)
QUERY_CHARS = 100


class SearchForm(forms.Form):
    """What is looked for. It is sent in the form's body: people also type names where they should not."""

    q: Annotated[str, Field(max_length=QUERY_CHARS)] = ""


@bp.app_template_global()
def help_page(code: str) -> str | None:
    """The address at which a code is explained; None for one that only programs meet."""
    return help_href(code) if code in index.CODES else None


@bp.get("/help")
def start() -> ResponseReturnValue:
    """Every help page, by subject."""
    return shell.render("help/index.html", "help", page=view.build_index(_role()))


@bp.post("/help")
def search() -> ResponseReturnValue:
    """The pages that a few words lead to."""
    query = forms.read(SearchForm).q
    return shell.render("help/index.html", "help", page=view.build_index(_role(), query))


@bp.get("/help/<topic>")
def show(topic: str) -> ResponseReturnValue:
    """One page: of a code, a badge or a guide."""
    if topic in index.GUIDES_BY_SLUG:
        return shell.render("help/guide.html", "help", page=view.build_guide(index.GUIDES_BY_SLUG[topic]))
    if topic in index.BADGES_BY_SLUG:
        return shell.render("help/badge.html", "help", page=view.build_badge(index.BADGES_BY_SLUG[topic]))
    code = topic.upper()
    if code not in index.CODES:
        raise NotFound("help page")
    now = shell.page_status()
    page = view.build_code(
        index.CODES[code],
        _role(),
        places=_places(code, now),
        connected={connection.pms_type for connection in now.connections},
    )
    return shell.render("help/code.html", "help", now, page=page)


def _role() -> str:
    return guard.current_actor().role


def _places(code: str, now: shell.PageStatus) -> tuple[Place, ...]:
    """Where the code is true now, for those who see such things at all."""
    found = [
        _place(connection.display_name, connection.next_step)
        for connection in now.connections
        if connection.trouble_code == code
    ]
    if now.has_problem:
        found += [
            _place(incident.name, incident.step)
            for incident in incidents.list_open()
            if incident.code == code and incident.connection_id is None
        ]
    return tuple(found)


def _place(name: str, step: NextStep | None) -> Place:
    if step is None or step.leads_to is LeadsTo.HELP:  # that is this page
        return Place(name, None, None)
    return Place(name, *shell.way_to(step))


assert index.CODES.keys() == CATALOGUE.keys(), "every code has a help page, and every page a code"
