"""What machines ask: health, readiness, metrics."""

from __future__ import annotations

from pmsapp.permissions.rules import PUBLIC, STATE, Table

TABLE: Table = {
    "health.healthz": {"GET": PUBLIC},
    "health.readyz": {"GET": PUBLIC},
    "health.metrics": {"GET": STATE},
}
