"""`pmsapp web`, `pmsapp worker`, `pmsapp scheduler`: one process of an installation, for those who supervise their own."""

from __future__ import annotations

import logging
import socket

import click
from flask import Flask

from pmsapp.cli.run.web_server import serve
from pmsapp.cli.shared.base import open_app
from pmsapp.factory import Access, create_app
from pmsapp.observability import logs, sentry
from pmsapp.services.monitoring import running_processes
from pmsapp.settings import load_settings
from pmsapp.supervisor.listening import address, open_socket


@click.command()
@click.option("--host", help="Address to listen on; PMSAPP_HOST otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; PMSAPP_PORT otherwise.")
@click.option("--fd", type=int, hidden=True, help="A socket that already listens.")
def web(host: str | None, port: int | None, fd: int | None) -> None:
    """The web server."""
    with open_app(screens=True) as app:  # here once, so that its processes find everything loaded
        keys = app.extensions["pmsapp_keys"].ids
    settings = load_settings()
    logs.setup(settings)
    sentry.start(settings)
    if fd is not None:
        listener = socket.socket(fileno=fd)
    else:
        listener = open_socket(host or settings.host, settings.port if port is None else port)
        click.echo(f"Listening on {address(listener)}; Ctrl-C stops it.", err=True)
    running_processes.forget_requests(settings.instance_dir)
    running_processes.announce(settings.instance_dir, "web", keys, port=listener.getsockname()[1])
    serve(lambda: create_app(settings, access=Access.USE), listener)


@click.command()
def worker() -> None:
    """The worker: performs sync runs from the queue."""
    from pmsapp.jobs import worker as job

    with open_app(level=logging.INFO) as app:
        _announce(app, "worker")
    job.run(app)


@click.command()
def scheduler() -> None:
    """The scheduler: sees to what is due. Without a queue server it performs the runs itself."""
    from pmsapp.jobs import scheduler as job

    with open_app(level=logging.INFO) as app:
        _announce(app, "scheduler")
    job.run(app)


def _announce(app: Flask, name: str) -> None:
    folder = app.extensions["pmsapp_settings"].instance_dir
    running_processes.announce(folder, name, app.extensions["pmsapp_keys"].ids)
