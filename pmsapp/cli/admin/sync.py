"""`pmsapp sync CONNECTION`: one run, now, watched to its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from pmsapp import clock
from pmsapp.cli.shared.base import json_option, open_app
from pmsapp.cli.shared.watch import watch
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.window import local_time
from pmsapp.schemas.runs import Run
from pmsapp.services.base.errors import NotFound
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.views import ConnectionView
from pmsapp.services.runs import requests as service
from pmsapp.services.runs.history import RunView


@click.command()
@click.argument("connection")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Read this day only, e.g. 2026-11-23.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would change.")
@json_option
def sync(connection: str, day: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Read one connection now. CONNECTION is its number or its name."""
    with open_app():
        found = _find(connection)
        asked = service.request_run(
            found.id, actor=COMMAND_LINE, day=day.date() if day else None, dry_run=dry_run
        )
        if not as_json:
            click.echo(_beginning(found, asked.sync_id, asked.created, asked.not_before))
        run = watch(found.id, asked.sync_id)
        zone = clinic.time_zone()
    if as_json:
        click.echo(Run.of(run, zone, with_patients=True).model_dump_json(indent=2))
    else:
        for line in _preview_lines(run, zone):
            click.echo(line)
        click.echo(_ending(run))
    raise SystemExit(0 if run.status == "success" else 1)


def _find(text: str) -> ConnectionView:
    every = connections.list_connections()
    wanted = text.strip().casefold()
    named = [c for c in every if str(c.id) == wanted or c.display_name.casefold() == wanted]
    if len(named) != 1:
        raise NotFound("connection, or several go by that name")
    return named[0]


def _beginning(found: ConnectionView, run_id: int, created: bool, not_before: datetime | None) -> str:
    if not_before is not None and not_before > clock.now():
        return f"{found.display_name} asked us to wait until {not_before:%H:%M}Z; run {run_id} is queued."
    return f"Reading {found.display_name}, run {run_id}" + ("." if created else ", which had already begun.")


def _preview_lines(run: RunView, zone: str) -> Iterator[str]:
    """What a dry run would change, a card a line."""
    if run.preview is None:
        return
    cards = run.preview["cards"]
    count = "Nothing" if not cards else "1 card" if len(cards) == 1 else f"{len(cards)} cards"
    yield f"{count} would change{':' if cards else '.'}"
    for card in cards:
        start = datetime.fromisoformat(card["start_at"]) if card["start_at"] else None
        when = f"{local_time(start, zone):%Y-%m-%d %H:%M}" if start else f"card {card['id']}"
        fields = f" ({', '.join(card['fields'])})" if card["fields"] else ""
        yield f"  {card['change']:<16} {when:<16} {card['patient_name'] or ''}{fields}".rstrip()


def _ending(run: RunView) -> str:
    parts = [f"{count} {name}" for name, count in run.counts.items() if count]
    days = ", ".join(str(day) for day in run.dates)
    what = "Preview" if run.dry_run else "Run"
    sentence = f"{what} {run.id} ({days}): {run.status}" + (f"; {', '.join(parts)}" if parts else "")
    if run.error is not None:
        code, message = run.error
        sentence += f". {message} ({code})"
    return sentence
