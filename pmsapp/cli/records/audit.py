"""`pmsapp audit`: the log of who did what and who looked at whom. It holds numbers of cards, no patient's name."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from pmsapp.cli.records.when import period_options, read_period
from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.base import audit as audit_log
from pmsapp.services.base.audit import AuditEntry, Wanted
from pmsapp.services.base.spreadsheet import plain_cell
from pmsapp.services.maintenance import audit_watch
from pmsapp.services.records import access_log, patients, who_saw
from pmsapp.services.records.who_saw import Sighting

_COLUMNS = ("id", "at", "actor", "action", "subject", "detail", "request_id", "remote_addr", "hash")


@click.group()
def audit() -> None:
    """The log of who did what and who looked at which cards."""


@audit.command(name="list")
@click.option("--who", default="", help="Part of a name, or user:3.")
@click.option("--what", multiple=True, help="An action (card.edit), or all that begin alike (card.).")
@click.option("--card", type=int, help="Only what names this card.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@period_options
@json_option
def list_(
    who: str,
    what: tuple[str, ...],
    card: int | None,
    limit: int,
    since: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    """Show the newest rows."""
    with open_app():
        start, end = read_period(since, until)
        found, _ = who_saw.search(
            Wanted(who, what, start, end), card, limit=min(limit, 500) if card is None else limit
        )
    if as_json:
        show_json({"items": found})
        return
    rows = [(e.id, e.at, e.actor, e.action, e.subject, _words(e.detail)) for e in found]
    show_table(["id", "when", "who", "what", "about", "detail"], rows, empty="Nothing matches.")


@audit.command()
@click.option(
    "--head", "heads", multiple=True, metavar="ID-HASH", help="A head noted elsewhere; must still be there."
)
@json_option
def verify(heads: tuple[str, ...], as_json: bool) -> None:
    """Check that no row was changed, put in, or cut off. Exit code 1 when one was."""
    given = [audit_watch.parse(text) for text in heads]
    known = [head for head in given if head is not None]
    if len(known) != len(heads):
        raise click.BadParameter("a head reads like 123-0f3a5c7e90ab12cd.", param_hint="--head")
    with open_app():
        found = audit_watch.verify([*audit_watch.noted(), *known])
    if as_json:
        show_json(found)
    elif found.ok:
        click.echo(
            f"{found.checked} rows, the last {found.last_id or 0}-{found.last_hash[:16]}: the log holds."
        )
    if found.unproved:
        click.echo(
            f"{found.unproved} rows are sealed with a key that is lost: only their order was checked.",
            err=True,
        )
    if not found.ok:
        click.echo(f"Error: row {found.first_bad_id}: {found.reason}.", err=True)
        raise SystemExit(1)


@audit.command(name="who-saw")
@click.option("--patient", metavar="REFERENCE", help="A patient as `pmsapp person find` names them.")
@click.option("--card", type=int, help="The number of a card.")
@period_options
@json_option
def who_saw_(
    patient: str | None, card: int | None, since: str | None, until: str | None, as_json: bool
) -> None:
    """Show who had a patient's cards before them; without one, who saw any patient between two times."""
    if patient and card is not None:
        raise click.UsageError("Give --patient or --card, not both.")
    if not (patient or card is not None or since):
        raise click.UsageError("Give --patient, --card, or at least --from.")
    with open_app():
        start, end = read_period(since, until)
        cards = frozenset([card]) if card is not None else _cards_of(patient)
        found = list(who_saw.who_saw(cards, since=start, until=end))
    if as_json:
        show_json({"items": found})
        return
    rows = [_row(sighting) for sighting in found]
    show_table(["when", "who", "what", "page", "cards", "from"], rows, empty="Nobody did.")


@audit.command()
@period_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, else CSV.")
def export(since: str | None, until: str | None, as_json: bool) -> None:
    """Print the whole log, or a part of it, for an auditor; the export itself becomes a row."""
    with open_app():
        start, end = read_period(since, until)
        access_log.note(access_log.EXPORT, "audit", COMMAND_LINE)
        if as_json:
            for row in _rows(Wanted(since=start, until=end)):
                click.echo(json.dumps(row, ensure_ascii=True))
            return
        writer = csv.writer(sys.stdout)
        writer.writerow(_COLUMNS)
        for row in _rows(Wanted(since=start, until=end)):
            writer.writerow([plain_cell(row[name]) for name in _COLUMNS])


def _rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    for entry in audit_log.walk(wanted):
        yield {name: _cell(entry, name) for name in _COLUMNS}


def _cell(entry: AuditEntry, name: str) -> Any:
    value = getattr(entry, name)
    if name == "at":
        return value.isoformat()
    return _words(value) if name == "detail" else value


def _words(detail: object) -> str:
    return json.dumps(detail, ensure_ascii=True, sort_keys=True) if detail is not None else ""


def _row(sighting: Sighting) -> tuple[object, ...]:
    cards = ", ".join(map(str, sighting.cards))
    return (sighting.at, sighting.who, sighting.action, sighting.subject, cards, sighting.from_where)


def _cards_of(patient: str | None) -> frozenset[int] | None:
    return None if patient is None else patients.cards_of(patient)
