"""What machines ask, and how the installation looks after itself: health, clinic hours, incidents, messages."""

from __future__ import annotations

from pmsapp.access.rules import (
    ADMINS,
    DESK,
    PUBLIC,
    STATE,
    Table,
)

TABLE: Table = {
    "health.healthz": {"GET": PUBLIC},
    "health.readyz": {"GET": PUBLIC},
    "health.metrics": {"GET": STATE},
    "api_operations.get_clinic": {"GET": STATE},
    "api_operations.change_clinic": {"PATCH": ADMINS},
    "api_operations.list_incidents": {"GET": STATE},
    "api_operations.snooze_incident": {"POST": DESK},
    "api_operations.test_alerts": {"POST": ADMINS},
    "api_operations.list_deliveries": {"GET": ADMINS},
}
