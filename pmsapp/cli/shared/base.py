"""What commands share: an app to call services in, and lists as a table or as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask

from pmsapp.extensions import db
from pmsapp.factory import Access, create_app
from pmsapp.observability import logs, sentry
from pmsapp.services.maintenance import database
from pmsapp.settings import load_settings

F = TypeVar("F", bound=Callable[..., Any])


@contextmanager
def open_app(
    *,
    migrated: bool = True,
    level: int = logging.ERROR,
    database_file: Path | None = None,
    database_url: str | None = None,
    screens: bool = False,
    access: Access = Access.USE,
    keys: str | None = None,
) -> Iterator[Flask]:
    """The app with its context, for one command. Raises ConfigurationError unless the database has our tables.

    `level`: the least level of log lines shown; a command speaks through its own sentences instead.
    `database_file`: a SQLite file to open instead of the installation's database; `database_url`: any other database.
    `screens`: with pages.
    `keys`: encryption keys instead of the installation's. `access`: what may be done to the instance folder; a folder without an installation is refused by default.
    """
    settings = load_settings()
    if database_file is not None:
        database_url = f"sqlite:///{database_file}"
    if database_url is not None:
        settings = settings.model_validate({**settings.model_dump(), "database_url": database_url})
    if keys is not None:
        settings = settings.model_copy(update={"encryption_keys": keys.replace("\n", ",").strip(",")})
    logs.setup(settings, level=level)
    sentry.start(settings)
    app = create_app(settings, screens=screens, access=access)
    with app.app_context():
        try:
            if migrated:
                database.require_current()
            yield app
        finally:
            db.engine.dispose()


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def show_json(value: Any) -> None:
    """Print dataclasses, lists and dicts of them as JSON."""
    click.echo(as_json_text(value))


def as_json_text(value: Any) -> str:
    """Dataclasses, lists and dicts of them as JSON."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def show_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Print rows under headings, or the sentence for no rows."""
    if not rows:
        click.echo(empty)
        return
    cells = [[str(heading) for heading in headings], *[[_cell(value) for value in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%MZ")
    return str(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
