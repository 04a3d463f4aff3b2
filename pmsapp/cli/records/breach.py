"""`pmsapp breach`: what to do at once when somebody may have got in. docs/breach.md says what comes after."""

from __future__ import annotations

from dataclasses import asdict

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.records import breach as service

_WORDS = {
    "sessions": "sessions",
    "browsers": "known browsers",
    "links": "one-time links",
    "tokens": "API tokens",
    "webhooks": "webhook secrets",
    "logins": "practice software logins",
}


@click.group()
def breach() -> None:
    """What to do at once when somebody may have got in."""


@breach.command(name="end-all")
@click.option("--keep-logins", is_flag=True, help="Leave the practice software logins; updates go on.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def end_all(keep_logins: bool, yes: bool, as_json: bool) -> None:
    """End every session, known browser, link, API token, webhook secret and practice software login."""
    if not yes:
        click.confirm(
            "Everybody is signed out and updates stop until logins are entered again. Go on?", abort=True
        )
    with open_app():
        ended = service.end_all(COMMAND_LINE, keep_logins=keep_logins)
    if as_json:
        show_json(ended)
        return
    click.echo(
        "Ended: " + ", ".join(f"{count} {_WORDS[name]}" for name, count in asdict(ended).items()) + "."
    )
    click.echo("Who saw what meanwhile: pmsapp audit who-saw --from WHEN --to WHEN", err=True)
