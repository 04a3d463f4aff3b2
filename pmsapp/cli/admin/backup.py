"""`pmsapp backup`: a checked copy of the database, now."""

from __future__ import annotations

from pathlib import Path

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json
from pmsapp.services.maintenance import backup as service
from pmsapp.services.maintenance.off_site import away


@click.command()
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also put a sealed archive of database, keys and settings into this folder of another disk or machine.",
)
@json_option
def backup(to: Path | None, as_json: bool) -> None:
    """Copy the database while people work, check the copy, and print where it is."""
    with open_app():
        made = service.make(by_hand=True)
        sealed = away.take(made, to) if made is not None and to is not None else None
    if as_json:
        show_json({"backup": made, "archive": sealed})
        return
    if made is None:
        click.echo("PostgreSQL is backed up with its own tools; nothing was copied.", err=True)
        return
    click.echo(str(sealed or made.path))
