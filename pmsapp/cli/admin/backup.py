"""`pmsapp backup`: a checked copy of the database, now."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json
from pmsapp.services.maintenance import backup as service


@click.command()
@json_option
def backup(as_json: bool) -> None:
    """Copy the database while people work, check the copy, and print where it is."""
    with open_app():
        made = service.make()
    if as_json:
        show_json({"backup": made})
        return
    if made is None:
        click.echo("PostgreSQL is backed up with its own tools; nothing was copied.", err=True)
        return
    click.echo(str(made.path))
