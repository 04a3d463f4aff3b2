"""`pmsapp doctor`."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json
from pmsapp.crypto import key_files
from pmsapp.domain.errors import ConfigurationError
from pmsapp.factory import Access
from pmsapp.services.monitoring.examination.doctor import examine, is_sound
from pmsapp.services.monitoring.examination.finding import Check, State
from pmsapp.settings import load_settings

_MARKS = {State.OK: "ok  ", State.WARN: "WARN", State.FAIL: "FAIL"}


@click.command()
@click.option("--online", is_flag=True, help="Ask the vendors too: do they answer, and do the clocks agree?")
@json_option
def doctor(online: bool, as_json: bool) -> None:
    """Check this installation. Ends with 0 when nothing failed, 1 when something is wrong or nothing runs."""
    try:
        key_files.require_instance(load_settings())
        with open_app(migrated=False, access=Access.LOOK):
            checks = examine(with_network=online)
    except ConfigurationError as error:
        checks = [Check("folder", State.FAIL, str(error))]
    if as_json:
        show_json({"sound": is_sound(checks), "items": checks})
    else:
        for check in checks:
            click.echo(f"{_MARKS[check.state]}  {check.name:<10} {check.message}")
            if check.hint and check.state is not State.OK:
                click.echo(f"      {'':<10} {check.hint}")
    raise SystemExit(0 if is_sound(checks) else 1)
