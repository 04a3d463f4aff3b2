"""The last thirty days as three small drawings, numbers for an SVG without a single style, and as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pmsapp.services.runs.last_30_days import OUTCOMES, DayOfRuns
from pmsapp.web.runs.contexts import Month, MonthBand, MonthBar, MonthDay
from pmsapp.web.ui import formatting as fmt

WIDTH = 720
_TALL, _LOW = 70, 44
_TONES = {"success": "good", "held": "held", "partial": "wait", "failed": "stop", "stopped": "warn"}
_WORDS = {
    "success": "whole",
    "held": "whole, cards held",
    "partial": "partly",
    "failed": "not updated",
    "stopped": "stopped or cancelled",
}
_LEAST = 2.0  # so that a small value is seen at all


def month_of(days: Sequence[DayOfRuns], period_s: float, now: datetime) -> Month | None:
    """The picture; None while nothing has been updated. `period_s`: how often updates are meant to come."""
    if not any(day.outcomes for day in days):
        return None
    drawn = [outcome for outcome in OUTCOMES if any(day.outcomes.get(outcome) for day in days)]
    return Month(
        bands=(_outcomes(days, now), _durations(days, now), _ages(days, period_s, now)),
        days=tuple(_line(day, now) for day in reversed(days)),
        key=tuple((_TONES[outcome], _WORDS[outcome]) for outcome in drawn),
        begins=fmt.short_day(days[0].day, now.date()),
        ends="today",
        width=WIDTH,
    )


def _outcomes(days: Sequence[DayOfRuns], now: datetime) -> MonthBand:
    most = max(sum(day.outcomes.values()) for day in days)
    bars = []
    for number, day in enumerate(days):
        y = float(_TALL)
        for outcome in OUTCOMES:
            count = day.outcomes.get(outcome, 0)
            if count:
                height = max(_LEAST, (_TALL - 2 * len(OUTCOMES)) * count / most)
                y -= height
                title = f"{fmt.short_day(day.day, now.date())}: {count} {_WORDS[outcome]}"
                bars.append(_bar(number, len(days), y, height, _TONES[outcome], title))
    total = {outcome: sum(day.outcomes.get(outcome, 0) for day in days) for outcome in OUTCOMES}
    told = [f"{count} {_WORDS[outcome]}" for outcome, count in total.items() if count]
    words = f"{fmt.plural(sum(total.values()), 'update')} in 30 days: {fmt.listed(told)}."
    return MonthBand("How updates ended", words, tuple(bars), _TALL)


def _durations(days: Sequence[DayOfRuns], now: datetime) -> MonthBand:
    most = max((day.longest_s or 0.0 for day in days), default=0.0) or 1.0
    bars = []
    for number, day in enumerate(days):
        if day.longest_s is None or day.usual_s is None:
            continue
        title = f"{fmt.short_day(day.day, now.date())}: {_took(day)}"
        for seconds, tone in ((day.longest_s, "quiet"), (day.usual_s, "accent")):
            height = max(_LEAST, _LOW * seconds / most)
            bars.append(_bar(number, len(days), _LOW - height, height, tone, title))
    longest = max(days, key=lambda day: day.longest_s or 0.0)
    words = f"The longest update took {_seconds(longest.longest_s or 0.0)}, on {fmt.short_day(longest.day, now.date())}."
    return MonthBand("How long an update took: usual, and the longest behind it", words, tuple(bars), _LOW)


def _ages(days: Sequence[DayOfRuns], period_s: float, now: datetime) -> MonthBand:
    most = max([day.oldest_s or 0.0 for day in days] + [2 * period_s])
    bars = []
    for number, day in enumerate(days):
        if day.oldest_s is not None:
            height = max(_LEAST, _LOW * day.oldest_s / most)
            title = f"{fmt.short_day(day.day, now.date())}: {_age(day)}"
            bars.append(
                _bar(number, len(days), _LOW - height, height, _age_tone(day.oldest_s, period_s), title)
            )
    known = [day for day in days if day.oldest_s is not None]
    worst = max(known, key=lambda day: day.oldest_s or 0.0, default=None)
    words = "No day's data has been read whole yet."
    if worst is not None:
        age = fmt.span(worst.oldest_s or 0.0)
        words = (
            f"In clinic hours the data was never older than {age}, on {fmt.short_day(worst.day, now.date())}."
        )
    return MonthBand("How old the data got in clinic hours", words, tuple(bars), _LOW)


def _age_tone(seconds: float, period_s: float) -> str:
    """As on the sheet: good within a period and a half (an update takes its time), late, out of date."""
    if seconds <= 1.5 * period_s:
        return "good"
    return "wait" if seconds <= 3 * period_s else "warn"


def _bar(number: int, count: int, y: float, height: float, tone: str, title: str) -> MonthBar:
    step = WIDTH / count
    return MonthBar(
        round(number * step + 2, 1), round(y, 1), round(step - 4, 1), round(height, 1), tone, title
    )


def _line(day: DayOfRuns, now: datetime) -> MonthDay:
    told = [f"{day.outcomes[outcome]} {_WORDS[outcome]}" for outcome in OUTCOMES if day.outcomes.get(outcome)]
    return MonthDay(
        fmt.short_day(day.day, now.date()),
        ", ".join(told) or "none",
        _took(day) if day.usual_s is not None else "",
        "closed" if day.is_closed else _age(day),
    )


def _took(day: DayOfRuns) -> str:
    return f"usually {_seconds(day.usual_s or 0.0)}, longest {_seconds(day.longest_s or 0.0)}"


def _age(day: DayOfRuns) -> str:
    return f"at most {fmt.span(day.oldest_s)} old" if day.oldest_s is not None else "not known"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else fmt.span(seconds)
