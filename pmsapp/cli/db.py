"""`pmsapp db upgrade`."""

from __future__ import annotations

import click

from pmsapp.cli.base import open_app
from pmsapp.services import clinic, database


@click.group()
def db() -> None:
    """The database's tables."""


@db.command()
@click.option("--quiet", is_flag=True, help="Say nothing when there was nothing to do.")
def upgrade(quiet: bool) -> None:
    """Bring the database up to this version; a SQLite file is copied first."""
    with open_app(migrated=False):
        done = database.upgrade()
        clinic.ensure()
    if done.backup is not None:
        click.echo(f"The database as it was is kept in {done.backup}")
    if done.changed:
        click.echo("The database is ready." if done.before is None else "The database was upgraded.")
    elif not quiet:
        click.echo("The database is up to date.")
