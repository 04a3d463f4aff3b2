"""Spoiling Halaxy's answers for the record-level switches of the dial."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pmsapp.sandbox.core.fault_kinds import HOSTILE_TEXT
from pmsapp.sandbox.core.vendor import Json

_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "title": str.title,
    "spaces": lambda word: word,
    "hyphens": lambda word: word.replace(" ", "-"),
}


def break_appointment(name: str, record: Json, options: Mapping[str, object]) -> None:
    """Change one appointment in place, as the switch `name` says."""
    match name:
        case "status_spelling":
            spell = _SPELLINGS.get(str(options["style"]), str.upper)
            for coding in _status_codings(record):
                coding["code"] = spell(coding["code"])
        case "unknown_status":
            for coding in _status_codings(record):
                coding["code"] = options["word"]
        case "malformed_time":
            record["start"] = options["text"]
        case "missing_id":
            record.pop("id", None)
        case "null_patient":
            for participant in record.get("participant", []):
                if participant["actor"] and participant["actor"]["type"] == "Patient":
                    participant["actor"] = None
        case "hostile_text":
            record["description"] = HOSTILE_TEXT


def break_patients(payload: Json) -> None:
    """Put hostile text into the name of every patient in an answer."""
    rows = [entry.get("resource", {}) for entry in payload.get("entry", [])] or [payload]
    for row in rows:
        if row.get("resourceType") == "Patient":
            row["name"] = [{"use": "official", "family": HOSTILE_TEXT, "given": [HOSTILE_TEXT]}]


def _status_codings(record: Json) -> list[Json]:
    marks = [
        mark
        for participant in record.get("participant", [])
        for mark in participant.get("modifierExtension", [])
    ]
    return [mark["valueCoding"] for mark in marks if mark["url"].endswith("participant-status")]
