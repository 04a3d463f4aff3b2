"""Gentu's calls over HTTP.

Source: the vendor's public OpenAPI copies (paths, shapes, statuses), one session against the vendor's own sandbox (the
/v1 token path, the gateway's fault bodies, the "Unresolved variable" 500), and the gateway's defaults where neither
says anything. Bearer on everything but the token call; ids are UUIDs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import SandboxError
from pmsapp.sandbox.core.fault_kinds import HOSTILE_TEXT
from pmsapp.sandbox.core.hub import About, Credential, Sandbox
from pmsapp.sandbox.core.vendor import Json, VendorServer, json_response
from pmsapp.sandbox.gentu import access as keys
from pmsapp.sandbox.gentu import objects
from pmsapp.sandbox.gentu.access import GentuAccess
from pmsapp.sandbox.gentu.checks import Problems, is_uuid
from pmsapp.sandbox.gentu.listing import list_page, page_number, read_query

_FAULTS = {
    "missing": ("Invalid access token", "oauth.v2.InvalidAccessToken"),
    "unknown": ("Invalid Access Token", "keymanagement.service.invalid_access_token"),
    "expired": ("Access Token expired", "keymanagement.service.access_token_expired"),
    "revoked": ("Access Token not approved", "keymanagement.service.access_token_not_approved"),
    "unresolved": ("Unresolved variable : app.partnerId", "entities.UnresolvedVariable"),
    "429": ("Rate limit quota violation. Quota limit exceeded.", "policies.ratelimit.QuotaViolation"),
    "403": ("Access denied", "steps.accesscontrol.IPDeniedAccess"),
    "405": ("Method not allowed", "messaging.adaptors.http.flow.MethodNotAllowed"),
    "500": ("Internal server error", "messaging.adaptors.http.flow.InternalServerError"),
    "503": ("The Service is temporarily unavailable", "messaging.adaptors.http.flow.ServiceUnavailable"),
}


def _spelt(word: str, style: str) -> str:
    """The same status, written another way."""
    if style == "title":
        return word.replace("_", " ").title()
    if style in ("spaces", "hyphens"):
        return word.replace("_", " " if style == "spaces" else "-")
    return word.upper()


def _fault(name: str, status: int) -> Response:
    text, code = _FAULTS.get(name, _FAULTS["500"])
    return json_response({"fault": {"faultstring": text, "detail": {"errorcode": code}}}, status)


def _missing(what: str, external_id: str) -> Response:
    return json_response({"message": f"Unable to find {what} resource with id: {external_id}"}, 404)


class _RefusedError(HTTPException):
    """Ends a view with the answer it carries."""

    def __init__(self, answer: Response) -> None:
        super().__init__(response=answer)


class GentuServer(VendorServer):
    """Gentu in front of the clinics; each clinic is a tenant once it is paired."""

    slug = "gentu"
    label = "Gentu"
    prefix = "/gentu/v1"
    endpoints = {
        "token": "token",
        "pair": "pairing",
        "tenants": "tenant",
        "tenant": "tenant",
        "tenant_status": "tenant",
        "practitioners": "practitioners",
        "practitioner": "practitioners",
        "practitioner_sites": "practitioners",
        "users": "practitioners",
        "types": "types",
        "appointments": "appointments",
        "appointment": "appointment",
        "patient": "patient",
    }

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.access = GentuAccess(sandbox)

    def reset(self) -> None:
        """Forget tokens, pairings and made codes."""
        self.access.reset()

    def credentials(self, base_url: str) -> list[Credential]:
        """The app's credentials and codes to pair with."""
        fresh = [code.code for code in self.access.codes() if code.state == "fresh"]
        return [
            Credential("Base address", base_url),
            Credential("Client id", keys.CLIENT_ID),
            Credential("Client secret", keys.CLIENT_SECRET),
            Credential("App id", keys.APP_ID),
            Credential("Pairing codes", ", ".join(fresh), "each works once"),
        ]

    def command(self, name: str, details: Mapping[str, object]) -> Json:
        """pairing_code {clinic}; tenant {tenant_id, access: enabled|disabled|withdrawn}; expire_tokens."""
        if name == "pairing_code":
            place = str(details.get("clinic") or "0")
            if not place.isdigit() or int(place) >= len(self.sandbox.clinics):
                raise SandboxError("clinic is the number of one of the clinics, from 0.")
            clinic = self.sandbox.clinics[int(place)]
            return {"pairing_code": self.access.make_code(clinic), "clinic": clinic.name}
        if name == "tenant":
            tenant_id, access = str(details.get("tenant_id")), str(details.get("access"))
            self.access.set_access(tenant_id, access)
            return {"tenant_id": tenant_id, "access": access}
        if name == "expire_tokens":
            self.access.expire_all()
            return {"expired": True}
        return super().command(name, details)

    # -- what the dial asks ------------------------------------------------------------------------------------------

    def refuse(self, status: int, endpoint: str, options: Mapping[str, object]) -> Response:
        """The gateway's fault body; at the token call its own."""
        if options.get("unresolved_variable"):
            return _fault("unresolved", 500)
        if endpoint == "token" and status in (400, 401):
            return json_response({"ErrorCode": "invalid_client", "Error": "ClientId is Invalid"}, status)
        if status == 401:
            return _fault("unknown", 401)
        if status == 403:
            permission = options.get("permission")
            return (
                json_response({"message": f"Forbidden: {permission}"}, 403)
                if permission
                else _fault("403", 403)
            )
        if status == 404:
            return _missing(endpoint, request.path.rpartition("/")[2])
        return _fault(str(status), status)

    def scope(self) -> About:
        """Whom the request is about: a practitioner by parameter or path, a patient by path."""
        path = request.view_args or {}
        return About(
            practitioner_id=path.get("practitioner_id") or request.args.get("practitionerId"),
            patient_id=path.get("patient_id"),
            page=page_number(request.args),
        )

    def records(self, payload: Any) -> list[Json]:
        """The appointments of a list, or the one asked for."""
        if not isinstance(payload, dict):
            return []
        if "appointments" in payload:
            return list(payload["appointments"])
        return [payload] if "participant" in payload else []

    def owners(self, record: Json) -> tuple[frozenset[str], frozenset[str]]:
        """The providers and the patients among the participants."""
        named: dict[str, set[str]] = {"provider": set(), "patient": set()}
        for person in record.get("participant", []):
            if person["referenceType"] in named and person["referenceId"]:
                named[person["referenceType"]].add(person["referenceId"])
        return frozenset(named["provider"]), frozenset(named["patient"])

    def break_record(self, name: str, record: Json, options: Mapping[str, object]) -> None:
        """Spoil one appointment."""
        match name:
            case "status_spelling" if record["status"]:
                record["status"] = _spelt(record["status"], str(options["style"]))
            case "unknown_status":
                record["status"] = options["word"]
            case "malformed_time":
                record["startAt"] = options["text"]
            case "missing_id":
                del record["id"]
            case "null_patient":
                for person in record["participant"]:
                    if person["referenceType"] == "patient":
                        person["referenceId"] = None
            case "hostile_text":
                record["comment"] = record["description"] = HOSTILE_TEXT

    def spoil(self, name: str, payload: Any, options: Mapping[str, object]) -> None:
        """Spoil the patients that come with a list."""
        if name == "hostile_text" and isinstance(payload, dict):
            for person in payload.get("patients", []):
                person["name"]["given"] = HOSTILE_TEXT
                person["extension"] = []

    # -- the calls ---------------------------------------------------------------------------------------------------

    def blueprint(self) -> Blueprint:
        """Every call of the Healthcare API that a run sheet could want."""
        calls = Blueprint(self.slug, __name__)
        calls.before_request(self._check_token)
        calls.add_url_rule("/oauth2/token", "token", self._token, methods=["POST"])
        calls.add_url_rule("/apps/<app_id>/pairing/<code>", "pair", self._pair, methods=["PUT"])
        calls.add_url_rule("/tenants", "tenants", self._tenants)
        for path, name, view in (
            ("", "tenant", self._tenant),
            ("/status", "tenant_status", self._tenant_status),
            ("/practitioners", "practitioners", self._practitioners),
            ("/practitioners/<practitioner_id>", "practitioner", self._practitioner),
            ("/practitioners/<practitioner_id>/sites", "practitioner_sites", self._practitioner_sites),
            ("/users", "users", self._users),
            ("/appointment-types", "types", self._types),
            ("/appointments", "appointments", self._appointments),
            ("/appointments/<appointment_id>", "appointment", self._appointment),
            ("/patients/<patient_id>", "patient", self._patient),
            ("/referrals", "referrals", self._referrals),
            ("/procedures", "procedures", self._procedures),
        ):
            calls.add_url_rule(f"/tenants/<tenant_id>{path}", name, view)
        return calls

    def _check_token(self) -> Response | None:
        if request.endpoint == f"{self.slug}.token":
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _fault("missing", 401)
        if self.sandbox.fault("expire_token"):
            self.access.expire_token(token)
        if self.sandbox.fault("revoke_token"):
            self.access.revoke_token(token)
        state = self.access.token_state(token)
        return None if state == "good" else _fault(state, 401)

    def _token(self) -> Response:
        given = request.authorization
        if request.mimetype != "application/x-www-form-urlencoded":
            return json_response(
                {"ErrorCode": "invalid_request", "Error": "Content-Type is not form data"}, 400
            )
        basic = given is not None and given.type == "basic"
        if (
            not basic
            or given is None
            or (given.username, given.password) != (keys.CLIENT_ID, keys.CLIENT_SECRET)
        ):
            return self.refuse(401, "token", {})
        if request.form.get("grant_type") != "client_credentials":
            return json_response({"ErrorCode": "invalid_request", "Error": "Unsupported grant type"}, 400)
        token, issued_at = self.access.issue_token()
        return json_response(
            {
                "token_type": "Bearer",
                "access_token": token,
                "expires_in": keys.TOKEN_LIFE_S,
                "refresh_token_expires_in": 0,
                "issued_at": str(int(issued_at.timestamp() * 1000)),
                "application_name": keys.APP_ID,
                "developer.email": "training@example.com",
                "status": "approved",
            }
        )

    def _pair(self, app_id: str, code: str) -> Response:
        if not is_uuid(app_id):
            problems = Problems()
            problems.add("appId", "invalid_string", "Invalid uuid", validation="uuid")
            return json_response(problems.body(), 400)
        if app_id != keys.APP_ID:
            return _missing("app", app_id)
        outcome = self.access.use_code(code)
        if outcome == "unknown":
            return _missing("pairing code", code)
        if outcome in ("used", "expired"):
            words = {"used": "Pairing code has already been consumed", "expired": "Pairing code has expired"}
            return json_response({"message": words[outcome]}, 409)
        return json_response({"message": "Successfully consumed pairing code", "tenantId": outcome})

    def _tenants(self) -> Response:
        off, gone = self.sandbox.fault("tenant_disabled"), self.sandbox.fault("tenant_withdrawn")
        tenants = {} if gone else self.access.tenants()
        return json_response(
            [
                {"tenantId": tenant_id, "tenantAccess": "enabled" if enabled and not off else "disabled"}
                for tenant_id, enabled in tenants.items()
            ]
        )

    def _clinic(self, tenant_id: str) -> Clinic:
        """The clinic behind a tenant id, or the answer that ends the call."""
        if not is_uuid(tenant_id):
            problems = Problems()
            problems.add("tenantId", "invalid_string", "Invalid uuid", validation="uuid")
            raise _RefusedError(json_response(problems.body(), 400))
        clinic = self.access.clinic_of(tenant_id)
        if clinic is None or self.sandbox.fault("tenant_withdrawn"):
            raise _RefusedError(_missing("tenant", tenant_id))
        if not self.access.tenants()[tenant_id] or self.sandbox.fault("tenant_disabled"):
            raise _RefusedError(json_response({"message": "Tenant access is disabled"}, 403))
        return clinic

    def _tenant(self, tenant_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        return json_response(
            {
                "tenantId": tenant_id,
                "tenantNumber": clinic.code or None,
                "timezone": clinic.zone_name if clinic.name else None,
                "tenantName": clinic.name or None,
            }
        )

    def _tenant_status(self, tenant_id: str) -> Response:
        self._clinic(tenant_id)
        return json_response({"message": "Hello world!"})

    def _practitioners(self, tenant_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        people = [person for person in clinic.practitioners() if not person.administrator]
        return json_response([objects.list_user(clinic, person) for person in people])

    def _users(self, tenant_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        return json_response([objects.list_user(clinic, person) for person in clinic.practitioners()])

    def _find(self, clinic: Clinic, kind: str, external_id: str) -> str:
        """The key behind an id in the path, or the answer that ends the call."""
        if not is_uuid(external_id):
            problems = Problems()
            problems.add("id", "invalid_string", "Invalid uuid", validation="uuid")
            raise _RefusedError(json_response(problems.body(), 400))
        key = clinic.find("gentu", kind, external_id)
        if key is None:
            raise _RefusedError(_missing(kind, external_id))
        return key

    def _practitioner(self, tenant_id: str, practitioner_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        key = self._find(clinic, "practitioner", practitioner_id)
        return json_response(objects.user(clinic, clinic.practitioner(key)))

    def _practitioner_sites(self, tenant_id: str, practitioner_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        person = clinic.practitioner(self._find(clinic, "practitioner", practitioner_id))
        sites = [clinic.site(key) for key in person.site_keys]
        return json_response(
            {"data": [{"id": clinic.id_of("gentu", "site", site.key), "name": site.name} for site in sites]}
        )

    def _types(self, tenant_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        kinds = [kind for kind in clinic.appointment_types() if kind.active]
        return json_response([objects.appointment_type(clinic, kind) for kind in kinds])

    def _appointments(self, tenant_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        query = read_query(tenant_id, request.args)
        if isinstance(query, Problems):
            return json_response(query.body(), 400)
        with clinic.lock:
            return json_response(list_page(self.sandbox, clinic, tenant_id, query))

    def _appointment(self, tenant_id: str, appointment_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        if not is_uuid(appointment_id):
            self._find(clinic, "practice", appointment_id)
        found = clinic.find_appointment("gentu", appointment_id)
        if found is None or not self.sandbox.kept("gentu", clinic, [found[0]]):
            return _missing("appointment", appointment_id)
        if found[0].practitioner_key is None:
            return _missing("appointment", appointment_id)
        return json_response(objects.appointment(clinic, found[0]))

    def _patient(self, tenant_id: str, patient_id: str) -> Response:
        clinic = self._clinic(tenant_id)
        return json_response(
            objects.patient(clinic, clinic.patient(self._find(clinic, "patient", patient_id)))
        )

    def _referrals(self, tenant_id: str) -> Response:
        self._clinic(tenant_id)
        return json_response([])

    def _procedures(self, tenant_id: str) -> Response:
        self._clinic(tenant_id)
        return json_response(
            {"data": [], "pagination": {"next": None, "previous": None, "limit": "100", "total": 0}}
        )
