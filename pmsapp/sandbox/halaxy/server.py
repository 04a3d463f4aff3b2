"""Halaxy's calls over HTTP: the token, searches and single resources.

Source: Halaxy's developer documentation (authentication, querying, errors, resources) and published clients, read
2026-11-22. Where they are silent a switch picks among the ways it could be (`switches.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Vendor
from pmsapp.sandbox.core.hub import About, Credential, Sandbox
from pmsapp.sandbox.core.vendor import Json, VendorServer, json_response
from pmsapp.sandbox.halaxy import access as keys
from pmsapp.sandbox.halaxy import finding, listing, spoiling
from pmsapp.sandbox.halaxy.access import HalaxyAccess
from pmsapp.sandbox.halaxy.appointments import draw_appointment
from pmsapp.sandbox.halaxy.objects import Refs
from pmsapp.sandbox.halaxy.search import (
    BadParameterError,
    Paging,
    make_bundle,
    read_ids,
    read_paging,
    tail,
    warning_entry,
)
from pmsapp.sandbox.halaxy.webhooks import WebhookSender

FHIR_JSON = "application/fhir+json"
_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    409: "conflict",
    422: "invalid",
    429: "throttled",
    503: "transient",
}


class _RefusedError(HTTPException):
    """Ends a view with the answer it carries."""

    def __init__(self, answer: Response) -> None:
        super().__init__(response=answer)


def _fhir(payload: Any, status: int = 200) -> Response:
    return json_response(payload, status, FHIR_JSON)


def _outcome(status: int, code: str, text: str) -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": text, "details": {"text": text}}
    return _fhir({"resourceType": "OperationOutcome", "issue": [issue]}, status)


class HalaxyServer(VendorServer):
    """Halaxy in front of the clinics; each clinic is a practice group with a key of its own."""

    slug: ClassVar[Vendor] = "halaxy"
    label: ClassVar[str] = "Halaxy"
    prefix: ClassVar[str] = "/halaxy/main"
    endpoints: ClassVar[Mapping[str, str]] = {
        "token": "token",
        "organizations": "tenant",
        "organization": "tenant",
        "practitioners": "practitioners",
        "practitioner": "practitioners",
        "roles": "practitioners",
        "role": "practitioners",
        "types": "types",
        "service": "types",
        "appointments": "appointments",
        "appointment": "appointment",
        "patients": "patient",
        "patient": "patient",
    }

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.access = HalaxyAccess(sandbox)
        self.webhooks = WebhookSender(sandbox)

    def reset(self) -> None:
        """Forget tokens, calls and webhooks."""
        self.access.reset()
        self.webhooks.reset()

    def credentials(self, base_url: str) -> list[Credential]:
        """The front practice's key."""
        return [
            Credential("Base address", base_url),
            Credential("Client id", keys.CLIENT_ID.format(1)),
            Credential("Client secret", keys.CLIENT_SECRET.format(1)),
        ]

    def blueprint(self) -> Blueprint:
        """Every call, the gateway's check in front, and the page where webhooks are set up (no part of the API)."""
        calls = Blueprint("halaxy", __name__)
        calls.before_request(self._meet_gateway)
        calls.after_request(self._add_rate_headers)
        calls.add_url_rule("/oauth/token", "token", self.token, methods=["POST"])
        calls.add_url_rule("/metadata", "metadata", self.metadata, methods=["GET"])
        for resource, many, view in (
            ("Appointment", self.appointments, self.appointment),
            ("Patient", self.patients, self.patient),
            ("Practitioner", self.practitioners, self.practitioner),
            ("PractitionerRole", self.roles, self.role),
            ("Organization", self.organizations, self.organization),
            ("HealthcareService", self.types, self.service),
        ):
            calls.add_url_rule(f"/{resource}", many.__name__, many, methods=["GET"])
            calls.add_url_rule(f"/{resource}/<external_id>", view.__name__, view, methods=["GET"])
        calls.register_error_handler(MethodNotAllowed, lambda _error: Response(b"", 405))
        calls.record_once(lambda state: self.webhooks.add_routes(state.app))
        return calls

    # -- the gateway ----------------------------------------------------------------------------------------------------

    def _meet_gateway(self) -> Response | None:
        if not request.headers.get("User-Agent", "").strip():
            return Response("<html><h1>403 Forbidden</h1></html>", 403, mimetype="text/html")
        return None

    def _add_rate_headers(self, response: Response) -> Response:
        rate = g.get("halaxy_rate")
        if rate is not None:
            response.headers["x-ratelimit-limit"] = str(rate[0])
            response.headers["x-ratelimit-remaining"] = str(rate[1])
        return response

    def _clinic(self) -> Clinic:
        """The practice behind the token. Ends the view when there is none, or when it has called too often."""
        found = self.access.clinic_for(request.headers.get("Authorization", ""))
        if isinstance(found, str):
            text = "The access token has expired" if found == "expired" else "Unauthenticated"
            raise _RefusedError(_outcome(401, found, text))
        limit, left, wait_s = self.access.count_call(found)
        g.halaxy_rate = (limit, left)
        if wait_s:
            answer = self.refuse(429, "other", {})
            answer.headers["retry-after"] = str(int(wait_s) + 1)
            raise _RefusedError(answer)
        if self.sandbox.fault("tenant_disabled") or self.sandbox.fault("tenant_withdrawn"):
            raise _RefusedError(self.refuse(403, "tenant", {}))
        switch = self.sandbox.fault("outcome_in_ok")
        if switch:
            raise _RefusedError(_outcome(200, switch.text("code"), "The request could not be carried out"))
        return found

    # -- calls ----------------------------------------------------------------------------------------------------------

    def token(self) -> Response:
        """A token for an id and a secret."""
        issued = self.access.issue()
        return self.refuse(401, "token", {}) if issued is None else json_response(issued)

    def metadata(self) -> Response:
        """The CapabilityStatement, in short."""
        self._clinic()
        return _fhir(
            {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "fhirVersion": "4.3.0",
                "kind": "instance",
            }
        )

    def organizations(self) -> Response:
        """The practice group, its clinics, and somebody else's rooms."""
        return self._search_drawn(listing.organizations(self._clinic(), self._refs()))

    def organization(self, external_id: str) -> Response:
        """One organisation."""
        return self._read(listing.organizations(self._clinic(), self._refs()), external_id)

    def practitioners(self) -> Response:
        """Staff, administrators among them, and external contacts."""
        return self._search_drawn(listing.practitioners(self._clinic()))

    def practitioner(self, external_id: str) -> Response:
        """One practitioner."""
        return self._read(listing.practitioners(self._clinic()), external_id)

    def roles(self) -> Response:
        """A role per practitioner and clinic; administrators have none, external contacts have theirs."""
        clinic, refs = self._clinic(), self._refs()
        rows = listing.roles(clinic, refs)
        person = request.args.get("practitioner")
        if person is not None and "/" not in person:
            return _outcome(422, "invalid", "practitioner: a reference needs its type")
        if person is not None:
            rows = [row for row in rows if tail(row["practitioner"]["reference"]) == tail(person)]
        return self._search_drawn(rows, listing.role_companions(clinic, refs, _included()))

    def role(self, external_id: str) -> Response:
        """One role."""
        return self._read(listing.roles(self._clinic(), self._refs()), external_id)

    def types(self) -> Response:
        """Appointment types, archived ones included."""
        return self._search_drawn(listing.types(self._clinic(), self._refs()))

    def service(self, external_id: str) -> Response:
        """One appointment type."""
        return self._read(listing.types(self._clinic(), self._refs()), external_id)

    def patients(self) -> Response:
        """Patients, by id."""
        clinic = self._clinic()
        if self.sandbox.fault("patients_hidden"):
            return self.refuse(403, "patient", {"permission": "Patients > Retrieve"})
        return self._search_drawn(listing.patients(clinic, self._refs(), read_ids(request.args.get("_id"))))

    def patient(self, external_id: str) -> Response:
        """One patient."""
        clinic = self._clinic()
        if self.sandbox.fault("patients_hidden"):
            return self.refuse(403, "patient", {"permission": "Patients > Retrieve"})
        return self._read(listing.patients(clinic, self._refs(), frozenset([external_id])), external_id)

    def appointments(self) -> Response:
        """Appointments of every status, cancelled ones among them."""
        clinic = self._clinic()
        try:
            rows = finding.find_rows(self.sandbox, clinic, request.args)
        except BadParameterError as error:
            return _outcome(422, "invalid", f"{error}: not a value for this parameter")
        style = finding.style_for(self.sandbox, clinic, self._base())
        along = finding.patients_along(self.sandbox, clinic, style.refs, _included())
        return self._search(rows, lambda row: (draw_appointment(clinic, row, style), along(row)))

    def appointment(self, external_id: str) -> Response:
        """One appointment."""
        clinic = self._clinic()
        found = clinic.find_appointment("halaxy", external_id)
        kept = found and found[0].practitioner_key and self.sandbox.kept("halaxy", clinic, [found[0]])
        if not found or not kept:
            return self.refuse(404, "appointment", {})
        return _fhir(
            draw_appointment(clinic, found[0], finding.style_for(self.sandbox, clinic, self._base()))
        )

    def _refs(self) -> Refs:
        return finding.refs_for(self.sandbox, self._base())

    def _base(self) -> str:
        return request.url_root.rstrip("/") + self.prefix

    # -- bundles --------------------------------------------------------------------------------------------------------

    def _search_drawn(
        self, rows: list[Json], along: Callable[[Json], list[Json]] = lambda _row: []
    ) -> Response:
        """A search over resources that are drawn already."""
        ids, profile = read_ids(request.args.get("_id")), request.args.get("_profile")
        if ids is not None:
            rows = [row for row in rows if row["id"] in ids]
        if profile is not None:
            rows = [row for row in rows if row["meta"]["profile"] == profile]
        active = request.args.get("active")
        if active in ("true", "false"):
            rows = [row for row in rows if row.get("active", True) == (active == "true")]
        return self._search(rows, lambda row: (row, along(row)))

    def _read(self, rows: list[Json], external_id: str) -> Response:
        """The one resource of these with that id."""
        row = next((row for row in rows if row["id"] == external_id), None)
        return self.refuse(404, "other", {}) if row is None else _fhir(row)

    def _search(self, rows: list[Any], draw: Callable[[Any], tuple[Json, list[Json]]]) -> Response:
        try:
            count, page = read_paging(request.args)
        except BadParameterError:
            return _outcome(422, "invalid", "page and _count are whole numbers")
        links, foreign = self.sandbox.fault("paging_links"), self.sandbox.fault("foreign_link")
        paging = Paging(
            count=count,
            page=page,
            faults=self.sandbox.page_faults(),
            links=links.text("mode") if links else "both",
            with_total=not self.sandbox.fault("total_left_out") and request.args.get("_total") != "none",
            foreign=foreign.text("to") if foreign else None,
        )
        bundle = make_bundle(request.base_url, request.args, rows, paging, draw, self.sandbox.now())
        self._add_warnings(bundle)
        return _fhir(bundle)

    def _add_warnings(self, bundle: Json) -> None:
        texts = []
        if self.sandbox.fault("outcome_entry"):
            texts.append("Some parameters were ignored")
        if self.sandbox.fault("patients_hidden") and request.args.get("_include"):
            texts.append("Included resources were left out: no permission for Patient")
        if texts:
            bundle.setdefault("entry", []).extend(warning_entry(text) for text in texts)

    # -- what the dial asks ---------------------------------------------------------------------------------------------

    def refuse(self, status: int, endpoint: str, options: Mapping[str, object]) -> Response:
        """An OperationOutcome; at the token call an OAuth error; 405 without a body."""
        if status == 405:
            return Response(b"", 405)
        if endpoint == "token" and status in (400, 401):
            text = "Client authentication failed"
            body = {"error": "invalid_client", "error_description": text, "message": text}
            return json_response(body, status)
        permission = options.get("permission")
        text = f"No permission: {permission}" if permission else f"HTTP {status}"
        return _outcome(status, _CODES.get(status, "exception"), text)

    def scope(self) -> About:
        """Whom the request is about."""
        args, path = request.args, (request.view_args or {}).get("external_id")
        people = request.path.startswith(self.prefix + "/Patient")
        patient = (path or args.get("_id")) if people else args.get("patient")
        page = args.get("page", "")
        return About(
            practitioner_id=tail(args["practitioner"]) if "practitioner" in args else None,
            patient_id=tail(patient) if patient else None,
            page=int(page) if page.isdecimal() and len(page) < 9 else 1,
        )

    def records(self, payload: Any) -> list[Json]:
        """The appointments of a bundle, or the one asked for."""
        if not isinstance(payload, dict):
            return []
        rows = [entry.get("resource", {}) for entry in payload.get("entry", [])] or [payload]
        return [row for row in rows if row.get("resourceType") == "Appointment"]

    def owners(self, record: Json) -> tuple[frozenset[str], frozenset[str]]:
        """The practitioners behind the roles, and the patients, of an appointment."""
        people, patients = set(), set()
        for participant in record.get("participant", []):
            external_id = tail(participant["actor"]["reference"])
            if participant["actor"]["type"] == "Patient":
                patients.add(external_id)
                continue
            for clinic in self.sandbox.clinics:
                found = clinic.find_role(external_id)
                if found:
                    people.add(clinic.id_of("halaxy", "practitioner", found[0]))
        return frozenset(people), frozenset(patients)

    def break_record(self, name: str, record: Json, options: Mapping[str, object]) -> None:
        """Spoil one appointment."""
        spoiling.break_appointment(name, record, options)

    def spoil(self, name: str, payload: Any, options: Mapping[str, object]) -> None:
        """Spoil the patients that come along."""
        if name == "hostile_text" and isinstance(payload, dict):
            spoiling.break_patients(payload)


def _included() -> frozenset[str]:
    return frozenset([*request.args.getlist("_include"), *request.args.getlist("_include:iterate")])
