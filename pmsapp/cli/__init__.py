"""The command `pmsapp`: one module per group of commands, each loaded when it is called, each calling one service."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a checkout may be run by any Python
        sys.exit("Error: pmsapp needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")
    from pmsapp.cli.program import run

    sys.exit(run())
