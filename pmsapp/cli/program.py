"""The command line as a whole: which module holds which command, and how every failure becomes one sentence."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from pmsapp import __version__
from pmsapp.cli.shared.failures import FAILED, exit_code_and_sentences

STOPPED = 130
COMMANDS = {
    "up": "pmsapp.cli.run.up",
    "demo": "pmsapp.cli.run.demo",
    "demo-setup": "pmsapp.cli.run.demo_setup",
    "web": "pmsapp.cli.run.processes",
    "worker": "pmsapp.cli.run.processes",
    "scheduler": "pmsapp.cli.run.processes",
    "sandbox": "pmsapp.cli.run.sandbox",
    "sync": "pmsapp.cli.admin.sync",
    "users": "pmsapp.cli.admin.users",
    "tokens": "pmsapp.cli.admin.tokens",
    "keys": "pmsapp.cli.admin.keys",
    "audit": "pmsapp.cli.records.audit",
    "person": "pmsapp.cli.records.person",
    "breach": "pmsapp.cli.records.breach",
    "db": "pmsapp.cli.admin.db",
    "backup": "pmsapp.cli.admin.backup",
    "downtime": "pmsapp.cli.admin.downtime",
    "verify": "pmsapp.cli.admin.restore",
    "restore": "pmsapp.cli.admin.restore",
    "doctor": "pmsapp.cli.admin.doctor",
}


class Program(click.Group):
    """Loads a command's module when it is asked for."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Where this very installation's settings are read from."""
        from pmsapp import paths, settings  # loads what checks settings; no other command needs it this early

        folder = os.environ.get(f"{settings.PREFIX}INSTANCE_DIR") or paths.default_instance_dir()
        file = settings.machine_file(os.environ) or f"{settings.ENV_FILE} (not there or not read here)"
        formatter.write_paragraph()
        formatter.write_text(
            "Settings are environment variables that begin with PMSAPP_, else lines of these files:"
        )
        formatter.write(f"  {file}\n  {folder}/settings.toml\n")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_")
        )
        return command


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="pmsapp")
def program() -> None:
    """A telehealth run sheet that fills itself from the clinic's practice management system."""


def run(args: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. Prints one sentence on standard error when it fails."""
    try:
        result = program.main(args, prog_name="pmsapp", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else FAILED
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped.", err=True)
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # the last resort: one sentence, never a traceback
        code, sentences = exit_code_and_sentences(error)
        for sentence in sentences:
            click.echo(sentence, err=True)
        return code
