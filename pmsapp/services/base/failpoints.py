"""Named places where a test can make the process die, as if the power had gone. No-ops in real life.

PMS_FAILPOINT=<name>[:<nth>] in the environment of a process kills it with SIGKILL on the nth pass (default 1).
"""

from __future__ import annotations

import os
import signal

NAMES = (
    "after_claim",
    "before_reference_write",
    "before_scope_write",
    "after_creates",
    "after_updates",
    "after_swaps",
    "before_scope_commit",
    "after_scope_commit",
    "before_vanished_write",
    "before_vanished_commit",
    "before_finish",
    "before_finish_commit",
    "after_finish",
)
# In the purge and in erasing a patient, which are no part of a run.
UPKEEP_NAMES = ("purge_cards", "purge_rows", "purge_log", "erase_patient", "erase_scrub")
_VARIABLE = "PMS_FAILPOINT"
_passes: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Die here when the environment says so."""
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        return
    point, _, nth = wanted.partition(":")
    if point != name:
        return
    _passes[name] = _passes.get(name, 0) + 1
    if _passes[name] >= int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
