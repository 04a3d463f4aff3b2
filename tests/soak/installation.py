"""One app for all examples of a process, and a fresh database for each: the file is put back as it was migrated."""

from __future__ import annotations

import atexit
import shutil
from functools import lru_cache

from flask import Flask

from pmsapp.extensions import db
from pmsapp.factory import create_app
from pmsapp.services.maintenance import database
from pmsapp.settings import load_settings
from tests.support import in_memory, prepared, snapshot


class Installation:
    """The app and its pristine database. Its folder lies in memory where the machine has such a place."""

    def __init__(self) -> None:
        folder = in_memory.make_folder("pms-soak-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        settings = load_settings({}, instance_dir=folder / "instance", log_format="text")
        self.app: Flask = create_app(settings)
        self._file = folder / "instance" / "pmsapp.sqlite3"
        with self.app.app_context():
            database.upgrade()
            db.engine.dispose()
            self.snapshots = snapshot.Taken(db.engine)
        self._pristine = prepared.know(self._file.read_bytes())

    def reset(self) -> None:
        """An empty, migrated database. Inside the app's context."""
        self.load(self._pristine)

    def save(self) -> bytes:
        """The database as it is. Inside the app's context."""
        return prepared.save(self._file)

    def load(self, saved: bytes) -> None:
        """The database as it was. Inside the app's context."""
        prepared.load(self._file, saved)
        self.snapshots.forget()


@lru_cache(maxsize=1)
def installation() -> Installation:
    """This process's installation."""
    return Installation()
