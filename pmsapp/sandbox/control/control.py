"""The control page (`/_sandbox/`) and its JSON: reception's side of the training clinic, the fault dial, the answers' key.

Every POST takes a form (and comes back to the page) or JSON (and answers in JSON). A wrong request is a 422 with one
sentence. Nothing here is protected: it is a training ground and listens on this machine only unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from pmsapp.sandbox.clinic.model import VENDORS, SandboxError, Vendor
from pmsapp.sandbox.control.pages import add_pages
from pmsapp.sandbox.core.hub import Sandbox
from pmsapp.sandbox.core.vendor import json_response

_NUMBERS = ("duration_min", "count")
_SWITCHES = ("active", "shown_in_book", "telehealth")
# Emptied on purpose: an empty text clears them.
_CLEARABLE = ("phone", "email")
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def control_blueprint(sandbox: Sandbox) -> Blueprint:
    """The page and the JSON calls."""
    control = Blueprint(
        "control",
        __name__,
        url_prefix="/_sandbox",
        static_folder="templates/static",
        static_url_path="/static",
    )
    control.before_request(_refuse_other_sites)
    control.after_request(_add_headers)
    control.register_error_handler(SandboxError, _say_what_is_wrong)
    add_pages(control, sandbox)
    _add_clinic_calls(control, sandbox)
    _add_fault_calls(control, sandbox)
    _add_other_calls(control, sandbox)
    return control


def _refuse_other_sites() -> Response | None:
    """A form on another site cannot press buttons here."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "same-origin") in (
        "cross-site",
        "same-site",
    ):
        return Response("Only from this page.", 403, mimetype="text/plain")
    return None


def _add_headers(response: Response) -> Response:
    response.headers.update(_PAGE_HEADERS)
    return response


def _say_what_is_wrong(error: SandboxError) -> AnyResponse:
    if _wants_json():
        return json_response({"error": str(error)}, 422)
    return Response(f"{error}\n\nGo back and try again.", 422, mimetype="text/plain")


def _wants_json() -> bool:
    return request.is_json or not request.mimetype.startswith(("application/x-www-form", "multipart/"))


def _details() -> dict[str, Any]:
    """What was sent, as JSON or as a form."""
    if request.is_json:
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict):
            raise SandboxError("Send a JSON object.")
        return dict(sent)
    details: dict[str, Any] = request.form.to_dict()
    details.pop("back", None)
    return details


def _done(answer: object) -> AnyResponse:
    """The answer as JSON, or back to the page a form came from."""
    if _wants_json():
        return json_response(answer)
    back = request.form.get("back", "")
    return redirect(back if back.startswith("/_sandbox/") else "/_sandbox/", 303)


def _add_clinic_calls(control: Blueprint, sandbox: Sandbox) -> None:
    @control.get("/truth")
    def truth() -> Response:
        """The run sheet a perfect reader of ?vendor= would see on ?date= (today when left out)."""
        vendor = _vendor(request.args.get("vendor", "gentu"))
        clinic = sandbox.clinics[_clinic_number(sandbox)]
        wanted = request.args.get("date")
        try:
            on = date.fromisoformat(wanted) if wanted else clinic.today()
        except ValueError as error:
            raise SandboxError("A date is YYYY-MM-DD.") from error
        found = clinic.truth(vendor, on)
        rows = [row.as_dict() for row in found.rows]
        return json_response(
            {"vendor": vendor, "date": on.isoformat(), "rows": rows, "skipped": found.skipped}
        )

    @control.post("/actions")
    def actions() -> AnyResponse:
        """Carry out {action, ...} in the clinic; answers with what changed."""
        details = _details()
        clinic = sandbox.clinics[_clinic_number(sandbox)]
        action = str(details.pop("action", ""))
        changes = clinic.act(action, **_typed(details))
        return _done({"changes": [asdict(change) for change in changes]})

    @control.post("/reset")
    def reset() -> AnyResponse:
        """As just started."""
        sandbox.reset()
        return _done({"reset": True})


def _vendor(word: str) -> Vendor:
    if word not in VENDORS:
        raise SandboxError(f"A vendor is one of {', '.join(VENDORS)}.")
    return word


def _clinic_number(sandbox: Sandbox) -> int:
    word = request.args.get("clinic", "0")
    if not word.isdigit() or int(word) >= len(sandbox.clinics):
        raise SandboxError("clinic is the number of one of the clinics, from 0.")
    return int(word)


def _typed(details: dict[str, Any]) -> dict[str, Any]:
    """Give form texts their kinds; what was left empty is left out."""
    kept: dict[str, Any] = {}
    for name, value in details.items():
        if value == "" and name not in _CLEARABLE:
            continue
        if name in _NUMBERS and isinstance(value, str):
            if not value.isdigit():
                raise SandboxError(f"{name} is a whole number.")
            value = int(value)
        if name in _SWITCHES and isinstance(value, str):
            value = value.lower() in ("1", "true", "yes", "on")
        kept[name] = value
    return kept


def _add_fault_calls(control: Blueprint, sandbox: Sandbox) -> None:
    dial = sandbox.faults

    @control.get("/faults")
    def faults() -> Response:
        """The switches that are on."""
        return json_response({"items": [fault.as_dict() for fault in dial.active()]})

    @control.post("/faults")
    def set_fault() -> AnyResponse:
        """Switch one on: {name, vendor?, endpoint?, practitioner?, patient?, page?, times?, skip?, options?}."""
        details = _details()
        if isinstance(details.get("options"), str):
            pairs = (part.partition("=") for part in details["options"].split(",") if part.strip())
            details["options"] = {key.strip(): value.strip() for key, _, value in pairs}
        return _done(dial.set_from(details).as_dict())

    @control.delete("/faults")
    def clear_faults() -> Response:
        """Switch all off and free what hangs."""
        return json_response({"cleared": dial.clear()})

    @control.delete("/faults/<int:fault_id>")
    def clear_fault(fault_id: int) -> Response:
        """Switch one off."""
        return json_response({"cleared": dial.clear(fault_id)})

    @control.post("/faults/clear")
    def clear_by_form() -> AnyResponse:
        """Switch off the one named by `fault_id`, or all."""
        fault_id = str(_details().get("fault_id") or "")
        return _done({"cleared": dial.clear(int(fault_id) if fault_id.isdigit() else None)})

    @control.post("/faults/release")
    def release() -> AnyResponse:
        """Let every waiting request go on; the switches stay on."""
        dial.release()
        return _done({"released": True})


def _add_other_calls(control: Blueprint, sandbox: Sandbox) -> None:
    @control.get("/requests")
    def requests() -> Response:
        """What was asked of the servers, oldest first; ?vendor= and ?endpoint= narrow it."""
        entries = sandbox.requests.entries(request.args.get("vendor"), request.args.get("endpoint"))
        peaks = {vendor: sandbox.requests.peak(vendor) for vendor in sandbox.servers}
        return json_response({"items": [entry.as_dict() for entry in entries], "peaks": peaks})

    @control.delete("/requests")
    def forget() -> Response:
        """Forget them."""
        sandbox.requests.clear()
        return json_response({"cleared": True})

    @control.get("/state")
    def state() -> Response:
        """The clinics, and for each vendor its base address and what to type into the connection form."""
        base = request.host_url.rstrip("/")
        return json_response(
            {
                "clinics": [
                    {"name": clinic.name, "zone": clinic.zone_name, "today": clinic.today().isoformat()}
                    for clinic in sandbox.clinics
                ],
                "vendors": {
                    slug: {
                        "base_url": base + server.prefix,
                        "credentials": {c.name: c.value for c in server.credentials(base + server.prefix)},
                    }
                    for slug, server in sandbox.servers.items()
                },
            }
        )

    run_command = _command_runner(sandbox)

    @control.post("/vendors/<slug>/<name>")
    def command(slug: str, name: str) -> AnyResponse:
        """Something of one vendor's own, such as Gentu's pairing_code, tenant and expire_tokens."""
        return run_command(slug, name)

    @control.post("/pairing-codes")
    def pairing_codes() -> AnyResponse:
        """A fresh Gentu pairing code; {clinic: 0} says for which clinic."""
        return run_command("gentu", "pairing_code")


def _command_runner(sandbox: Sandbox) -> Callable[[str, str], AnyResponse]:
    def run(slug: str, name: str) -> AnyResponse:
        if slug not in sandbox.servers:
            raise SandboxError("That vendor is not served here.")
        details = _details() if request.content_length else {}
        return _done(sandbox.servers[slug].command(name, details))

    return run
