"""`pmsapp verify` and `pmsapp restore`: can a backup be put back, and putting it back."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from pmsapp.cli.shared.base import as_json_text, json_option, open_app, show_json
from pmsapp.crypto import key_files, private_files
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.errors import ConfigurationError
from pmsapp.factory import Access
from pmsapp.services.maintenance import backup, database
from pmsapp.services.maintenance import restore as service
from pmsapp.services.maintenance.off_site import archive
from pmsapp.services.maintenance.off_site.archive import Unpacked
from pmsapp.services.maintenance.restore import Copy, Present
from pmsapp.settings import load_settings
from pmsapp.supervisor.lock import only_copy, only_one

_WORK = "work-"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE, required=False)
@json_option
def verify(file: Path | None, as_json: bool) -> None:
    """Read a backup from end to end, the newest without FILE: could it be put back? Changes nothing."""
    file = file or _newest()
    live = load_settings().sqlite_file
    beside = live.parent if live is not None and live.exists() else None
    with (
        _ready_copy(file, beside) as ready,
        open_app(migrated=False, database_file=ready.database, access=Access.LOOK, keys=ready.keys),
    ):
        found = _brought_up(file)
    if as_json:
        show_json({"file": file, **_facts(found)})
        return
    click.echo(f"{file} is whole: {_in_words(found)}.")
    _warn_of_keys(found)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Put a backup in the place of the database. pmsapp must be stopped; the database that was there is kept."""
    settings = load_settings()
    live = settings.sqlite_file
    if live is None:
        raise ConfigurationError("PostgreSQL is restored with its own tools.")
    key_files.ensure_instance(settings)
    with only_one(settings.instance_dir), _ready_copy(file, live.parent) as ready:
        database.require_alone(live)
        lacking = None if key_files.has_ring(settings) else ready.keys
        with open_app(migrated=False, database_file=ready.database, keys=lacking):
            found = _brought_up(file)
        present = _present(found) if live.exists() else None
        click.echo(f"{file} is whole: {_in_words(found)}.", err=True)
        _warn_of_keys(found)
        _say_what_is_lost(present)
        if not yes:
            click.confirm("Put it back?", abort=True, err=True)
        lost = _keep_list(live, present)
        if ready.keys is not None and key_files.put_back(settings, ready.keys):
            click.echo("The keys of the archive were put beside those that were there.", err=True)
        with open_app(database_file=ready.database):
            service.adopt(found, present, file.name, COMMAND_LINE)
        database.require_alone(live)
        kept = service.put_in_place(ready.database, live)
    if lost is not None:
        click.echo(f"What was done since is listed in {lost}")
    if kept is not None:
        click.echo(f"The database that was there is kept in {kept}")
    click.echo("The backup is in place. Start pmsapp; everybody signs in again and every list is read anew.")


def _newest() -> Path:
    last = backup.latest(load_settings().instance_dir)
    if last is None:
        raise ConfigurationError("There is no backup yet; run: pmsapp backup")
    return last.path


@contextmanager
def _ready_copy(file: Path, beside: Path | None) -> Iterator[Unpacked]:
    """A copy of the backup to work on, in a private folder that is gone afterwards; the backup itself is never opened
    for writing. `beside`: the folder to make it in; None for the system's, on a machine without an installation."""
    is_sealed = archive.is_archive(file)
    if not is_sealed and not backup.looks_like_a_database(file):
        raise ConfigurationError(f"{file} is no backup of pmsapp.")
    with ExitStack() as stack:
        if beside is not None:
            key_files.require_owner(beside)
            stack.enter_context(only_copy(beside))
            for left in beside.glob(f"{_WORK}*"):  # of a command that was killed: nobody holds the lock
                shutil.rmtree(left)
        work = stack.enter_context(tempfile.TemporaryDirectory(prefix=_WORK, dir=beside))
        if is_sealed:
            yield archive.unpack(file, Path(work), _passphrase())
            return
        ready = Path(work) / "copy.sqlite3"
        try:
            os.close(os.open(ready, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            shutil.copyfile(file, ready)
        except OSError as error:
            raise ConfigurationError(f"{file.name} could not be copied ({error.strerror}).") from error
        yield Unpacked(ready, None)


def _passphrase() -> str:
    known = load_settings().backup_passphrase
    if known is None and not sys.stdin.isatty():
        raise ConfigurationError("The archive is sealed; set PMSAPP_BACKUP_PASSPHRASE.")
    typed: str = known or click.prompt("Passphrase of the archive", hide_input=True, err=True)
    return typed


def _brought_up(file: Path) -> Copy:
    """What the open copy of `file` holds, once it is of this version. Raises ConfigurationError."""
    service.require_ours(file)
    database.upgrade(copy_first=False)
    return service.examine()


def _present(found: Copy) -> Present | None:
    with open_app(migrated=False):
        present = service.look_at_present(found)
    if present is None:
        click.echo(
            "The database that is there cannot be read; nothing can be carried over from it.", err=True
        )
    return present


def _facts(found: Copy) -> dict[str, object]:
    return {
        "version": found.version,
        "cards": found.cards,
        "people": found.people,
        "last_event_at": found.last_event_at,
        "unreadable": found.unreadable,
    }


def _in_words(found: Copy) -> str:
    last = f", last change {found.last_event_at:%Y-%m-%d %H:%M}Z" if found.last_event_at else ""
    return f"{found.cards} cards, {found.people} people{last}"


def _warn_of_keys(found: Copy) -> None:
    if found.unreadable:
        click.echo(
            f"{found.unreadable} sealed texts do not open with the keys of this installation; put the keys of that"
            " time back, or enter the logins again.",
            err=True,
        )


def _say_what_is_lost(present: Present | None) -> None:
    if present is None:
        return
    if not present.related:
        click.echo("This backup is no earlier state of the database that is there.", err=True)
    else:
        click.echo(f"{len(present.done_since)} things were done since and will be undone.", err=True)


def _keep_list(live: Path, present: Present | None) -> Path | None:
    """The list of what is undone, for whoever has to do it again: who did what to which card, no patient's data."""
    if present is None or not present.done_since:
        return None
    folder = live.parent / backup.FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    last = present.done_since[-1]
    target = folder / f"undone-{last.id}.json"
    private_files.replace(target, as_json_text({"items": present.done_since}))
    return target
