"""The JSON interface for programs: each call parses, asks one service, and gives a named shape back."""

from __future__ import annotations

from flask import Flask

from pmsapp.access import guard
from pmsapp.api import (
    connections,
    decisions,
    docs,
    matching,
    operations,
    problem,
    rate_limit,
    run_sheet,
    runs,
    webhooks,
)


def init_app(app: Flask) -> None:
    """Put the calls into `app`. Call after the pages, whose guard decides first who may ask."""
    guard.use_problem_renderer(app, problem.render)
    app.before_request(rate_limit.count_request)
    for area in (connections, matching, runs, run_sheet, decisions, operations, webhooks, docs):
        app.register_blueprint(area.bp)
