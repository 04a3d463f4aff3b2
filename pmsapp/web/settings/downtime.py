"""The downtime copy: its passphrase, and where the files are."""

from __future__ import annotations

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.services.base.errors import Invalid
from pmsapp.services.maintenance import downtime
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import DowntimePage
from pmsapp.web.settings.forms import PassphraseForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.said import lead_to

bp = Blueprint("downtime", __name__)


@bp.get("/settings/downtime")
def index() -> ResponseReturnValue:
    """How things stand, and the form for the passphrase."""
    return _page()


@bp.post("/settings/downtime")
def save() -> ResponseReturnValue:
    """Keep a passphrase, typed twice."""
    try:
        form = forms.read(PassphraseForm)
        downtime.set_passphrase(form.passphrase, guard.current_actor())
    except Invalid as error:
        return _page(" ".join(error.errors.values()), 422)
    return lead_to("/settings/downtime", "passphrase-kept")


@bp.post("/settings/downtime/forget")
def forget() -> ResponseReturnValue:
    """Make no more copies, and take away those there are."""
    downtime.forget(guard.current_actor())
    return lead_to("/settings/downtime", "downtime-forgotten")


def _page(fault: str | None = None, status: int = 200) -> ResponseReturnValue:
    now, standing = shell.page_status(), downtime.standing()
    page = DowntimePage(
        nav=settings_nav.nav(),
        is_set=standing.set_at is not None,
        set_words=f"Passphrase set by {standing.set_by} {fmt.moment(standing.set_at, now.now, now.zone)}."
        if standing.set_at
        else None,
        copies=tuple(
            (
                str(copy.path),
                fmt.moment(copy.made_at, now.now, now.zone),
                f"{max(copy.size_bytes // 1000, 1)} kB",
            )
            for copy in standing.copies
        ),
        fault=fault,
    )
    return make_response(shell.render("settings/downtime.html", "settings", now, page=page), status)
