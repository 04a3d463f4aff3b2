"""A monotonic end for a piece of work, and the only place where adapters wait."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from pmsapp import clock
from pmsapp.domain.errors import RetryLaterError


class Deadline:
    """Work started now has to end within `timeout_s` seconds; None means no end.

    One object may be shared by many threads. `cancel()` wakes everybody who waits on it.
    """

    def __init__(
        self, timeout_s: float | None = None, *, monotonic_s: Callable[[], float] = clock.monotonic_s
    ) -> None:
        self._monotonic_s = monotonic_s
        self._ends_at_s = math.inf if timeout_s is None else monotonic_s() + timeout_s
        self._cancelled = threading.Event()

    def remaining_s(self) -> float:
        """Seconds left, 0.0 when none are, infinity when there is no end."""
        if self._cancelled.is_set():
            return 0.0
        return max(0.0, self._ends_at_s - self._monotonic_s())

    def cancel(self) -> None:
        """Stop the work: every later `check` raises RUN-CANCELLED and waits end at once."""
        self._cancelled.set()

    def check(self, pms: str) -> None:
        """Raise RetryLaterError RUN-CANCELLED or RUN-DEADLINE when the work has to stop."""
        if self._cancelled.is_set():
            raise RetryLaterError("RUN-CANCELLED", pms=pms)
        if self.remaining_s() <= 0:
            raise RetryLaterError("RUN-DEADLINE", pms=pms)

    def wait(self, seconds: float, pms: str) -> None:
        """Sleep `seconds`. Raises as `check` does, at once when the end would come first."""
        self.check(pms)
        if seconds > self.remaining_s():
            raise RetryLaterError("RUN-DEADLINE", pms=pms)
        if seconds > 0:
            self._cancelled.wait(seconds)
        self.check(pms)
