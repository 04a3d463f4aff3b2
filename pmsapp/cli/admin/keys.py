"""`pmsapp keys`: the keys that seal logins, tokens and links."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.crypto import key_files
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.errors import ConfigurationError
from pmsapp.services.maintenance import key_rotation
from pmsapp.settings import load_settings


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
@click.option(
    "--lost", is_flag=True, help="The key file is lost for good: begin a new one. Logins are entered again."
)
def add(lost: bool) -> None:
    """Put a fresh key first in the key file."""
    if lost:
        _begin_anew()
        return
    with open_app():
        fresh = key_rotation.add_key(COMMAND_LINE)
    click.echo(f"Key {fresh} was added. Restart pmsapp, then run: pmsapp keys rotate")


def _begin_anew() -> None:
    settings = load_settings()
    key_files.ensure_instance(settings)
    if key_files.has_ring(settings):
        raise ConfigurationError("There are keys already; nothing was changed.")
    fresh = key_files.ring(settings).current_id
    click.echo(
        f"A new key file was begun with key {fresh}. What was sealed with the lost keys stays closed: enter logins and"
        " links again, and set second factors up again (pmsapp users reset-2fa)."
    )


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
