"""Everything a run could have changed, read straight from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from pmsapp.models import Decision, RunSheet, RunSheetEvent, ScopeFreshness
from pmsapp.models.base import Base
from pmsapp.models.upsert import table_of
from pmsapp.services.base.transaction import reading
from pmsapp.services.sheet.stored_cards import CARDS, OVERRIDES, SHEETS

Row = dict[str, Any]
_RUN_TABLES = ("pms_sync_log", "audit_events", "metric_counters")


@dataclass
class Snapshot:
    """Rows by id."""

    cards: dict[int, Row]
    overrides: dict[int, Row]
    decisions: dict[int, Row]
    sheets: dict[int, Row]
    freshness: dict[int, Row]
    events: int

    @property
    def staff(self) -> dict[str, Any]:
        """What staff typed, wrote and decided about cards; no run may change any of it."""
        own = ("notes", "state", "removed_at", "removed_by", "removed_reason")
        return {
            "cards": {key: [row[name] for name in own] for key, row in self.cards.items()},
            "typed": {
                key: [row[name] for name in ("appointment_id", "field", "value", "base_value", "by", "at")]
                for key, row in self.overrides.items()
            },
        }


class Taken:
    """The last snapshot of a database, which is good until something is committed there, or `forget`."""

    def __init__(self, engine: Engine) -> None:
        self._last: Snapshot | None = None
        event.listen(engine, "commit", self.forget)

    def forget(self, *_: object) -> None:
        """The database may be another now."""
        self._last = None

    def take(self) -> Snapshot:
        """The database now. What is returned is not to be changed."""
        if self._last is None:
            self._last = take()
        return self._last


def take() -> Snapshot:
    """The database now."""
    with reading() as session:
        cards = {
            row.id: dict(row._mapping)
            for row in session.execute(
                select(CARDS, SHEETS.c.date.label("sheet_date")).join(
                    SHEETS, SHEETS.c.id == CARDS.c.run_sheet_id
                )
            )
        }
        return Snapshot(
            cards=cards,
            overrides={row.id: dict(row._mapping) for row in session.execute(select(OVERRIDES))},
            decisions=_rows(session, Decision),
            sheets=_rows(session, RunSheet),
            freshness=_rows(session, ScopeFreshness),
            events=len(session.execute(select(table_of(RunSheetEvent).c.id)).all()),
        )


def everything() -> dict[str, list[Row]]:
    """Every row of every table but the runs themselves, their fence, and the audit log."""
    found: dict[str, list[Row]] = {}
    with reading() as session:
        for name in Base.metadata.tables:
            if name not in _RUN_TABLES:
                rows = session.execute(text(f"select * from {name}"))  # noqa: S608
                found[name] = [{**row._mapping, "fence": None} for row in rows]
    return found


def differences(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> list[str]:
    """Where two states of the database differ, for the message of a failing test."""
    found = []
    for name, rows in before.items():
        if len(rows) != len(after[name]):
            found.append(f"{name}: {len(rows)} rows, then {len(after[name])}")
        for was, now in zip(rows, after[name], strict=False):
            found += [f"{name}.{key}: {was[key]} -> {now[key]}" for key in was if was[key] != now[key]]
    return found


def _rows(session: Session, model: type[Base]) -> dict[int, Row]:
    return {row.id: dict(row._mapping) for row in session.execute(select(table_of(model)))}
