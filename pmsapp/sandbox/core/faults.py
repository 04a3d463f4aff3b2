"""The fault dial: switches that make the servers misbehave, each with a scope and a count.

In process: `dial.set("rate_limited", vendor="gentu", endpoint="appointments", times=2, retry_after=90)`. The same by
JSON and by the page. A switch stays on until it has been used `times` times or is cleared. Practitioners and patients
are named by the clinic's key or by the vendor's id. Nothing here sleeps: what waits is freed by `release` or `stop`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from pmsapp.sandbox.clinic.model import VENDORS, SandboxError
from pmsapp.sandbox.core.fault_kinds import ENDPOINT_KINDS, FAULT_KINDS, FaultKind

# A hang ends by itself after this long, so that a forgotten one does not hold its thread for ever.
LONGEST_HANG_S = 3600.0
SCOPE_FIELDS = frozenset({"vendor", "endpoint", "practitioner", "patient", "page", "times", "skip"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What one request is about. The name sets hold the vendor's id and the clinic's key; empty = not named.

    `has_token`: it carries a token; the call that fetches one does not.
    """

    vendor: str
    endpoint: str
    practitioner: frozenset[str] = frozenset()
    patient: frozenset[str] = frozenset()
    page: int | None = None
    has_token: bool = True


@dataclass(slots=True)
class Fault:
    """One switch. None in a scope field means any."""

    id: int
    name: str
    vendor: str | None = None
    endpoint: str | None = None
    practitioner: str | None = None
    patient: str | None = None
    page: int | None = None
    # How many requests it still hits; None = until cleared.
    times: int | None = None
    # How many requests in its scope pass before it begins.
    skip: int = 0
    hits: int = 0
    options: dict[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> FaultKind:
        """What sort of fault this is."""
        return FAULT_KINDS[self.name]

    def number(self, option: str) -> float:
        """An option that is a number."""
        try:
            return float(str(self.options[option]))
        except ValueError as error:
            raise SandboxError(f"{self.name}: {option} is a number.") from error

    def text(self, option: str) -> str:
        """An option that is text."""
        return str(self.options[option])

    def covers(self, scope: Scope) -> bool:
        """Whether a request with this scope is meant."""
        if self.vendor not in (None, scope.vendor) or self.endpoint not in (None, scope.endpoint):
            return False
        if self.page not in (None, scope.page):
            return False
        if self.kind.about_token and not scope.has_token:
            return False
        # A list that names nobody may still hold the records meant: those are picked out later.
        unnamed_ok = self.kind.level == "record"
        return _meant(self.practitioner, scope.practitioner, unnamed_ok) and _meant(
            self.patient, scope.patient, unnamed_ok
        )

    def as_dict(self) -> dict[str, object]:
        """The switch for JSON and the page."""
        return {
            "id": self.id,
            "name": self.name,
            "vendor": self.vendor,
            "endpoint": self.endpoint,
            "practitioner": self.practitioner,
            "patient": self.patient,
            "page": self.page,
            "times": self.times,
            "skip": self.skip,
            "hits": self.hits,
            "options": dict(self.options),
        }


def _meant(wanted: str | None, named: frozenset[str], unnamed_ok: bool) -> bool:
    return wanted is None or wanted in named or (unnamed_ok and not named)


class FaultDial:
    """All switches that are on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self._freed = threading.Event()
        self._stopped = False

    def set(
        self,
        name: str,
        *,
        vendor: str | None = None,
        endpoint: str | None = None,
        practitioner: str | None = None,
        patient: str | None = None,
        page: int | None = None,
        times: int | None = None,
        skip: int = 0,
        **options: object,
    ) -> Fault:
        """Switch a fault on; `expire-token` and `expire_token` are one. Raises SandboxError when the name, the scope or an option is unknown."""
        name = name.replace("-", "_")
        kind = FAULT_KINDS.get(name)
        if kind is None:
            raise SandboxError(f"A fault is one of {', '.join(FAULT_KINDS)}.")
        if vendor is not None and vendor not in VENDORS:
            raise SandboxError(f"A vendor is one of {', '.join(VENDORS)}.")
        if endpoint is not None and endpoint not in ENDPOINT_KINDS:
            raise SandboxError(f"An endpoint is one of {', '.join(ENDPOINT_KINDS)}.")
        unknown = set(options) - set(kind.options)
        if unknown:
            raise SandboxError(f"{name} does not take {', '.join(sorted(unknown))}.")
        with self._lock:
            fault = Fault(
                next(self._ids),
                name,
                vendor or kind.vendor,
                endpoint,
                practitioner,
                patient,
                page,
                kind.usual_times if times is None else times,
                skip,
                options={**kind.options, **options},
            )
            self._faults.append(fault)
            return fault

    def set_from(self, details: Mapping[str, object]) -> Fault:
        """Switch on what JSON or a form describes: {name, vendor?, ..., times?, options?: {...}}."""
        known = {"name", "options", *SCOPE_FIELDS}
        given = {key: value for key, value in details.items() if value not in (None, "")}
        if set(given) - known:
            raise SandboxError(f"A fault takes {', '.join(sorted(known))}.")
        options = given.get("options", {})
        if not isinstance(options, dict) or any(not isinstance(key, str) for key in options):
            raise SandboxError("options is an object.")
        texts = {
            key: str(given[key]) for key in ("vendor", "endpoint", "practitioner", "patient") if key in given
        }
        return self.set(
            str(given.get("name", "")),
            vendor=texts.get("vendor"),
            endpoint=texts.get("endpoint"),
            practitioner=texts.get("practitioner"),
            patient=texts.get("patient"),
            page=_count(given, "page"),
            times=_count(given, "times"),
            skip=_count(given, "skip") or 0,
            **{key: value for key, value in options.items() if key not in known},
        )

    def set_text(self, text: str) -> Fault:
        """Switch on what one word of a command line says: `rate_limited:endpoint=appointments,times=2,retry_after=90`."""
        name, _, rest = text.partition(":")
        pairs = [part.partition("=") for part in rest.split(",") if part]
        given: dict[str, object] = {key.strip(): value.strip() for key, _, value in pairs}
        options = {key: given.pop(key) for key in list(given) if key not in SCOPE_FIELDS}
        return self.set_from({"name": name.strip(), "options": options, **given})

    def active(self) -> list[Fault]:
        """The switches that are on, oldest first."""
        with self._lock:
            return list(self._faults)

    def clear(self, fault_id: int | None = None) -> int:
        """Switch one off, or all, and free what hangs. Returns how many were on."""
        with self._lock:
            kept = [fault for fault in self._faults if fault_id is not None and fault.id != fault_id]
            gone = len(self._faults) - len(kept)
            self._faults = kept
        self.release()
        return gone

    def take(self, scope: Scope) -> list[Fault]:
        """The switches one request meets; each is used once by it."""
        with self._lock:
            met = []
            for fault in list(self._faults):
                if not fault.covers(scope):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                met.append(fault)
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
            return met

    def aims_at_patient(self, names: frozenset[str], *fault_names: str) -> bool:
        """Whether one of these faults is set for this very patient; asking does not use it up."""
        with self._lock:
            return any(
                fault.name in fault_names and fault.patient in names and fault.endpoint in (None, "patient")
                for fault in self._faults
            )

    def wait(self, seconds: float = LONGEST_HANG_S) -> None:
        """Hold a request for that long, or until `release`, `clear` or `stop`."""
        with self._lock:
            freed = self._freed
            if self._stopped:
                return
        freed.wait(seconds)

    def release(self) -> None:
        """Let every waiting request go on; the switches stay on."""
        with self._lock:
            self._freed.set()
            if not self._stopped:
                self._freed = threading.Event()

    def stop(self) -> None:
        """Let every waiting request go on, now and from now on."""
        with self._lock:
            self._stopped = True
            self._freed.set()


def _count(given: Mapping[str, object], key: str) -> int | None:
    if key not in given:
        return None
    try:
        return int(str(given[key]))
    except ValueError as error:
        raise SandboxError(f"{key} is a whole number.") from error
