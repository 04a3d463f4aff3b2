"""The pages: run sheet, decisions, integrations, settings."""

from __future__ import annotations

from pmsapp.permissions.rules import DESK, READ, READ_POLL, Table

TABLE: Table = {
    "runsheet.today": {"GET": READ},
    "runsheet.day": {"GET": READ},
    "updates.start": {"POST": DESK},
    "updates.progress": {"GET": READ_POLL},
}
