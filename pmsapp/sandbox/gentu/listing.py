"""Listing appointments: the parameters, the bounds, the cursor, and what is loaded beside the list."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import request

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment
from pmsapp.sandbox.core.hub import PageFaults, Sandbox
from pmsapp.sandbox.core.vendor import Json
from pmsapp.sandbox.gentu import objects
from pmsapp.sandbox.gentu.checks import Problems, check_include, check_instant, check_limit, check_uuid

# A patient the vendor cannot give: then the list leaves it out as well.
_PATIENT_FAULTS = ("not_found", "server_error", "bad_gateway", "empty_body", "html_ok", "forbidden")


@dataclass(frozen=True, slots=True)
class Query:
    """One listing as asked for."""

    practitioner_id: str
    after: datetime
    before: datetime
    limit: int
    include: tuple[str, ...]
    offset: int


def read_query(tenant_id: str, args: Mapping[str, str]) -> Query | Problems:
    """The parameters of a listing, or what is wrong with them."""
    problems = Problems()
    practitioner_id = check_uuid(args, "practitionerId", problems)
    after = check_instant(args, "fromDate", problems)
    before = check_instant(args, "toDate", problems)
    limit = check_limit(args, problems)
    include = check_include(args, problems)
    offset = 0
    if "cursor" in args:
        offset = _read_cursor(args["cursor"], tenant_id, args)
        if offset < 0:
            problems.add("cursor", "invalid_string", "Invalid cursor")
    if problems.found or after is None or before is None:
        return problems
    return Query(practitioner_id, after, before, limit, include, offset)


def page_number(args: Mapping[str, str]) -> int:
    """Which page a request is about, as well as it can be told: 1 without a cursor."""
    try:
        offset = int(json.loads(base64.urlsafe_b64decode(args["cursor"]))["o"])
        return offset // int(args["limit"]) + 1
    except (KeyError, ValueError, TypeError, ZeroDivisionError):
        return 1


def list_page(sandbox: Sandbox, clinic: Clinic, tenant_id: str, query: Query) -> Json:
    """One page: strictly between the bounds, by start, every status."""
    key = clinic.find("gentu", "practitioner", query.practitioner_id)
    rows = clinic.appointments_between(query.after, query.before) if query.before > query.after else []
    rows = [
        row
        for row in rows
        if key and key in (row.practitioner_key, *row.also_with) and query.after < row.start_at < query.before
    ]
    rows = sandbox.kept("gentu", clinic, rows)
    paging = sandbox.page_faults()
    page, next_offset = _cut_page(rows, query, paging)
    answer: Json = {
        "appointments": [objects.appointment(clinic, row) for row in page],
        "pagination": {
            "next": None if next_offset is None else _make_cursor(next_offset, tenant_id, request.args),
            "limit": query.limit,
        },
    }
    answer.update(_beside(sandbox, clinic, page, query.include))
    return answer


def _cut_page(
    rows: list[Appointment], query: Query, paging: PageFaults
) -> tuple[list[Appointment], int | None]:
    size = max(1, query.limit // 2) if paging.short else query.limit
    begin = max(0, query.offset + (paging.drift if query.offset else 0))
    page = rows[begin : begin + size]
    following: int | None = query.offset + size
    if paging.repeat:
        return page, query.offset
    if paging.endless:
        return page or rows[:size], following
    return page, following if query.offset + size < len(rows) else None


def _beside(sandbox: Sandbox, clinic: Clinic, page: list[Appointment], include: tuple[str, ...]) -> Json:
    beside: Json = {}
    if "patients" in include:
        keys = dict.fromkeys(key for row in page for key in row.patient_keys)
        given = [key for key in keys if not _is_left_out(sandbox, clinic, key)]
        beside["patients"] = [objects.patient(clinic, clinic.patient(key)) for key in given]
    if "practitioners" in include:
        names = dict.fromkeys(
            key for row in page if row.practitioner_key for key in (row.practitioner_key, *row.also_with)
        )
        beside["practitioners"] = [objects.user(clinic, clinic.practitioner(key)) for key in names]
    if "referrals" in include:
        beside["referrals"] = []
    return beside


def _is_left_out(sandbox: Sandbox, clinic: Clinic, key: str) -> bool:
    """Whether a fault hits this one patient: what cannot be asked for is not loaded beside the list either."""
    names = frozenset({key, clinic.id_of("gentu", "patient", key)})
    for fault in sandbox.met():
        if fault.name == "patient_left_out" and (fault.patient is None or fault.patient in names):
            return True
    return sandbox.faults.aims_at_patient(names, *_PATIENT_FAULTS)


def _fingerprint(tenant_id: str, args: Mapping[str, str]) -> str:
    rest = sorted((name, value) for name, value in args.items() if name != "cursor")
    return hashlib.sha256(json.dumps([tenant_id, rest]).encode()).hexdigest()[:16]


def _make_cursor(offset: int, tenant_id: str, args: Mapping[str, str]) -> str:
    text = json.dumps({"o": offset, "q": _fingerprint(tenant_id, args)})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str, tenant_id: str, args: Mapping[str, str]) -> int:
    """The place a cursor stands for; -1 when it is none of ours or belongs to another question."""
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor))
        if held["q"] != _fingerprint(tenant_id, args):
            return -1
        return int(held["o"])
    except (ValueError, KeyError, TypeError):
        return -1
