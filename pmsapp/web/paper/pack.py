"""The pages inside the downtime copy: today and tomorrow as on paper. Asks no request, so the scheduler can make it."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from pmsapp.domain.window import day_of
from pmsapp.services.sheet import days
from pmsapp.web.paper.day_view import build_day
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell


def render() -> str:
    """Both days, one clinician after the other, with when this copy was made on every page."""
    now = shell.page_status()
    local = now.now.astimezone(fmt.zone_of(now.zone))
    made = f"Downtime copy made {fmt.short_day(local.date())} {local:%Y %H:%M}"
    today = day_of(now.now, now.zone)
    papers = [
        build_day(
            days.get_sheet(day, include_not_shown=True),
            now=now.now,
            names=Names(now.names()),
            clinic=now.clinic,
            made=made,
            is_training=now.is_training,
        )
        for day in (today, today + timedelta(days=1))
    ]
    return render_template("paper/_pack.html", papers=papers)
