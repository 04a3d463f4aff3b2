"""The JSON interface for programs: each call parses, asks one service, and gives a named shape back."""

from __future__ import annotations

from flask import Flask

from pmsapp.access import guard
from pmsapp.api import (
    connections,
    decisions,
    docs,
    limits,
    matching,
    operations,
    problem,
    run_sheet,
    runs,
    webhooks,
)
from pmsapp.api.contract import IdConverter


def init_app(app: Flask) -> None:
    """Put the calls into `app`. Call after the pages, whose guard decides first who may ask."""
    app.url_map.converters["id"] = IdConverter
    guard.use_problem_renderer(app, problem.render)
    app.before_request(limits.count_request)
    for area in (connections, matching, runs, run_sheet, decisions, operations, webhooks, docs):
        app.register_blueprint(area.bp)
