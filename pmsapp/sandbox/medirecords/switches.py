"""The switches only MediRecords' server has: what its guide leaves open, each way it might turn out."""

from __future__ import annotations

from pmsapp.sandbox.core.fault_kinds import FAULT_KINDS, FaultKind

SWITCHES = (
    FaultKind(
        "interval_codes",
        "access",
        "How the interval table answers. `mode`: missing, broken, other_spelling; `shape`: text, minutes, wrapped, map.",
        {"mode": "", "shape": "text"},
        vendor="medirecords",
    ),
    FaultKind(
        "providers_hidden",
        "access",
        "The provider list is closed, with this `status` (403 or 404).",
        {"status": 403},
        vendor="medirecords",
    ),
    FaultKind(
        "other_practice_status",
        "access",
        "Another practice's id is refused with this `status` (403 unless set).",
        {"status": 404},
        vendor="medirecords",
    ),
)


def register() -> None:
    """Put the switches on the dial."""
    FAULT_KINDS.update({kind.name: kind for kind in SWITCHES})
