"""What a run came to, from what its scopes came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from pmsapp.domain.sync_state import RunStatus

COUNTS = ("fetched", "created", "updated", "unchanged", "skipped", "failed", "removed", "held")


_DECISIVE = ("AUTH", "ACCESS", "APP", "PRACTICE", "RATE", "RUN")
_NAMED_AT_MOST = 3
_SET_ASIDE = ("REMOVE-HELD", "REC-BAD")


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """One practitioner-day of a run in short. `skipped` counts why pairs made no card; `place` is whose and which day."""

    name: str | None
    outcome: str
    error_code: str | None
    counts: Counter[str]
    skipped: Counter[str] = field(default_factory=Counter)
    place: tuple[str | None, date] | None = None


def total(scopes: Sequence[ScopeResult]) -> Counter[str]:
    """The run's numbers are the sums of its scopes'."""
    return sum((scope.counts for scope in scopes), Counter())


def skipped_reasons(scopes: Sequence[ScopeResult]) -> dict[str, int]:
    """Why pairs made no card, with their numbers."""
    reasons = sum((scope.skipped for scope in scopes), Counter())
    return {str(reason): count for reason, count in sorted(reasons.items()) if count}


def status_of(scopes: Sequence[ScopeResult]) -> RunStatus:
    """success: every scope complete, nothing failed or held. failed: nothing could be read. partial: in between."""
    numbers = total(scopes)
    if scopes and all(scope.outcome == "failed" for scope in scopes):
        return RunStatus.FAILED
    whole = all(scope.outcome == "complete" for scope in scopes)
    return RunStatus.SUCCESS if whole and not numbers["failed"] and not numbers["held"] else RunStatus.PARTIAL


def reason_code(scopes: Sequence[ScopeResult]) -> str | None:
    """The code a partial or failed run carries: who must act counts most, then what could not be read."""
    status = status_of(scopes)
    if status is RunStatus.SUCCESS:
        return None
    codes = Counter(scope.error_code for scope in scopes if scope.error_code)
    if status is RunStatus.FAILED and codes:
        return codes.most_common(1)[0][0]
    decisive = next((code for code in codes if code.startswith(_DECISIVE)), None)
    if decisive:
        return decisive
    if any(scope.outcome != "complete" for scope in scopes):
        return "READ-PART"
    return "REMOVE-HELD" if total(scopes)["held"] else "REC-BAD"


def error_details(code: str | None, scopes: Sequence[ScopeResult]) -> dict[str, object] | None:
    """The run's code, and how many of its lists ended with which code; None when nothing was wrong."""
    codes = Counter(scope.error_code for scope in scopes if scope.error_code)
    return {"code": code, "scopes": dict(sorted(codes.items()))} if code or codes else None


def sentence(code: str, scopes: Sequence[ScopeResult], headline: Callable[[str], str], at: str) -> str:
    """What to tell people: first whose lists are up to date (`at`: since when), then whose are not and why.

    `headline` puts a code into words. Where nobody's list is fine, what was wrong follows the headline of `code`.
    Where everybody's is, what waits for a person is said: whose cards are held, how many records are kept aside.
    """
    unread: dict[str, list[str]] = {}
    for scope in scopes:
        names = unread.setdefault(scope.error_code or code, []) if scope.outcome != "complete" else None
        if names is not None and _name(scope) not in names:
            names.append(_name(scope))
    missing = {name for names in unread.values() for name in names}
    fine = [name for name in dict.fromkeys(_name(scope) for scope in scopes) if name not in missing]
    if code in _SET_ASIDE and not missing:
        return "; ".join(_set_aside(scopes)) or headline(code)
    if not fine or not missing:
        return ": ".join([headline(code), *(headline(reason) for reason in unread if reason != code)])
    parts = [f"{_listed(fine)} up to date {at}"]
    parts += [f"{_listed(names)} not read: {headline(reason)}" for reason, names in unread.items()]
    return "; ".join(parts + _set_aside(scopes))


def _set_aside(scopes: Sequence[ScopeResult]) -> list[str]:
    """What waits for a person although its list was read, with its numbers."""
    numbers = total(scopes)
    held, bad = numbers["held"], numbers["failed"]
    said = []
    if held:
        names = _listed(list(dict.fromkeys(_name(scope) for scope in scopes if scope.counts["held"])))
        said.append(f"{held} {'card' if held == 1 else 'cards'} of {names} held until somebody looks")
    if bad:
        said.append(f"{bad} {'appointment' if bad == 1 else 'appointments'} could not be understood")
    return said


def _name(scope: ScopeResult) -> str:
    return scope.name or "appointments without a clinician"


def _listed(names: Sequence[str]) -> str:
    if len(names) > _NAMED_AT_MOST:
        return f"{len(names)} clinicians"
    return ", ".join(names)
