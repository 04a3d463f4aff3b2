"""What machines ask: health, readiness, metrics."""

from __future__ import annotations

from pmsapp.permissions.rules import Table

TABLE: Table = {}
