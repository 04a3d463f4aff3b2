"""`pmsapp keys`: the keys that seal logins, tokens and links."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.maintenance import key_rotation


@click.group()
def keys() -> None:
    """The keys that seal logins, tokens and links in the database."""


@keys.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show the keys by their public names, and how many sealed texts need each."""
    with open_app():
        found = key_rotation.list_keys()
    if as_json:
        show_json({"items": found})
        return
    rows = [(k.id, "current" if k.is_current else "old" if k.known else "MISSING", k.texts) for k in found]
    show_table(["key", "state", "texts"], rows, empty="There are no keys.")


@keys.command()
def add() -> None:
    """Put a fresh key first in the key file."""
    with open_app():
        fresh = key_rotation.add_key(COMMAND_LINE)
    click.echo(f"Key {fresh} was added. Restart pmsapp, then run: pmsapp keys rotate")


@keys.command()
def rotate() -> None:
    """Seal everything with the current key. Stopped half way, it goes on when run again."""
    with open_app():
        done = key_rotation.rotate(COMMAND_LINE)
    click.echo(f"{done.resealed} sealed again, {done.already_current} were already.")
    if done.unreadable:
        click.echo(
            f"Error: {done.unreadable} texts open with none of the keys; enter those logins again.", err=True
        )
        raise SystemExit(1)


@keys.command()
@click.argument("key")
def drop(key: str) -> None:
    """Take an old key out of the key file; refused while anything needs it. Old backups may still need it."""
    with open_app():
        key_rotation.drop_key(key, COMMAND_LINE)
    click.echo(f"Key {key} was taken out. Keep a copy for as long as you keep backups made before today.")
