"""The sandbox as a Flask application: the vendors' servers, the fault dial around them, the control page beside them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from flask import Flask, Response, g, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.wrappers import Response as AnyResponse

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import VENDORS, SandboxError
from pmsapp.sandbox.clinic.store import read_wall_clock
from pmsapp.sandbox.control.control import control_blueprint
from pmsapp.sandbox.core.fault_answers import ELSEWHERE, answer_instead, spoil_answer
from pmsapp.sandbox.core.hub import Sandbox
from pmsapp.sandbox.core.vendor import VendorServer


def create_sandbox(
    clinic: Clinic | None = None,
    *,
    seed: int = 1,
    zone: str = "Australia/Melbourne",
    now: Callable[[], datetime] = read_wall_clock,
    busy: bool = False,
    paired: bool = False,
    vendors: Iterable[str] = VENDORS,
    faults: Sequence[str] = (),
) -> Flask:
    """The whole sandbox as an application; `app.extensions["sandbox"]` is its `Sandbox`.

    `clinic` replaces the one made from seed, zone, now and busy. `paired`: the front clinic counts as connected from
    the start. `faults`: switches to begin with, as `FaultDial.set_text` reads them.
    Raises SandboxError for an unknown vendor or fault.
    """
    front = clinic or Clinic(seed, zone, now, busy=busy)
    sandbox = Sandbox([front, *_further_clinics(front)], paired)
    app = Flask("pmsapp.sandbox", template_folder="control/templates", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    app.extensions["sandbox"] = sandbox
    servers = [_add_vendor(app, sandbox, slug) for slug in vendors]
    for text in faults:
        sandbox.faults.set_text(text)
    app.register_blueprint(control_blueprint(sandbox))
    _add_plain_routes(app, servers)
    _add_dial(app, sandbox, servers)
    return app


def _further_clinics(front: Clinic) -> list[Clinic]:
    """Two more practices: one in another time zone, one that tells as little about itself as it may."""
    west = Clinic(
        front.seed + 1, "Australia/Perth", front.now, name="Quokka Lane Training Clinic", code="GTU0002"
    )
    quiet = Clinic(front.seed + 2, front.zone_name, front.now, name="", code="")
    return [west, quiet]


def _add_vendor(app: Flask, sandbox: Sandbox, slug: str) -> VendorServer:
    if slug not in VENDORS:
        raise SandboxError(f"A vendor is one of {', '.join(VENDORS)}.")
    server_class: type[VendorServer] = importlib.import_module(VENDORS[slug]).SERVER
    server = server_class(sandbox)
    sandbox.servers[slug] = server
    app.register_blueprint(server.blueprint(), url_prefix=server.prefix)
    return server


def _add_plain_routes(app: Flask, servers: Sequence[VendorServer]) -> None:
    @app.get("/")
    def home() -> AnyResponse:
        return redirect("/_sandbox/")

    @app.route(ELSEWHERE, methods=["GET", "POST", "PUT"])
    def elsewhere() -> Response:
        """Where a redirect to another host leads: nobody careful ever comes here, and the log says who did."""
        return Response("{}", mimetype="application/json")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> AnyResponse:
        server = _server_for(servers, request.path)
        if server is None:
            return Response(error.description or "", error.code or 500, mimetype="text/plain")
        return server.refuse(error.code or 500, "other", {})


def _server_for(servers: Sequence[VendorServer], path: str) -> VendorServer | None:
    for server in servers:
        if path == server.prefix or path.startswith(server.prefix + "/"):
            return server
    return None


def _add_dial(app: Flask, sandbox: Sandbox, servers: Sequence[VendorServer]) -> None:
    """Put the request log and the fault dial around every vendor call."""

    @app.before_request
    def meet_faults() -> AnyResponse | None:
        server = _server_for(servers, request.path)
        if server is None:
            if request.path == ELSEWHERE:
                _note(sandbox, "elsewhere", "other")
            return None
        endpoint = server.endpoints.get((request.endpoint or "").rpartition(".")[2], "other")
        _note(sandbox, server.slug, endpoint)
        carried = "Authorization" in request.headers
        scope = sandbox.scope_of(server.slug, endpoint, server.scope(), authorized=carried)
        g.sandbox_faults = sandbox.faults.take(scope)
        return answer_instead(sandbox, server, endpoint, g.sandbox_faults)

    @app.after_request
    def spoil(response: Response) -> Response:
        server = _server_for(servers, request.path)
        if server is not None:
            response = spoil_answer(sandbox, server, response, sandbox.met())
        skew = sandbox.fault("clock_skew")
        seconds = skew.number("seconds") if skew else 0
        response.headers["Date"] = http_date(sandbox.now() + timedelta(seconds=seconds))
        if "sandbox_entry" in g:
            g.sandbox_entry.status = response.status_code
        return response

    @app.teardown_request
    def finish(_error: BaseException | None) -> None:
        if "sandbox_entry" in g:
            sandbox.requests.end(g.sandbox_entry)


def _note(sandbox: Sandbox, vendor: str, endpoint: str) -> None:
    g.sandbox_entry = sandbox.requests.begin(
        vendor=vendor,
        endpoint=endpoint,
        method=request.method,
        path=request.path,
        query=tuple(request.args),
        at=sandbox.now(),
        authorized="Authorization" in request.headers,
        user_agent=request.headers.get("User-Agent", ""),
    )
