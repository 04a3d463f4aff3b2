"""A practice is connected once: which practice a connection reads, and the refusal of a second connection to it.

Two connections to one practice would put every patient on the sheet twice. The vendors say who answers by an id of the
practice (`practice_fingerprint`) and by further ids that belong to it alone (`practice_marks`, such as its clinics).
A connection to one clinic of a group lies inside a connection to the whole group; two clinics lie side by side.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from pmsapp.adapters.base import ConnectionCheck
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import ReconnectRequiredError, advice_for
from pmsapp.models import PMSConnection
from pmsapp.services.base.errors import Conflict

CODE = "PRACTICE-CONNECTED"
# Any number that no other lock of the database uses: whoever claims a practice does so one at a time.
_LOCK = 7_203_115


class PracticeConnected(Conflict):  # noqa: N818 - read as a sentence, like its base
    """The practice has a connection already; `connection_id` and `name` are that one's."""

    def __init__(self, pms_type: str, message: str, connection_id: int, name: str) -> None:
        self.connection_id = connection_id
        self.name = name
        self.advice = advice_for(CODE, get_info(pms_type).label)
        super().__init__(CODE, message)


def claim(session: Session, row: PMSConnection) -> None:
    """Make the row the one connection of its practice, as far as it is known which that is. What it claimed before
    stays its own. Raises PracticeConnected when another connection reads some of the same patients.
    """
    mark = row.practice_fingerprint or row.tenant_id or _typed_practice(row)
    wanted = f"{mark.casefold()}|{(_clinic(row) or '').casefold()}" if mark else None
    if wanted is not None and row.practice_claim == wanted:
        return
    if session.get_bind().dialect.name == "postgresql":  # a write transaction of SQLite is alone anyway
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    with session.no_autoflush:
        other = _other(session, row, _marks(row))
    if other is not None:
        raise _refusal(row, other)
    row.practice_claim = wanted


def taken_elsewhere(
    session: Session, row: PMSConnection, found: ConnectionCheck
) -> ReconnectRequiredError | None:
    """What to tell whoever tests a connection that turns out to read the practice of another one."""
    other = _other(session, row, _marks(row) | _folded([found.practice_fingerprint, *found.practice_marks]))
    if other is None:
        return None
    return ReconnectRequiredError(CODE, pms=get_info(row.pms_type).label, note=f"as {other.display_name}")


def is_another_practice(row: PMSConnection, found: ConnectionCheck) -> bool:
    """True when somebody else answered than the practice this connection is for."""
    known = _folded([row.practice_fingerprint, *(row.practice_marks or [])])
    theirs = _folded([found.practice_fingerprint, *found.practice_marks])
    return bool(known and theirs and not known & theirs)


def learn_marks(row: PMSConnection, found: ConnectionCheck) -> None:
    """Keep the ids by which the vendor knows the practice; none is forgotten."""
    row.practice_fingerprint = row.practice_fingerprint or found.practice_fingerprint
    row.practice_marks = sorted({*(row.practice_marks or []), *found.practice_marks}) or None


def _other(session: Session, row: PMSConnection, marks: frozenset[str]) -> PMSConnection | None:
    """Another connection that reads some of the same patients."""
    others = session.scalars(
        select(PMSConnection).where(PMSConnection.pms_type == row.pms_type).order_by(PMSConnection.id)
    )
    return next(
        (
            other
            for other in others
            if other.id != row.id and marks & _marks(other) and _overlap(_clinic(row), _clinic(other))
        ),
        None,
    )


def _overlap(clinic: str | None, other: str | None) -> bool:
    return clinic is None or other is None or clinic.casefold() == other.casefold()


def _clinic(row: PMSConnection) -> str | None:
    """The one clinic a connection reads; None where it reads the whole practice."""
    if row.organization_id and row.organization_id == row.practice_fingerprint:
        return None
    return row.organization_id or None


def _marks(row: PMSConnection) -> frozenset[str]:
    return _folded(
        [row.practice_fingerprint, row.tenant_id, _typed_practice(row), *(row.practice_marks or [])]
    )


def _typed_practice(row: PMSConnection) -> str | None:
    """The practice id from the connect form, where the vendor's form asks for one and so the id names the practice."""
    asked = any(field.goes_to == "practice_id" for field in get_info(row.pms_type).credential_fields)
    return row.practice_id if asked else None


def _folded(marks: Iterable[str | None]) -> frozenset[str]:
    return frozenset(mark.casefold() for mark in marks if mark)


def _refusal(row: PMSConnection, other: PMSConnection) -> PracticeConnected:
    what = "This practice"
    if _clinic(row) is None and _clinic(other) is not None:
        what = "A clinic of this practice"
    elif _clinic(row) is not None and _clinic(other) is None:
        what = "The whole practice of this clinic"
    return PracticeConnected(
        row.pms_type,
        f"{what} is connected already, as {other.display_name}",
        other.id,
        other.display_name,
    )
