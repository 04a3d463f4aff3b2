"""What leaves this server: the hosts it may call, and the file for support, shown whole before anybody sends it."""

from __future__ import annotations

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import looking
from pmsapp.services.monitoring import outbound
from pmsapp.services.monitoring.examination import diagnostics
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import DiagnosticsPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell

bp = Blueprint("diagnostics", __name__)


@bp.get("/settings/diagnostics")
def index() -> ResponseReturnValue:
    """The hosts, and the file as it would be downloaded."""
    hosts, channels = outbound.list_hosts(), outbound.list_channels()
    page = DiagnosticsPage(
        nav=settings_nav.nav(),
        headline=f"This server may talk to {fmt.plural(len(hosts), 'host')}",
        hosts=tuple((host.host, "; ".join(host.reasons)) for host in hosts),
        channels=tuple(channels),
        bundle=diagnostics.bundle(),
    )
    return shell.render("settings/diagnostics.html", "settings", page=page)


@bp.get("/settings/diagnostics.json")
def download() -> ResponseReturnValue:
    """The file for support."""
    looking.at_export("diagnostics")
    response = make_response(diagnostics.bundle())
    day = clock.now().strftime("%Y-%m-%d")
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="pmsapp-diagnostics-{day}.json"'
    return response
