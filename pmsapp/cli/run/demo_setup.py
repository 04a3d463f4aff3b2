"""The step of `pmsapp demo` that fills the training clinic, run while its other processes are up."""

from __future__ import annotations

import click

from pmsapp.cli.run import demo_clinic
from pmsapp.cli.run.demo_clinic import Login
from pmsapp.cli.shared.base import open_app
from pmsapp.cli.shared.watch import watch
from pmsapp.sandbox.gentu.access import APP_ID, CLIENT_ID, CLIENT_SECRET, FIXED_CODES
from pmsapp.services.runs import history as run_history

PRACTICE = demo_clinic.Practice(
    pms_type="gentu",
    credentials={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "app_id": APP_ID},
    pairing_codes=[code for code, (clinic, state) in FIXED_CODES.items() if clinic == 0 and state == "fresh"],
)


@click.command(hidden=True)
@click.option("--address", required=True, help="Where the pages are.")
@click.option("--sandbox", required=True, help="Where the fake practice software is.")
def demo_setup(address: str, sandbox: str) -> None:
    """Fill the training clinic and say how to use it."""
    with open_app() as app:
        prepared = demo_clinic.prepare(PRACTICE, lambda sentence: click.echo(f"  {sentence}"))
        current = run_history.list_runs(prepared.connection_id, limit=1).current
        if current is not None:
            click.echo("  Reading today and tomorrow")
            ended = watch(prepared.connection_id, current.id)
            if ended.status != "success":
                code = f" ({ended.error[0]})" if ended.error else ""
                click.echo(f"  The first update ended as {ended.status}{code}; its history says why.")
        folder = app.extensions["pmsapp_settings"].instance_dir
    for line in _closing_lines(address, sandbox, prepared.logins, str(folder)):
        click.echo(line)


def _closing_lines(address: str, sandbox: str, logins: tuple[Login, ...], folder: str) -> list[str]:
    return [
        "",
        f"The training clinic runs at {address}",
        "",
        *(f"  {login.role:<10} {login.email:<28} {login.password}" for login in logins),
        "",
        f"The fake practice software: {sandbox}  (change appointments, switch faults on)",
        f"Data stay in {folder}; remove that folder to start anew. Ctrl-C stops it.",
    ]
