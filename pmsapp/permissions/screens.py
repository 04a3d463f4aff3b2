"""The pages: run sheet, decisions, integrations, settings."""

from __future__ import annotations

from pmsapp.permissions.rules import DESK, OWN_EDIT, READ, READ_POLL, Table

TABLE: Table = {
    "runsheet.today": {"GET": READ},
    "runsheet.day": {"GET": READ},
    "cards.show": {"GET": READ},
    "cards.new": {"GET": DESK},
    "cards.add": {"POST": DESK},
    "cards.save": {"POST": OWN_EDIT},
    "cards.state": {"POST": OWN_EDIT},
    "cards.acknowledge": {"POST": OWN_EDIT},
    "cards.remove": {"POST": DESK},
    "cards.restore": {"POST": DESK},
    "cards.recheck_now": {"POST": OWN_EDIT},
    "decisions.index": {"GET": DESK},
    "decisions.decide": {"POST": DESK},
    "decisions.undo": {"POST": DESK},
    "updates.start": {"POST": DESK},
    "updates.progress": {"GET": READ_POLL},
}
