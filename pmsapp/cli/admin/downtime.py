"""`pmsapp downtime`: the encrypted copy of today and tomorrow that opens without the server."""

from __future__ import annotations

import sys

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.jobs import downtime as job
from pmsapp.services.base.errors import Invalid
from pmsapp.services.maintenance import downtime as service


@click.group()
def downtime() -> None:
    """The encrypted copy of today and tomorrow that opens in a browser without the server."""


@downtime.command()
@click.option(
    "--passphrase-stdin", is_flag=True, help="Read the passphrase from the first line of standard input."
)
def passphrase(passphrase_stdin: bool) -> None:
    """Set the passphrase of the copies made from now on."""
    if passphrase_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        text = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    else:
        raise Invalid({"passphrase": "There is no terminal to type in; use --passphrase-stdin."})
    with open_app():
        service.set_passphrase(text, COMMAND_LINE)
    click.echo("The passphrase is set. The scheduler makes a copy within a minute.")


@downtime.command()
def make() -> None:
    """Make a copy now and print where it is."""
    with open_app():
        made = job.make()
    click.echo(str(made.path))


@downtime.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show the copies there are, newest first."""
    with open_app():
        copies = service.standing().copies
    if as_json:
        show_json({"items": copies})
        return
    rows = [(str(copy.path), f"{copy.made_at:%Y-%m-%d %H:%M} UTC", copy.size_bytes) for copy in copies]
    show_table(["file", "made", "bytes"], rows, empty="There is no downtime copy.")


@downtime.command()
def forget() -> None:
    """Make no more copies, and take away those there are."""
    with open_app():
        service.forget(COMMAND_LINE)
    click.echo("No more copies are made; those there were are gone.")
