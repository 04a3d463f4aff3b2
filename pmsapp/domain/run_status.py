"""What a run came to, from what its scopes came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pmsapp.domain.sync_state import RunStatus


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """One practitioner-day of a run in short."""

    name: str | None
    outcome: str
    error_code: str | None
    counts: Counter[str]


def total(scopes: Sequence[ScopeResult]) -> Counter[str]:
    """The run's numbers are the sums of its scopes'."""
    out: Counter[str] = Counter()
    for scope in scopes:
        out.update(scope.counts)
    return out


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
    decisive = next(
        (code for code in codes if code.startswith(("AUTH", "ACCESS", "APP", "PRACTICE", "RATE", "RUN"))),
        None,
    )
    if decisive:
        return decisive
    if any(scope.outcome != "complete" for scope in scopes):
        return "READ-PART"
    return "REMOVE-HELD" if total(scopes)["held"] else "REC-BAD"


def unread_names(scopes: Sequence[ScopeResult]) -> list[str]:
    """Whose lists were not read to the end."""
    return list(dict.fromkeys(scope.name or "unassigned" for scope in scopes if scope.outcome != "complete"))
