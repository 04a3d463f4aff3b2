"""`pmsapp db`: upgrade the tables; bring the write-ahead log into the file; move to PostgreSQL, and restore there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from pmsapp.models.databases.sqlite import checkpoint as bring_log_in
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


@db.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", required=False)
def copy(source: Path, target: str | None) -> None:
    """Copy a SQLite database into an empty PostgreSQL database: every row, each read back. pmsapp must be stopped.

    SOURCE is the SQLite file, TARGET a postgresql+psycopg:// address; without it, that of PMSAPP_DATABASE_URL. All is
    copied or nothing; a copy that was cut off is begun again. The file stays as it was.
    """
    from pmsapp.cli.shared.base import open_app  # heavy; `checkpoint` needs none of it
    from pmsapp.factory import Access
    from pmsapp.services.maintenance import move

    with (
        only_one(source.resolve().parent),
        open_app(migrated=False, database_url=target, access=Access.MAKE),
    ):
        done = move.copy_from(source)
    click.echo(
        f"{done.rows} rows of {done.tables} tables were copied, and each was read back. Set PMSAPP_DATABASE_URL and start pmsapp."
    )
    if done.unreadable:
        click.echo(
            f"{done.unreadable} sealed texts open with none of the keys here; copy the key file of the machine"
            " they come from, or enter those logins again.",
            err=True,
        )


@db.command("after-restore")
@click.option("--yes", is_flag=True, help="Do not ask.")
def after_restore(yes: bool) -> None:
    """Make a PostgreSQL database that was put back by its own tools fit to be used. pmsapp must be stopped everywhere.

    Everybody signs in again, runs that were going on are over, versions and fences rise, and every list is read anew.
    """
    from pmsapp.cli.shared.base import open_app  # heavy; `checkpoint` needs none of it
    from pmsapp.domain.actor import COMMAND_LINE
    from pmsapp.domain.errors import ConfigurationError
    from pmsapp.services.maintenance import restore

    settings = load_settings()
    if settings.sqlite_file is not None:
        raise ConfigurationError("A SQLite backup is put back with: pmsapp restore FILE")
    with only_one(settings.instance_dir), open_app():
        found = restore.examine_postgres()
        click.echo(f"The database is whole: {found.cards} cards, {found.people} people.", err=True)
        if not yes:
            click.confirm("Is pmsapp stopped on every machine?", abort=True, err=True)
        restore.adopt(found, None, "PostgreSQL", COMMAND_LINE)
    click.echo("Start pmsapp; everybody signs in again and every list is read anew.")
