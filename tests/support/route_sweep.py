"""Every route of the app with every method it takes, as addresses one can call on a seeded clinic."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import inspect, text
from werkzeug.routing import Rule as Route

from pmsapp.access import PERMISSIONS, Rule
from pmsapp.extensions import db
from tests.support.seeded_clinic import DAY

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What says when somebody was last here, what they looked at and how, and the log itself: reading may move it.
_MOVING = {
    "user_sessions": {"last_seen_at"},
    "api_tokens": {"last_used_at"},
    "users": {"sheet_view"},
}
_NOT_COUNTED = frozenset({"audit_events", "audit_keys", "run_sheet_looks", "run_sheet_card_looks"})
_BY_NAME = {"filename": "css/base.css", "event": "appointment.updated", "topic": "AUTH-EXPIRED"}
_DAY_NAMES = frozenset({"day", "date", "iso", "wanted"})


# Bodies that make a call really change something on the seeded clinic.
BODIES: dict[str, dict[str, Any]] = {
    "api_run_sheet.add_card": {
        "date": DAY.isoformat(),
        "start_at": f"{DAY.isoformat()}T15:00:00+11:00",
        "clinician_id": 1,
        "patient_name": "Pat New",
    },
    "api_run_sheet.change_card": {"notes": "Call the carer first"},
    "api_run_sheet.remove_card": {"reason": "Double entry"},
    "api_decisions.decide": {"choice": "keep"},
    "api_matching.create_clinician": {"name": "Dr New Column"},
    "api_matching.change_clinician": {"name": "Dr Other Name"},
    "api_matching.decide_practitioners": {
        "mappings": [{"pms_practitioner_id": "pr-2", "decision": "ignore"}]
    },
    "api_matching.decide_appointment_types": {"types": [{"pms_type_id": "ty-1", "is_telehealth": False}]},
    "api_connections.change_connection": {"display_name": "Another name", "sync_frequency_minutes": 30},
    "api_runs.start_run": {},
    "cards.save": {"notes": "Call the carer first", "row_version": "1", "state": "contacted"},
    "cards.state": {"state": "waiting"},
    "lines.press": {"press": "advance:1:booked"},
    "lines.running_late": {"minutes": "15"},
    "api_run_sheet.check_identity": {"identifiers": ["name", "birth_date", "address"]},
    "api_matching.set_running_late": {"minutes": 10},
    "cards.remove": {"reason": "Double entry"},
    "cards.add": {
        "date": DAY.isoformat(),
        "time": "15:00",
        "clinician_id": "1",
        "patient_name": "Pat New",
        "duration_minutes": "20",
    },
    "decisions.decide": {"choice": "keep"},
    "connection.save": {"display_name": "Third name", "sync_frequency_minutes": "30"},
    "patients.put_right": {"reference": "1:pa-2", "patient_name": "Right Name"},
    "patients.erase_for_good": {"reference": "1:pa-2", "sure": "on", "despite_the_law": "on"},
    "patients.show": {"reference": "1:pa-2"},
    "patients.as_json": {"reference": "1:pa-2"},
    "patients.find": {"name": "Zzyzx"},
    "runsheet.note_look": {"what": "reveal"},
    "connection.pause": {"until": "tomorrow", "reason": "Moving house"},
}


@dataclass(frozen=True)
class Call:
    """One method of one route."""

    endpoint: str
    method: str
    url: str
    rule: Rule | None

    @property
    def unsafe(self) -> bool:
        return self.method in UNSAFE

    def body(self) -> dict[str, Any]:
        """Arguments for a client that make the call change something, where we know how."""
        given = BODIES.get(self.endpoint, {})
        if "/api/" not in self.url:
            return {"data": given}
        return {"json": given, "headers": {"If-Match": "1"}}

    def __str__(self) -> str:
        return f"{self.method} {self.url} ({self.endpoint})"


def calls(app: Flask, *, number: int = 1) -> list[Call]:
    """All of them; ids in addresses are `number`, days the seeded day."""
    return sorted(_calls(app, number), key=str)


def _calls(app: Flask, number: int) -> Iterator[Call]:
    for route in app.url_map.iter_rules():
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            rule = PERMISSIONS.get(route.endpoint, {}).get(method)
            yield Call(route.endpoint, method, _url(app, route, number), rule)


def _url(app: Flask, route: Route, number: int) -> str:
    values = {name: _value(route, name, number) for name in route.arguments}
    with app.test_request_context():
        return app.url_for(route.endpoint, **values)


def _value(route: Route, name: str, number: int) -> object:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _DAY_NAMES:
        return DAY.isoformat()
    kind = type(route._converters[name]).__name__
    return number if kind == "IntegerConverter" else str(number)


def checksum() -> str:
    """A digest of every row of every table, but for what reading may move."""
    digest = hashlib.sha256()
    with db.engine.connect() as connection:
        for name in sorted(inspect(connection).get_table_names()):
            if name in _NOT_COUNTED:
                continue
            result = connection.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - names of our own tables
            columns = list(result.keys())
            kept = [column for column in columns if column not in _MOVING.get(name, set())]
            for row in result.mappings():
                digest.update(repr((name, [row[column] for column in kept])).encode())
    return digest.hexdigest()
