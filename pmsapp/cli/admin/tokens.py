"""`pmsapp tokens`: keys for programs that use the JSON interface."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json, show_table
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.roles import TOKEN_ROLES
from pmsapp.services.people import api_tokens


@click.group()
def tokens() -> None:
    """Keys for programs that use the JSON interface."""


@tokens.command()
@click.option("--name", required=True, help="What uses it.")
@click.option("--role", required=True, type=click.Choice(sorted(TOKEN_ROLES)), help="What it may do.")
@click.option(
    "--days", type=int, default=api_tokens.DEFAULT_DAYS, show_default=True, help="How long it works."
)
def create(name: str, role: str, days: int) -> None:
    """Make a token and print it, alone, on standard output. It is never shown again."""
    with open_app():
        made = api_tokens.create(name, role, COMMAND_LINE, days=days)
    click.echo(f"Token {made.view.id} for {made.view.name} ({made.view.role}), shown this once:", err=True)
    click.echo(made.token)


@tokens.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show every token ever made, without its secret."""
    with open_app():
        found = api_tokens.list_tokens()
    if as_json:
        show_json({"items": found})
        return
    rows = [(t.id, t.name, t.prefix, t.role, t.expires_at, t.revoked_at, t.last_used_at) for t in found]
    headings = ["id", "name", "begins with", "role", "expires", "revoked", "last used"]
    show_table(headings, rows, empty="There are no tokens; run: pmsapp tokens create --name NAME --role ROLE")


@tokens.command()
@click.argument("token_id", metavar="ID", type=int)
def revoke(token_id: int) -> None:
    """Make a token useless at once."""
    with open_app():
        api_tokens.revoke(token_id, COMMAND_LINE)
    click.echo(f"Token {token_id} no longer works.")
