"""`pmsapp sandbox`: the vendors' servers of a made-up clinic, for trying things out."""

from __future__ import annotations

import click

from pmsapp.domain.errors import ConfigurationError
from pmsapp.sandbox.clinic.model import VENDORS, SandboxError
from pmsapp.sandbox.server import serve
from pmsapp.supervisor.listening import open_socket

DEFAULT_PORT = 8099


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on.",
)
@click.option("--vendor", "vendors", multiple=True, help="Only this vendor's server; may be given again.")
@click.option("--fault", "faults", multiple=True, help="A fault to begin with; may be given again.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number is another clinic.")
@click.option("--zone", default="Australia/Melbourne", show_default=True, help="The clinic's time zone.")
@click.option("--busy", is_flag=True, help="A busy clinic with many appointments.")
@click.option("--paired", is_flag=True, help="The clinic has paired with the app already.")
def sandbox(
    port: int,
    vendors: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int,
    zone: str,
    busy: bool,
    paired: bool,
) -> None:
    """The three vendors' servers with one made-up clinic, on this machine alone."""
    if port:
        open_socket("127.0.0.1", port).close()
    try:
        serve(
            port=port,
            vendors=vendors or VENDORS,
            faults=faults,
            seed=seed,
            zone=zone,
            busy=busy,
            paired=paired,
            announce=_announce,
        )
    except SandboxError as error:
        raise ConfigurationError(str(error)) from error


def _announce(url: str) -> None:
    click.echo(f"The sandbox answers at {url}/ ; Ctrl-C stops it.", err=True)
