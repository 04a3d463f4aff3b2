"""`pmsapp doctor`."""

from __future__ import annotations

import click

from pmsapp.cli.shared.base import json_option, open_app, show_json
from pmsapp.crypto import key_files
from pmsapp.domain.errors import ConfigurationError
from pmsapp.factory import Access
from pmsapp.services.monitoring.doctor import Check, State, examine, is_sound
from pmsapp.settings import load_settings

_MARKS = {State.OK: "ok  ", State.WARN: "WARN", State.FAIL: "FAIL"}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check this installation. Ends with 0 when nothing failed, 1 otherwise."""
    try:
        key_files.require_instance(load_settings())
        with open_app(migrated=False, access=Access.LOOK):
            checks = examine()
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
