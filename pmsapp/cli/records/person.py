"""`pmsapp person`: what is kept on one patient. Each patient is named by a reference, never by a name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from pmsapp.cli.shared.base import as_json_text, json_option, open_app, show_json, show_table
from pmsapp.crypto import private_files
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.records import access_log, erase, export, patients
from pmsapp.services.records import correct as correction


@click.group()
def person() -> None:
    """What is kept on one patient: find, export, correct, erase."""


@person.command()
@click.option("--name", default="", help="Beginnings of the words of a name.")
@click.option("--born", metavar="YYYY-MM-DD", help="The birth date.")
@click.option("--phone", default="", help="The last digits of a phone number.")
@json_option
def find(name: str, born: str | None, phone: str, as_json: bool) -> None:
    """Show who matches, each with the reference that the other commands take."""
    with open_app():
        found = patients.find(name=name, birth_date=_day(born), phone=phone)
        cards = [card_id for patient in found for card_id in patient.cards]
        access_log.note(access_log.PERSON, None, COMMAND_LINE, cards)
    if as_json:
        show_json({"items": found})
        return
    rows = [
        (
            p.reference,
            ", ".join(p.names),
            _days(p.birth_dates),
            p.source or "by hand",
            len(p.cards),
            p.last_on,
        )
        for p in found
    ]
    headings = ["reference", "name", "born", "source", "cards", "last on"]
    show_table(headings, rows, empty="Nobody matches.")


@person.command(name="export")
@click.argument("reference")
@click.option("--out", type=click.Path(path_type=Path), help="A file to write, readable by you alone.")
def export_(reference: str, out: Path | None) -> None:
    """Print everything kept on one patient, and who saw it, as JSON."""
    with open_app():
        found = export.everything_on(reference)
        cards = [card["id"] for card in found["cards"]]
        access_log.note(access_log.EXPORT, None, COMMAND_LINE, cards)
    text = as_json_text(found)
    if out is None:
        click.echo(text)
        return
    private_files.replace(out, text + "\n")
    click.echo(f"{len(cards)} cards were written to {out}.")


@person.command()
@click.argument("reference")
@click.option("--name", help="The right name.")
@click.option("--phone", help="The right phone number.")
@click.option("--email", help="The right email address.")
def correct(reference: str, name: str | None, phone: str | None, email: str | None) -> None:
    """Put a name, phone or email right on every card of one patient, as an edit by staff."""
    given = {"patient_name": name, "patient_phone": phone, "patient_email": email}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("Give --name, --phone or --email.")
    with open_app():
        done = correction.correct(reference, changes, COMMAND_LINE)
    click.echo(f"Put right on {done} cards. Correct it in the practice software too, where it comes from.")


@person.command(name="erase")
@click.argument("reference")
@click.option(
    "--despite-the-law", is_flag=True, help="Also notes that health records acts want kept for longer."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase_(reference: str, despite_the_law: bool, yes: bool, as_json: bool) -> None:
    """Erase one patient for good; no update brings them back."""
    with open_app():
        found = patients.get(reference)
        if not yes:
            born = _days(found.birth_dates) or "no birth date"
            click.confirm(
                f"Erase {found.names[0] if found.names else 'this patient'} ({born}), "
                f"{len(found.cards)} cards, for good?",
                abort=True,
            )
        done = erase.erase(reference, COMMAND_LINE, despite_the_law=despite_the_law)
    if as_json:
        show_json(done)
        return
    click.echo(
        f"{done.cards} cards were erased. Backups made before hold them until {done.backups_until:%Y-%m-%d}."
    )
    if not done.is_scrubbed:
        click.echo("The file's freed space is overwritten with the nightly purge.", err=True)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise click.BadParameter("write it like 1979-03-12.", param_hint="--born") from None


def _days(days: tuple[date, ...]) -> str:
    return ", ".join(day.isoformat() for day in days)
