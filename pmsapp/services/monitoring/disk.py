"""How much room the instance folder's disk has, and when that is little: doctor, incident and metric say the same."""

from __future__ import annotations

import shutil

from pmsapp.extensions import current_settings

LITTLE_BYTES = 1_000_000_000
NONE_BYTES = 200_000_000  # the next upgrade's copy, or the log of a busy day, may not fit any more


def free_bytes() -> int:
    """What is free now."""
    return shutil.disk_usage(current_settings().instance_dir).free


def is_little() -> bool:
    """True while people should free some space before it is too late."""
    return free_bytes() < LITTLE_BYTES
