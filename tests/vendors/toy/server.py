"""Toybox's server in front of the made-up clinic. Shares no code with its adapter."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment, Patient, Vendor
from pmsapp.sandbox.core.fault_kinds import HOSTILE_TEXT
from pmsapp.sandbox.core.hub import About, Credential
from pmsapp.sandbox.core.vendor import Json, VendorServer, json_response

KEY = "toy-key-000{}"
SLUG = "toybox"
PAGE_SIZE = 40
_REMOTE = frozenset({"telehealth", "online", "phone"})
_BUSY = ("booked", "confirmed", None, "in_progress", "completed", "billed")
_STATES = {"confirmed": "sure", "arrived": "here", "cancelled": "off", "no_show": "absent"}


class ToyboxServer(VendorServer):
    """A key per clinic, a token for it, lists of pages."""

    slug: ClassVar[Vendor] = SLUG
    label: ClassVar[str] = "Toybox"
    prefix: ClassVar[str] = "/toybox/v1"
    endpoints: ClassVar[Mapping[str, str]] = {
        "session": "token",
        "clinic": "tenant",
        "staff": "practitioners",
        "styles": "types",
        "visits": "appointments",
        "visit": "appointment",
    }

    def __init__(self, sandbox: Any) -> None:
        super().__init__(sandbox)
        self._tokens: dict[str, Clinic] = {}
        self._numbers = itertools.count(1)

    def blueprint(self) -> Blueprint:
        calls = Blueprint(SLUG, __name__)
        calls.add_url_rule("/session", "session", self.session, methods=["POST"])
        calls.add_url_rule("/clinics/<code>", "clinic", self.clinic)
        calls.add_url_rule("/visits/<visit_id>", "visit", self.visit)
        for view in (self.staff, self.styles, self.visits):
            calls.add_url_rule(f"/{view.__name__}", view.__name__, view)
        return calls

    def credentials(self, base_url: str) -> list[Credential]:
        code = self.sandbox.clinic.id_of(SLUG, "practice", "")
        return [
            Credential("Base address", base_url),
            Credential("Toy key", KEY.format(1)),
            Credential("Clinic code", code),
        ]

    def reset(self) -> None:
        self._tokens.clear()

    def scope(self) -> About:
        return About(page=int(request.args.get("page", "0")) + 1)

    # Calls

    def session(self) -> Response:
        key = (request.get_json(silent=True) or {}).get("key")
        for number, clinic in enumerate(self.sandbox.clinics, start=1):
            if key == KEY.format(number):
                token = f"toy-token-{next(self._numbers)}"
                self._tokens[token] = clinic
                return json_response({"token": token})
        return self.refuse(401, "token", {})

    def clinic(self, code: str) -> Response:
        clinic = self._mine()
        if code != clinic.id_of(SLUG, "practice", ""):
            return self.refuse(404, "tenant", {})
        return json_response({"name": clinic.name, "zone": clinic.zone_name})

    def staff(self) -> Response:
        clinic = self._mine()
        rows = [
            {
                "id": clinic.id_of(SLUG, "practitioner", person.key),
                "given": person.given,
                "family": person.family,
                "works": person.active,
                "listed": person.shown_in_book,
            }
            for person in clinic.practitioners()
        ]
        return self._page(rows)

    def styles(self) -> Response:
        clinic = self._mine()
        rows = [
            {
                "id": clinic.id_of(SLUG, "type", kind.key),
                "name": kind.name,
                "minutes": kind.duration_min,
                "kept": kind.active,
            }
            for kind in clinic.appointment_types()
        ]
        return self._page(rows)

    def visits(self) -> Response:
        clinic = self._mine()
        bounds = [datetime.fromisoformat(request.args[name]) for name in ("from", "to")]
        found = [row for row in clinic.appointments_between(*bounds) if row.practitioner_key]
        rows = self.sandbox.kept(SLUG, clinic, found)
        return self._page([_draw_visit(clinic, row) for row in rows], clinic)

    def visit(self, visit_id: str) -> Response:
        clinic = self._mine()
        found = clinic.find_appointment(SLUG, visit_id)
        if found is None or not self.sandbox.kept(SLUG, clinic, [found[0]]):
            return self.refuse(404, "appointment", {})
        row = _draw_visit(clinic, found[0])
        return json_response({"visit": row, "people": self._people(clinic, [row])})

    # Inside

    def _mine(self) -> Clinic:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.sandbox.fault("expire_token") or self.sandbox.fault("revoke_token"):
            self._tokens.pop(token, None)
        if token not in self._tokens:
            raise HTTPException(response=self.refuse(401, "other", {}))
        return self._tokens[token]

    def _page(self, rows: list[Json], clinic: Clinic | None = None) -> Response:
        number, faults = int(request.args.get("page", "0")), self.sandbox.page_faults()
        size = PAGE_SIZE // 2 if faults.short else PAGE_SIZE
        step = max(size + faults.drift, 1)
        if faults.repeat and number:
            number -= 1
        last = max(-(-(len(rows) - size) // step), 0)
        shown = rows[min(number, last) * step :][:size]
        more = faults.endless or faults.repeat or number < last
        people = {"people": self._people(clinic, shown)} if clinic else {}
        return json_response({"items": shown, "more": more, **people})

    def _people(self, clinic: Clinic, rows: list[Json]) -> list[Json]:
        wanted = dict.fromkeys(guest["id"] for row in rows for guest in row["guests"])
        hidden = [fault for fault in self.sandbox.met() if fault.name == "patient_left_out"]
        people = []
        for external_id in wanted:
            names = self.sandbox.names(SLUG, "patient", external_id)
            if not any(fault.patient is None or fault.patient in names for fault in hidden):
                key = clinic.find(SLUG, "patient", external_id)
                people.append(_draw_patient(external_id, clinic.patient(key or "")))
        return people

    # Refusals and spoilt records

    def refuse(self, status: int, endpoint: str, options: Mapping[str, object]) -> Response:
        return json_response({"oops": status}, status)

    def records(self, payload: Any) -> list[Json]:
        rows = payload.get("items", [payload.get("visit")]) if isinstance(payload, dict) else []
        return [row for row in rows if isinstance(row, dict) and "starts" in row]

    def owners(self, record: Json) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset([record["staff"]]), frozenset(guest["id"] for guest in record["guests"])

    def break_record(self, name: str, record: Json, options: Mapping[str, object]) -> None:
        match name:
            case "status_spelling":
                for guest in record["guests"]:
                    upper = str(guest["state"]).upper()
                    guest["state"] = upper if options["style"] == "upper" else upper.title()
            case "unknown_status":
                for guest in record["guests"][:1]:
                    guest["state"] = options["word"]
            case "malformed_time":
                record["starts"] = options["text"]
            case "missing_id":
                del record["id"]
            case "null_patient":
                record["guests"] = []
            case "hostile_text":
                record["note"] = HOSTILE_TEXT

    def spoil(self, name: str, payload: Any, options: Mapping[str, object]) -> None:
        for person in payload.get("people", ()) if name == "hostile_text" else ():
            person.update(given=HOSTILE_TEXT, family=HOSTILE_TEXT, called=None)


def _draw_visit(clinic: Clinic, row: Appointment) -> Json:
    kind = clinic.appointment_type(row.type_key) if row.type_key else None
    remote = row.mode in _REMOTE if row.mode is not None else True if kind and kind.named else None
    return {
        "id": clinic.appointment_id(SLUG, row),
        "staff": clinic.id_of(SLUG, "practitioner", row.practitioner_key or ""),
        "style": clinic.id_of(SLUG, "type", row.type_key) if row.type_key else None,
        "starts": row.start_at.astimezone(clinic.zone).isoformat(),
        "minutes": row.duration_min,
        "remote": remote,
        "note": row.comment or row.description,
        "guests": [
            {"id": clinic.id_of(SLUG, "patient", key), "state": _state(clinic, row, key)}
            for key in row.patient_keys
        ],
    }


def _state(clinic: Clinic, row: Appointment, patient_key: str) -> str:
    word = clinic.status_of_patient(row, patient_key).word
    if word in _BUSY and (clinic.now() >= row.start_at or word not in _BUSY[:3]):
        return "due"
    return _STATES.get(word or "", "new")


def _draw_patient(external_id: str, patient: Patient) -> Json:
    return {
        "id": external_id,
        "given": patient.given,
        "family": patient.family,
        "called": patient.preferred,
        "born": patient.born_on.isoformat() if patient.born_on else None,
        "phone": patient.phones[0].typed if patient.phones else None,
        "email": patient.email,
    }


SERVER = ToyboxServer
