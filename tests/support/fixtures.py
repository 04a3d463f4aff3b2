"""The fixtures every test may ask for: an app on a migrated SQLite file of its own, clients by role, a clock,

the vendors' sandbox, a practice held in memory, somebody who receives alerts.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pmsapp import clock
from pmsapp.extensions import db
from pmsapp.factory import create_app
from pmsapp.models import RunSheetClinician
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.services.maintenance import database
from pmsapp.settings import Settings, load_settings
from tests.support import actors, in_memory, postgres, prepared, speed
from tests.support.actors import Browser
from tests.support.clients import Client
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.elsewhere import Elsewhere
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered
from tests.support.sandboxes import Sandboxes
from tests.support.watching import Receiver


@pytest.fixture
def frozen_clock() -> Iterator[FrozenClock]:
    """The clock stands at Monday 23 November 2026, 09:00 in Melbourne."""
    source = FrozenClock(MONDAY_9AM)
    with clock.use(source):
        yield source


@pytest.fixture(scope="session")
def migrated_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with keys and a migrated, empty database; made once per test process, only ever copied."""
    folder = tmp_path_factory.mktemp("migrated") / "instance"
    app = create_app(load_settings({}, instance_dir=folder))
    with app.app_context():
        database.upgrade()
        db.engine.dispose()
    prepared.know((folder / "pmsapp.sqlite3").read_bytes())
    return folder


@pytest.fixture
def instance_dir(migrated_instance: Path) -> Iterator[Path]:
    """This test's own copy of the migrated instance folder."""
    folder = in_memory.make_folder("pms-test-")
    target = folder / "instance"
    shutil.copytree(migrated_instance, target)
    target.chmod(0o700)
    yield target
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None, for SQLite in the instance folder; a PostgreSQL database of the test's own where TEST_POSTGRES_URL is set."""
    if postgres.SERVER is None:
        yield None
    else:
        with postgres.own_database(request.getfixturevalue("migrated_postgres")) as url:
            yield url


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database; made once per test process, only ever copied."""
    with postgres.own_database(None) as url:
        folder = tmp_path_factory.mktemp("postgres") / "instance"
        app = create_app(load_settings({}, instance_dir=folder, database_url=url))
        with app.app_context():
            database.upgrade()
            db.engine.dispose()
        yield postgres.name_of(url)


@pytest.fixture
def make_settings(instance_dir: Path, database_url: str | None) -> Callable[..., Settings]:
    """Settings of this test's instance; keyword arguments (field names) win over the defaults."""

    def make(**overrides: Any) -> Settings:
        defaults: dict[str, Any] = {
            "allowed_pms_hosts": ("127.0.0.1",),
            "log_format": "text",
            "database_url": database_url,
        }
        return load_settings({}, instance_dir=instance_dir, **{**defaults, **overrides})

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """The settings most tests use: a temporary instance, loopback allowed as a PMS host. Override it in a module."""
    return make_settings()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The whole app, its context pushed, so services can be called straight away."""
    app = create_app(settings)
    app.test_client_class = Client
    speed.remember_templates(app)
    with app.app_context():
        speed.remember_statements(db.engine)
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser nobody is signed in on."""
    return app.test_client()


@pytest.fixture
def login(app: Flask) -> Callable[..., Browser]:
    """`login("reception")`: a browser with a new person of that role signed in."""

    def sign_in(role: str = "admin", *, clinician_id: int | None = None) -> Browser:
        if role == "clinician" and clinician_id is None:
            clinician_id = _a_column()
        return actors.browser(app, actors.make_user(role, clinician_id=clinician_id))

    return sign_in


def _a_column() -> int:
    with writing() as session:
        row = RunSheetClinician(name="Dr Own Column", sort_order=0, created_at=clock.now())
        session.add(row)
        session.flush()
        return row.id


@pytest.fixture
def admin(login: Callable[..., Browser]) -> Browser:
    """Runs the installation."""
    return login("admin")


@pytest.fixture
def reception(login: Callable[..., Browser]) -> Browser:
    """Works on the run sheet all day."""
    return login("reception")


@pytest.fixture
def clinician(login: Callable[..., Browser]) -> Browser:
    """Sees a column of their own."""
    return login("clinician")


@pytest.fixture
def viewer(login: Callable[..., Browser]) -> Browser:
    """Looks and changes nothing."""
    return login("viewer")


@pytest.fixture
def outsider(client: FlaskClient) -> FlaskClient:
    """Has no business here."""
    return client


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    """The sandboxes of this test process."""
    made = Sandboxes()
    yield made
    made.stop()


@pytest.fixture
def sandbox(sandboxes: Sandboxes) -> SandboxServer:
    """The vendors' servers of a made-up clinic over real HTTP, on the tests' clock, as just started."""
    return sandboxes.lend()


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Elsewhere]:
    """Does runs in processes of their own."""
    made = Elsewhere()
    yield made
    made.close()


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    """A practice held in memory, stocked and known to the adapters."""
    made = stock(FakePractice())
    with registered("practice", made):
        yield made


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    """That practice connected, everybody in it matched; nothing read yet."""
    return FakeClinic(practice)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who receives alerts."""
    with Receiver() as made:
        yield made
