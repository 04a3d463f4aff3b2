"""Small drawings of one day, as numbers for an SVG without a single style: classes carry the colours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt

from pmsapp.domain.ages import age
from pmsapp.services.runs.last_24h import DAY, EndedRun
from pmsapp.web.ui import formatting as fmt

WIDTH, HEIGHT = 720, 64
BAR = 4
_LOWEST = 4.0
_FULL_AGE_S = 2 * 3600.0
_TONES = {"success": "good", "partial": "wait", "failed": "stop", "interrupted": "warn", "cancelled": "none"}
_WORDS = {
    "success": "good",
    "partial": "partly",
    "failed": "failed",
    "interrupted": "stopped half way",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One run: where it stands and how tall it is; `tone` is a class, `title` what it was, in words."""

    x: float
    y: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A day of one connection: a bar for each run, and the age of its data as a line (`points` of an SVG polyline).

    `ticks` mark every six hours of the clock on the wall; `begins` is the left edge in words.
    """

    bars: tuple[Bar, ...]
    age_points: str
    ticks: tuple[float, ...]
    begins: str
    words: str
    width: int = WIDTH
    height: int = HEIGHT
    bar_width: int = BAR


def day_plot(runs: Sequence[EndedRun], now: datetime, zone: str) -> Plot:
    """The last 24 hours of one connection, `now` at the right edge."""
    longest_s = max((run.took_s for run in runs), default=0.0)
    return Plot(
        bars=tuple(_bar(run, longest_s, now, zone) for run in runs),
        age_points=_ages(runs, now),
        ticks=_ticks(now, zone),
        begins=fmt.moment(now - DAY, now, zone),
        words=in_words(runs),
    )


def in_words(runs: Sequence[EndedRun]) -> str:
    """What the drawing shows: how many, how they went, how long they took."""
    if not runs:
        return "No update has ended in the last 24 hours."
    parts = []
    for status, word in _WORDS.items():
        number = sum(run.status == status for run in runs)
        if number:
            parts.append(f"{number} {word}")
    durations = sorted(run.took_s for run in runs)
    middle, longest = durations[len(durations) // 2], durations[-1]
    return (
        f"{fmt.plural(len(runs), 'update')} in the last 24 hours: {fmt.listed(parts)}. "
        f"Half of them took at most {_seconds(middle)}, the longest {_seconds(longest)}."
    )


def _bar(run: EndedRun, longest_s: float, now: datetime, zone: str) -> Bar:
    share = sqrt(run.took_s / longest_s) if longest_s else 0.0
    height = round(_LOWEST + (HEIGHT - _LOWEST) * share, 1)
    title = f"{fmt.hhmm(run.ended_at, zone)} {_WORDS.get(run.status, run.status)}, {_seconds(run.took_s)}"
    return Bar(
        _x(run.ended_at, now), round(HEIGHT - height, 1), height, _TONES.get(run.status, "none"), title
    )


def _ages(runs: Sequence[EndedRun], now: datetime) -> str:
    """A saw: it rises while nothing is read and falls when everything was. Its full height is two hours, or the
    longest time without news when that was longer."""
    full_s = max(_FULL_AGE_S, _longest_gap_s([run.ended_at for run in runs if run.read_everything], now))
    points: list[str] = []
    fresh_at: datetime | None = None
    for run in runs:
        if not run.read_everything:
            continue
        if fresh_at is not None:
            points.append(f"{_x(run.ended_at, now)},{_y((run.ended_at - fresh_at).total_seconds(), full_s)}")
        points.append(f"{_x(run.ended_at, now)},{_y(0, full_s)}")
        fresh_at = run.ended_at
    passed = age(fresh_at, now)
    if passed is not None:
        points.append(f"{WIDTH},{_y(passed.total_seconds(), full_s)}")
    return " ".join(points)


def _longest_gap_s(ends: Sequence[datetime], now: datetime) -> float:
    between = [(after - before).total_seconds() for before, after in pairwise([*ends, now])]
    return max(between, default=0.0)


def _ticks(now: datetime, zone: str) -> tuple[float, ...]:
    hour = now.replace(minute=0, second=0, microsecond=0)
    hours = [hour - timedelta(hours=back) for back in range(24)]
    return tuple(
        _x(hour, now) for hour in reversed(hours) if hour.astimezone(fmt.zone_of(zone)).hour % 6 == 0
    )


def _x(at: datetime, now: datetime) -> float:
    return round(max(0.0, min(1.0, 1 - (now - at) / DAY)) * WIDTH, 1)


def _y(value: float, full: float) -> float:
    return round(HEIGHT - min(1.0, value / full) * HEIGHT, 1)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else fmt.span(seconds)
