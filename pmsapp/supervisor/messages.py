"""What the supervisor says: sentences on a terminal, one JSON object per line in a log, as its children do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import click

from pmsapp import clock
from pmsapp.settings import Settings


def writer(settings: Settings) -> Callable[[str], None]:
    """How to say something: to a person who looks on, or to whoever collects the log of standard error."""
    if settings.log_format == "text" or sys.stderr.isatty():
        return click.echo
    return _as_json


def _as_json(sentence: str) -> None:
    at = clock.now().isoformat(timespec="milliseconds")
    line = {"at": at, "level": "info", "logger": "pmsapp.supervisor", "event": sentence}
    click.echo(json.dumps(line), err=True)
