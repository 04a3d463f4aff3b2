"""The JSON interface (bearer tokens count here) and the vendors' webhooks."""

from __future__ import annotations

from pmsapp.permissions.rules import Table

TABLE: Table = {}
