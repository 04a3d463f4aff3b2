"""Which made-up days are played, and how many: the same seed plays the same days, and CI always those of SEED_IN_CI."""

from __future__ import annotations

import os

SEED_IN_CI = 2026
SEED = int(os.environ.get("PMS_SOAK_SEED") or SEED_IN_CI)
EXAMPLES = int(os.environ.get("PMS_SOAK_EXAMPLES") or 100)
SHARES = 4
EACH = -(-EXAMPLES // SHARES)


def in_words() -> str:
    """One line for the head of every test report."""
    shares = f"{SHARES} shares of {EACH} days with seeds {SEED} to {SEED + SHARES - 1}"
    return f"soak: {shares} (PMS_SOAK_SEED, PMS_SOAK_EXAMPLES)"
