"""`pmsapp web`, `pmsapp worker`, `pmsapp scheduler`: one process of an installation, for those who supervise their own."""

from __future__ import annotations

import logging
import socket

import click

from pmsapp.cli.run.web_server import serve
from pmsapp.cli.shared.base import open_app
from pmsapp.factory import Access, create_app
from pmsapp.observability import logs, sentry
from pmsapp.settings import load_settings
from pmsapp.supervisor.listening import address, open_socket


@click.command()
@click.option("--host", help="Address to listen on; PMSAPP_HOST otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; PMSAPP_PORT otherwise.")
@click.option("--fd", type=int, hidden=True, help="A socket that already listens.")
def web(host: str | None, port: int | None, fd: int | None) -> None:
    """The web server."""
    with open_app(screens=True):  # here once, so that its processes find everything loaded
        pass
    settings = load_settings()
    logs.setup(settings)
    sentry.start(settings)
    if fd is not None:
        listener = socket.socket(fileno=fd)
    else:
        listener = open_socket(host or settings.host, settings.port if port is None else port)
        click.echo(f"Listening on {address(listener)}; Ctrl-C stops it.", err=True)
    serve(lambda: create_app(settings, access=Access.USE), listener)


@click.command()
def worker() -> None:
    """The worker: performs sync runs from the queue."""
    from pmsapp.jobs import worker as job

    with open_app(level=logging.INFO) as app:
        pass
    job.run(app)


@click.command()
def scheduler() -> None:
    """The scheduler: sees to what is due. Without a queue server it performs the runs itself."""
    from pmsapp.jobs import scheduler as job

    with open_app(level=logging.INFO) as app:
        pass
    job.run(app)
