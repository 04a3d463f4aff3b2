"""How long ago something was, and whether an end that was set still holds. Pure.

A clock may be put back, or one machine's may be wrong for a while: an instant that lies ahead says nothing about the
past, and an end further away than any rule sets is over. Everything that asks "how old" or "is it due" asks here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

# So far two clocks, or two readings of one, may differ; an instant this little ahead counts as now.
CLOCK_SLACK = timedelta(minutes=1)
# Beyond this a vendor's clock and ours are worth a warning: logins may fail.
CLOCKS_DIFFER_S = 120.0


def is_ahead(at: datetime, now: datetime) -> bool:
    """True for an instant in the future: whatever is said to have happened then, nobody knows when it did."""
    return at > now + CLOCK_SLACK


def age(at: datetime | None, now: datetime) -> timedelta | None:
    """How long ago `at` was, never negative; None when unknown: it never happened, or it lies ahead."""
    if at is None or is_ahead(at, now):
        return None
    return max(now - at, timedelta())


def is_within(at: datetime | None, now: datetime, lasts: timedelta) -> bool:
    """True while what happened at `at` is less than `lasts` old; never for an unknown."""
    passed = age(at, now)
    return passed is not None and passed < lasts


def is_older(at: datetime | None, now: datetime, than: timedelta) -> bool:
    """True when `at` is that far back, or further, or unknown."""
    return not is_within(at, now, than)


def holds(until: datetime | None, now: datetime, at_most: timedelta) -> bool:
    """True while an end set for `until` is still to come. One further ahead than `at_most`, the longest that is ever
    set, was set by another clock and is over."""
    return until is not None and now < until <= now + at_most + CLOCK_SLACK


def clocks_differ(skew_s: float | None) -> bool:
    """True where the vendor's clock and ours are too far apart for logins and ages to be relied on."""
    return skew_s is not None and abs(skew_s) > CLOCKS_DIFFER_S
