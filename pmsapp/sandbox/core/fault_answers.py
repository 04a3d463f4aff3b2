"""Carrying out the faults that need no knowledge of a vendor: answers replaced before the work, bodies spoilt after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Response, request
from werkzeug.http import http_date

from pmsapp.sandbox.core.faults import Fault
from pmsapp.sandbox.core.hub import Sandbox
from pmsapp.sandbox.core.vendor import Json, VendorServer

_HTML = "<!doctype html><title>Bad gateway</title><h1>Something went wrong</h1><p>Reference: 0000</p>"
_STATUSES = {"unauthorized": 401, "forbidden": 403, "not_found": 404, "rate_limited": 429}
# A Retry-After nobody would wait for.
HUGE_RETRY_AFTER = "31536000"
_MEGABYTE = 1_000_000
# The other name of this machine: a redirect there leaves the host that was asked.
ELSEWHERE = "/_elsewhere"


def answer_instead(
    sandbox: Sandbox, server: VendorServer, endpoint: str, faults: list[Fault]
) -> Response | None:
    """Wait, or answer in the place of the view; None lets the view do its work."""
    for fault in faults:
        if fault.name in ("slow", "hang") and fault.text("when") != "after":
            _wait(sandbox, fault)
    for fault in faults:
        response = _replacement(sandbox, server, endpoint, fault)
        if response is not None:
            return response
    return None


def _wait(sandbox: Sandbox, fault: Fault) -> None:
    if fault.name == "slow":
        sandbox.faults.wait(fault.number("seconds"))
    else:
        sandbox.faults.wait()


def _replacement(sandbox: Sandbox, server: VendorServer, endpoint: str, fault: Fault) -> Response | None:
    match fault.name:
        case "unauthorized" | "forbidden" | "not_found":
            return server.refuse(_STATUSES[fault.name], endpoint, fault.options)
        case "rate_limited":
            return _rate_limited(sandbox, server, endpoint, fault)
        case "server_error":
            return server.refuse(int(fault.number("status")), endpoint, fault.options)
        case "unresolved_variable":
            return server.refuse(500, endpoint, {"unresolved_variable": True})
        case "bad_gateway":
            return Response(_HTML, 502, mimetype="text/html")
        case "html_ok":
            return Response(_HTML, 200, mimetype="text/html")
        case "empty_body":
            return Response(b"", 200, mimetype="application/json")
        case "redirect":
            return _redirect(fault)
    return None


def _rate_limited(sandbox: Sandbox, server: VendorServer, endpoint: str, fault: Fault) -> Response:
    response = server.refuse(429, endpoint, fault.options)
    wanted = fault.text("retry_after")
    if wanted == "date":
        wanted = http_date(sandbox.now() + timedelta(seconds=fault.number("seconds")))
    if wanted == "huge":
        wanted = HUGE_RETRY_AFTER
    response.headers.pop("Retry-After", None)
    if wanted != "absent":
        response.headers["Retry-After"] = wanted
    return response


def _redirect(fault: Fault) -> Response:
    port = request.host.rpartition(":")[2]
    to = fault.text("to") or f"http://localhost:{port}{ELSEWHERE}"
    return Response(b"", int(fault.number("status")), {"Location": to})


def spoil_answer(sandbox: Sandbox, server: VendorServer, response: Response, faults: list[Fault]) -> Response:
    """Change a good answer as the faults say. Errors are left as they are."""
    for fault in faults:
        if fault.kind.level == "record" and response.is_json and response.status_code == 200:
            _spoil_records(sandbox, server, response, fault)
    for fault in faults:
        if fault.name in ("slow", "hang") and fault.text("when") == "after":
            _wait(sandbox, fault)
        if fault.kind.level == "body" and response.status_code < 300:
            _spoil_body(response, fault)
    return response


def _spoil_records(sandbox: Sandbox, server: VendorServer, response: Response, fault: Fault) -> None:
    payload = response.get_json()
    meant = [record for record in server.records(payload) if _is_meant(sandbox, server, fault, record)]
    if "first" in fault.options:
        first, count = int(fault.number("first")), int(fault.number("count"))
        meant = meant[first : first + count] if count else meant[first:]
    for record in meant:
        server.break_record(fault.name, record, fault.options)
    server.spoil(fault.name, payload, fault.options)
    response.set_data(json.dumps(payload, ensure_ascii=False, separators=(",", ":")))


def _is_meant(sandbox: Sandbox, server: VendorServer, fault: Fault, record: Json) -> bool:
    practitioner_ids, patient_ids = server.owners(record)
    return _among(sandbox, server, "practitioner", fault.practitioner, practitioner_ids) and _among(
        sandbox, server, "patient", fault.patient, patient_ids
    )


def _among(
    sandbox: Sandbox, server: VendorServer, kind: str, wanted: str | None, external_ids: frozenset[str]
) -> bool:
    if wanted is None:
        return True
    return any(wanted in sandbox.names(server.slug, kind, external_id) for external_id in external_ids)


def _spoil_body(response: Response, fault: Fault) -> None:
    body = response.get_data()
    match fault.name:
        case "cut":
            response.response = _half(body)
            response.headers["Content-Length"] = str(len(body) + 1)
        case "truncated_json":
            response.set_data(body[: max(1, len(body) // 2)])
        case "wrong_content_type":
            response.headers["Content-Type"] = fault.text("type")
        case "oversized":
            megabytes = int(fault.number("megabytes"))
            response.response = _padded(body, megabytes)
            response.headers["Content-Length"] = str(len(body) + megabytes * _MEGABYTE)
        case "duplicate_keys":
            response.set_data(_inject(body, b"null", same_key=True))
        case "nan":
            response.set_data(_inject(body, b"NaN"))
        case "deep_nesting":
            depth = int(fault.number("depth"))
            response.set_data(_inject(body, b"[" * depth + b"]" * depth))


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]


def _padded(body: bytes, megabytes: int) -> Iterator[bytes]:
    yield body
    for _ in range(megabytes):
        yield b" " * _MEGABYTE


def _inject(body: bytes, value: bytes, *, same_key: bool = False) -> bytes:
    """Put one more member at the start of the first object in `body`."""
    place = body.find(b"{")
    if place < 0:
        return b"[" + value + b"]"
    payload: Any = json.loads(body)
    first = payload[0] if isinstance(payload, list) else payload
    name = next(iter(first), "sandbox") if same_key else "sandbox"
    comma = b"," if first else b""
    return body[: place + 1] + json.dumps(name).encode() + b":" + value + comma + body[place + 1 :]
