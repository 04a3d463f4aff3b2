"""`pmsapp up`: everything an installation needs, in one foreground process."""

from __future__ import annotations

import click

from pmsapp.settings import load_settings
from pmsapp.supervisor import messages
from pmsapp.supervisor.installation import run_installation


@click.command()
@click.option("--host", help="Address to listen on; PMSAPP_HOST otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; PMSAPP_PORT otherwise.")
def up(host: str | None, port: int | None) -> None:
    """Start web server, worker, scheduler and queue server, and keep them running until Ctrl-C."""
    settings = load_settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    run_installation(settings.model_copy(update=given), say=messages.writer(settings))
