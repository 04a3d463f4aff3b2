"""`pmsapp backup`: a checked copy of the database, now."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import open_app
from pmsapp.services.maintenance import backup as service


@click.command()
def backup() -> None:
    """Copy the database while people work, check the copy, and print where it is."""
    with open_app():
        made = service.make()
    if made is None:
        click.echo("PostgreSQL is backed up with its own tools; nothing was copied.", err=True)
        return
    click.echo(str(made.path))
