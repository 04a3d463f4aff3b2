"""Who is doing something: a person, a program's token, the command line, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind`: user, token, cli, system, webhook, anonymous ("stranger" in older audit rows). `name` is what history and cards show ("Mel", "schedule").

    `role` is the role they act under; `clinician_id` is set for a person of role clinician.
    """

    kind: str
    name: str
    id: int | None = None
    role: str = "admin"
    clinician_id: int | None = None
    request_id: str | None = None
    remote_addr: str | None = None

    @property
    def key(self) -> str:
        """A stable text for audit rows, e.g. "user:3 Mel"."""
        return f"{self.kind}:{self.id} {self.name}" if self.id is not None else f"{self.kind} {self.name}"


SYSTEM = Actor(kind="system", name="system")
SCHEDULE = Actor(kind="system", name="schedule")
COMMAND_LINE = Actor(kind="cli", name="command line")
