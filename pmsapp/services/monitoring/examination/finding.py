"""What one look of doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `hint` says what to do, None when there is nothing to do."""

    name: str
    state: State
    message: str
    hint: str | None = None


Finding = tuple[State, str, str | None]

START = "Start it: systemctl start pmsapp (without systemd: pmsapp up)"
RESTART = "Restart it: systemctl restart pmsapp (without systemd: stop pmsapp up and start it again)"
