"""`pmsapp db`: upgrade the tables; bring the write-ahead log into the file."""

from __future__ import annotations

from contextlib import ExitStack

import click

from pmsapp.models.sqlite import checkpoint as bring_log_in
from pmsapp.settings import load_settings
from pmsapp.supervisor import messages
from pmsapp.supervisor.lock import only_one


@click.group()
def db() -> None:
    """The database's tables and file."""


@db.command()
@click.option("--quiet", is_flag=True, help="Say nothing when there was nothing to do.")
@click.option("--address", hidden=True, help="Where the pages will be, to say how the first person gets in.")
@click.option(
    "--under-lock", is_flag=True, hidden=True, help="Whoever calls holds the instance folder's lock."
)
@click.option("--training", is_flag=True, hidden=True, help="A new clinic is a training clinic.")
def upgrade(quiet: bool, address: str | None, under_lock: bool, training: bool) -> None:
    """Bring the database up to this version; a SQLite file is copied first. pmsapp must be stopped."""
    from pmsapp.cli.shared.base import open_app  # heavy; `checkpoint` needs none of it
    from pmsapp.extensions import current_settings
    from pmsapp.extensions import db as database_engine
    from pmsapp.factory import Access
    from pmsapp.services.clinic import clinic
    from pmsapp.services.maintenance import database
    from pmsapp.services.people import users

    with ExitStack() as held, open_app(migrated=False, access=Access.MAKE):
        if (
            not database.versions().is_current
        ):  # an older process that still runs would meet tables it does not know
            if not under_lock:
                held.enter_context(only_one(current_settings().instance_dir))
            if (file := current_settings().sqlite_file) is not None:
                database_engine.engine.dispose()
                database.require_alone(file)
        done = database.upgrade()
        if training:
            clinic.ensure(name="Training clinic", is_training=True, hours=clinic.ALWAYS_OPEN)
        else:
            clinic.ensure()
        code = users.make_setup_code() if address and not training and not users.any_users() else None
    say = messages.writer(load_settings()) if under_lock else click.echo
    if done.backup is not None:
        say(f"The database as it was is kept in {done.backup}")
    if done.changed:
        say("The database is ready." if done.before is None else "The database was upgraded.")
    elif not quiet:
        click.echo("The database is up to date.")
    if code is not None:
        say(f"Nobody may sign in yet. Open {address}/setup and enter this code: {code.code}")


@db.command()
@click.option("--quiet", is_flag=True, help="Say nothing when it worked.")
def checkpoint(quiet: bool) -> None:
    """Bring what was written last into the database's file, so that the file alone may be copied.

    `pmsapp up` does this when it stops; after a kill or a power cut, do it before copying the file.
    """
    file = load_settings().sqlite_file
    if file is None or not file.exists():
        if not quiet:
            click.echo("There is no database file.")
        return
    if not bring_log_in(file):
        click.echo(f"A process still uses {file}; copy the database with: pmsapp backup", err=True)
        raise SystemExit(1)
    if not quiet:
        click.echo(f"{file} holds everything.")
