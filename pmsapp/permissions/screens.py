"""The pages: run sheet, decisions, integrations, settings."""

from __future__ import annotations

from pmsapp.permissions.rules import Table

TABLE: Table = {}
