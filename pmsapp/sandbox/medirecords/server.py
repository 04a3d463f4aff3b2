"""MediRecords' server: a fixed bearer token, one practice per token, its own page object.

Made to catch: readers that trust the default page size of 20, that look for Spring's `content`, that send zones or
seconds in a date, that read codes as minutes, that expect names beside appointments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment, Vendor
from pmsapp.sandbox.core.fault_kinds import HOSTILE_TEXT
from pmsapp.sandbox.core.hub import About, Credential
from pmsapp.sandbox.core.vendor import Json, VendorServer, json_response
from pmsapp.sandbox.medirecords import objects

# Demo credentials: worth nothing anywhere but here. The number is the clinic's place in the sandbox, from 1.
API_TOKEN = "mr-demo-connect-token-000{}"
# The other API's token: known, but not good for this one.
FHIR_TOKEN = "mr-demo-fhir-token-000{}"

DEFAULT_SIZE, MOST_SIZE = 20, 200
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
_ENDLESS_PAGES = 10_000


class MediRecordsServer(VendorServer):
    """The Connect REST API in front of the clinics; each clinic is a practice with a token of its own."""

    slug: ClassVar[Vendor] = "medirecords"
    label: ClassVar[str] = "MediRecords"
    prefix: ClassVar[str] = "/medirecords/v1"
    endpoints: ClassVar[Mapping[str, str]] = {
        "practice": "tenant",
        "providers": "practitioners",
        "appointment_types": "types",
        "appointment_type": "types",
        "appointments": "appointments",
        "appointment": "appointment",
        "patient": "patient",
        "patient_addresses": "patient",
    }

    def blueprint(self) -> Blueprint:
        calls = Blueprint("medirecords", __name__)
        routes: Mapping[str, Callable[..., Response]] = {
            "/practices/<practice_id>": self.practice,
            "/practices/<practice_id>/providers": self.providers,
            "/practices/<practice_id>/appointment-types": self.appointment_types,
            "/practices/<practice_id>/appointment-types/<type_id>": self.appointment_type,
            "/practices/<practice_id>/appointments": self.appointments,
            "/practices/<practice_id>/appointments/<appointment_id>": self.appointment,
            "/patients/<patient_id>": self.patient,
            "/patients/<patient_id>/addresses": self.patient_addresses,
            "/code-system/<name>": self.code_system,
        }
        for rule, view in routes.items():
            calls.add_url_rule(rule, view.__name__, view, methods=["GET"])
        return calls

    def credentials(self, base_url: str) -> list[Credential]:
        clinic = self.sandbox.clinic
        return [
            Credential("Base address", base_url),
            Credential("API token", API_TOKEN.format(1)),
            Credential("Practice id", objects.practice_id(clinic), clinic.name),
        ]

    def scope(self) -> About:
        values = request.view_args or {}
        patient_id = values.get("patient_id") or request.args.get("patientId")
        return About(request.args.get("providerId"), patient_id, _number(request.args.get("page"), 0) + 1)

    # -- who is asking --------------------------------------------------------------------------------------------------

    def _clinic(self, practice_id: str | None = None) -> Clinic:
        """The clinic behind the token, when the practice asked for is its own. Raises _RefusedError."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _RefusedError(self.refuse(401, "other", {"no_token": True}))
        if self.sandbox.fault("expire_token") or self.sandbox.fault("revoke_token"):
            raise _RefusedError(self.refuse(401, "other", {}))
        for number, clinic in enumerate(self.sandbox.clinics, start=1):
            if token.strip() == FHIR_TOKEN.format(number):
                raise _RefusedError(self.refuse(403, "other", {"wrong_api": True}))
            if token.strip() == API_TOKEN.format(number):
                return self._checked(clinic, practice_id)
        raise _RefusedError(self.refuse(401, "other", {}))

    def _checked(self, clinic: Clinic, practice_id: str | None) -> Clinic:
        if self.sandbox.fault("tenant_disabled"):
            raise _RefusedError(self.refuse(403, "other", {}))
        if practice_id is None:
            return clinic
        if self.sandbox.fault("tenant_withdrawn"):
            raise _RefusedError(self.refuse(404, "other", {}))
        if practice_id.lower() != objects.practice_id(clinic):
            switch = self.sandbox.fault("other_practice_status")
            raise _RefusedError(self.refuse(int(switch.number("status")) if switch else 403, "other", {}))
        return clinic

    # -- calls ----------------------------------------------------------------------------------------------------------

    def practice(self, practice_id: str) -> Response:
        return json_response(objects.draw_practice(self._clinic(practice_id)))

    def providers(self, practice_id: str) -> Response:
        clinic = self._clinic(practice_id)
        hidden = self.sandbox.fault("providers_hidden")
        if hidden:
            return self.refuse(int(hidden.number("status")), "practitioners", {})
        status = request.args.get("status")
        rows = [
            objects.draw_provider(clinic, practitioner)
            for practitioner in clinic.practitioners()
            if not practitioner.administrator
        ]
        return self._page([row for row in rows if status in (None, "", row["status"])])

    def appointment_types(self, practice_id: str) -> Response:
        clinic = self._clinic(practice_id)
        rows = [objects.draw_type(clinic, kind) for kind in clinic.appointment_types()]
        flag, active = request.args.get("telehealth"), request.args.get("activeStatus")
        if flag in ("true", "false"):
            rows = [row for row in rows if row["telehealth"] == (flag == "true")]
        if active in ("1", "2"):
            rows = [row for row in rows if row["activeStatus"] == int(active)]
        return self._page(rows)

    def appointment_type(self, practice_id: str, type_id: str) -> Response:
        clinic = self._clinic(practice_id)
        key = clinic.find("medirecords", "type", type_id)
        if key is None:
            return self.refuse(404, "types", {})
        return json_response(objects.draw_type(clinic, clinic.appointment_type(key)))

    def appointments(self, practice_id: str) -> Response:
        clinic = self._clinic(practice_id)
        bounds, wrong = {}, []
        for name in ("appointmentDateRangeStart", "appointmentDateRangeEnd"):
            bounds[name] = _minute(request.args.get(name))
            if bounds[name] is None:
                wrong.append({"parameter": name, "message": "must match yyyy-MM-ddTHH:mm"})
        if wrong:
            return json_response({"errors": wrong}, 400)
        first, last = bounds.values()
        assert first is not None
        assert last is not None
        rows = clinic.appointments_between(_in_zone(first, clinic), _in_zone(last, clinic, end=True))
        rows = self.sandbox.kept("medirecords", clinic, rows)
        drawn = [
            objects.draw_appointment(clinic, row, key) for row in rows for key in row.patient_keys or (None,)
        ]
        low, high = first.isoformat(timespec="minutes"), last.isoformat(timespec="minutes")
        drawn = [row for row in drawn if low <= row["scheduleTime"][:16] <= high and _wanted(row)]
        return self._page(sorted(drawn, key=lambda row: str(row["id"])))

    def appointment(self, practice_id: str, appointment_id: str) -> Response:
        clinic = self._clinic(practice_id)
        found = clinic.find_appointment("medirecords", appointment_id)
        if found is None or not self.sandbox.kept("medirecords", clinic, [found[0]]):
            return self.refuse(404, "appointment", {})
        row, patient_key = found
        return json_response(objects.draw_appointment(clinic, row, patient_key or _first(row)))

    def patient(self, patient_id: str) -> Response:
        clinic = self._clinic()
        key = clinic.find("medirecords", "patient", patient_id)
        if key is None or self.sandbox.fault("patient_left_out"):
            return self.refuse(404, "patient", {})
        return json_response(objects.draw_patient(clinic, clinic.patient(key)))

    def patient_addresses(self, patient_id: str) -> Response:
        clinic = self._clinic()
        if clinic.find("medirecords", "patient", patient_id) is None:
            return self.refuse(404, "patient", {})
        return json_response([])

    def code_system(self, name: str) -> Response:
        self._clinic()
        switch = self.sandbox.fault("interval_codes")
        mode, shape = (switch.text("mode"), switch.text("shape")) if switch else ("", "text")
        served = "appointment-Interval-Code" if mode == "other_spelling" else "appointment-interval-code"
        if mode == "broken":
            return self.refuse(500, "other", {})
        if mode == "missing" or name != served:
            return self.refuse(404, "other", {})
        return json_response(objects.draw_intervals(shape))

    # -- pages ----------------------------------------------------------------------------------------------------------

    def _page(self, rows: list[Json]) -> Response:
        """The page object: `data` and `page`, counted from 0."""
        size = min(max(_number(request.args.get("size"), DEFAULT_SIZE), 1), MOST_SIZE)
        page = max(_number(request.args.get("page"), 0), 0)
        faults = self.sandbox.page_faults()
        size = max(size // 2, 1) if faults.short else size
        # Rows that drift between pages repeat or drop one at each border.
        step = max(size + faults.drift, 1)
        pages = 1 + max(-(-(len(rows) - size) // step), 0) if rows else 0
        shown = page - 1 if faults.repeat and page else page
        shown = min(shown, max(pages - 1, 0)) if faults.endless else shown
        data = rows[shown * step : shown * step + size]
        pages = _ENDLESS_PAGES if faults.endless else pages + bool(faults.repeat)
        return json_response(
            {
                "data": data,
                "first": page == 0,
                "last": page + 1 >= pages,
                "totalPages": pages,
                "totalElements": len(rows),
                "numberOfElements": len(data),
                "size": size,
                "page": page,
            }
        )

    # -- refusals and spoilt records ------------------------------------------------------------------------------------

    def refuse(self, status: int, endpoint: str, options: Mapping[str, object]) -> Response:
        if status == 401:
            return json_response(_unauthorized(bool(options.get("no_token"))), 401)
        if status == 403:
            wrong_api = options.get("wrong_api") or options.get("permission") == "resource_id"
            text = (
                "Invalid token does not contain resource id (connect-api)"
                if wrong_api
                else "Access is denied"
            )
            return json_response({"error": "access_denied", "error_description": text}, 403)
        if status == 404:
            return json_response({"errors": [{"parameter": "id", "message": "Resource not found"}]}, 404)
        return json_response({"status": status, "error": "Error", "message": "The request failed"}, status)

    def records(self, payload: Any) -> list[Json]:
        rows = payload.get("data", [payload]) if isinstance(payload, dict) else []
        return [row for row in rows if isinstance(row, dict) and "scheduleTime" in row]

    def owners(self, record: Json) -> tuple[frozenset[str], frozenset[str]]:
        return _ids(record.get("providerId")), _ids(record.get("patientId"))

    def break_record(self, name: str, record: Json, options: Mapping[str, object]) -> None:
        match name:
            case "status_spelling":
                record["appointmentStatus"] = str(record["appointmentStatus"])
            case "unknown_status":
                record["appointmentStatus"] = options["word"]
            case "malformed_time":
                record["scheduleTime"] = options.get("text")
            case "missing_id":
                record.pop("id", None)
            case "null_patient":
                record["patientId"] = None
            case "hostile_text":
                record["notes"] = HOSTILE_TEXT

    def spoil(self, name: str, payload: Any, options: Mapping[str, object]) -> None:
        if name == "hostile_text" and isinstance(payload, dict) and "lastName" in payload:
            payload.update(firstName=HOSTILE_TEXT, lastName=HOSTILE_TEXT, preferredName=None)


class _RefusedError(HTTPException):
    """Ends a view with the answer it carries."""

    def __init__(self, answer: Response) -> None:
        super().__init__(response=answer)


def _unauthorized(no_token: bool) -> Json:
    if no_token:
        text = "Full authentication is required to access this resource"
        return {"error": "unauthorized", "error_description": text}
    return {"error": "invalid_token", "error_description": "The access token is not valid"}


def _wanted(row: Json) -> bool:
    """Whether the row passes the optional filters of the request; filters nobody knows are ignored."""
    for name in ("providerId", "patientId", "appointmentTypeId", "appointmentStatus"):
        asked = request.args.get(name)
        if asked and str(row.get(name)) != asked:
            return False
    return True


def _minute(text: str | None) -> datetime | None:
    if text is None or not _MINUTE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _in_zone(local: datetime, clinic: Clinic, *, end: bool = False) -> datetime:
    """The instant of a wall-clock minute; of an hour that comes twice, the later one closes a range."""
    return local.replace(tzinfo=clinic.zone, fold=1 if end else 0)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else otherwise


def _ids(value: object) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else [])


def _first(row: Appointment) -> str | None:
    return row.patient_keys[0] if row.patient_keys else None


SERVER = MediRecordsServer
