"""The columns of the run sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Thresholds
from pmsapp.models import RunSheet, RunSheetClinician
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import versions

MAX_NAME_CHARS = 80
MAX_SORT_ORDER = 10_000
MAX_LATE_MIN = 240
MAX_WAIT_MIN = 240
NAME_SENTENCE = f"Give the clinician a name of 1 to {MAX_NAME_CHARS} characters."
LATE_SENTENCE = f"Enter whole minutes, 0 to {MAX_LATE_MIN}."


@dataclass(frozen=True, slots=True)
class ClinicianView:
    """A column. Columns stand by `sort_order`, then name; an inactive one shows only while it has cards.

    `running_late_minutes`: today, as somebody said; `thresholds`: how long its patients may wait.
    """

    id: int
    name: str
    sort_order: int
    active: bool
    running_late_minutes: int = 0
    thresholds: Thresholds = Thresholds()


def list_clinicians() -> list[ClinicianView]:
    """Every column, inactive ones too, in the order of the sheet."""
    with reading() as session:
        today = clinic.today(session)
        return [_view(row, today) for row in session.scalars(_ordered())]


def get_clinician(clinician_id: int) -> ClinicianView:
    """One column. Raises NotFound."""
    with reading() as session:
        return _view(_row(session, clinician_id), clinic.today(session))


def create_clinician(
    actor: Actor, *, name: str, sort_order: int | None = None, active: bool = True
) -> ClinicianView:
    """Add a column, last where no place is given. Raises Invalid."""
    _check(name, sort_order)
    now = clock.now()
    with writing() as session:
        row = add_row(session, name, now, sort_order=sort_order, active=active)
        audit.record(session, actor, "clinician.created", f"clinician:{row.id}")
        _show(session, now)
        return _view(row, clinic.today(session))


def update_clinician(
    clinician_id: int,
    actor: Actor,
    *,
    name: str | None = None,
    sort_order: int | None = None,
    active: bool | None = None,
    thresholds: Thresholds | None = None,
) -> ClinicianView:
    """Change what is given; nothing is stored or audited when nothing differs. Raises NotFound and Invalid."""
    _check(name, sort_order, thresholds)
    now = clock.now()
    with writing() as session:
        row = _row(session, clinician_id)
        given = {
            "name": name and name.strip(),
            "sort_order": sort_order,
            "active": active,
            **_threshold_columns(thresholds),
        }
        changed = sorted(
            field for field, value in given.items() if value is not None and value != getattr(row, field)
        )
        for field in changed:
            setattr(row, field, given[field])
        if changed:
            audit.record(session, actor, "clinician.changed", f"clinician:{row.id}", {"fields": changed})
            _show(session, now)
        return _view(row, clinic.today(session))


def _threshold_columns(thresholds: Thresholds | None) -> dict[str, int]:
    if thresholds is None:
        return {}
    return {
        "notice_after_minutes": thresholds.notice_min,
        "warn_after_minutes": thresholds.warn_min,
        "urgent_after_minutes": thresholds.urgent_min,
    }


def set_running_late(clinician_id: int, minutes: int, actor: Actor) -> ClinicianView:
    """Say by how many minutes a clinician runs late today; 0: on time again. Raises NotFound and Invalid."""
    if isinstance(minutes, bool) or not 0 <= minutes <= MAX_LATE_MIN:
        raise Invalid({"minutes": LATE_SENTENCE})
    now = clock.now()
    with writing() as session:
        row = _row(session, clinician_id)
        if actor.role == "clinician" and actor.clinician_id != clinician_id:
            raise NotFound("clinician")
        today = clinic.today(session)
        row.running_late_minutes, row.running_late_on = minutes, today if minutes else None
        row.running_late_by, row.running_late_at = actor.name, now
        audit.record(session, actor, "clinician.late", f"clinician:{row.id}", {"minutes": minutes})
        session.flush()
        versions.bump(session, [today], now)
        return _view(row, today)


def active_rows(session: Session) -> Sequence[RunSheetClinician]:
    """Columns in use, in the order of the sheet."""
    return session.scalars(_ordered().where(RunSheetClinician.active)).all()


def add_row(
    session: Session, name: str, now: datetime, *, sort_order: int | None = None, active: bool = True
) -> RunSheetClinician:
    """Add a column inside the caller's transaction, last where no place is given."""
    if sort_order is None:
        highest = session.scalar(select(func.max(RunSheetClinician.sort_order)))
        sort_order = min(MAX_SORT_ORDER, 1 if highest is None else highest + 1)
    row = RunSheetClinician(name=name.strip(), sort_order=sort_order, active=active, created_at=now)
    session.add(row)
    session.flush()
    return row


def name_fault(name: str) -> str | None:
    """One sentence about a name that cannot be a column's, or None."""
    text = name.strip()
    if not text or len(text) > MAX_NAME_CHARS or not text.isprintable():
        return NAME_SENTENCE
    return None


def _check(name: str | None, sort_order: int | None, thresholds: Thresholds | None = None) -> None:
    errors: dict[str, str] = {}
    if name is not None and (sentence := name_fault(name)):
        errors["name"] = sentence
    if sort_order is not None and not 0 <= sort_order <= MAX_SORT_ORDER:
        errors["sort_order"] = f"Choose a place from 0 to {MAX_SORT_ORDER}."
    if thresholds is not None and not (
        1 <= thresholds.notice_min < thresholds.warn_min < thresholds.urgent_min <= MAX_WAIT_MIN
    ):
        errors["thresholds"] = f"Enter three rising numbers of minutes, 1 to {MAX_WAIT_MIN}."
    if errors:
        raise Invalid(errors)


def _ordered() -> Select[RunSheetClinician]:
    return select(RunSheetClinician).order_by(
        RunSheetClinician.sort_order, RunSheetClinician.name, RunSheetClinician.id
    )


def _show(session: Session, now: datetime) -> None:
    """Every sheet shows the columns, so every one has changed."""
    session.flush()
    versions.bump(session, session.scalars(select(RunSheet.date)).all(), now)


def _row(session: Session, clinician_id: int) -> RunSheetClinician:
    row = session.get(RunSheetClinician, clinician_id)
    if row is None:
        raise NotFound("clinician")
    return row


def _view(row: RunSheetClinician, today: date) -> ClinicianView:
    return ClinicianView(
        row.id,
        row.name,
        row.sort_order,
        row.active,
        row.running_late_minutes if row.running_late_on == today else 0,
        Thresholds(row.notice_after_minutes, row.warn_after_minutes, row.urgent_after_minutes),
    )
