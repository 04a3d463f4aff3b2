"""One Chromium per test process; one app, one sandbox and one worker thread per test, all on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)
from sqlalchemy import select
from werkzeug.serving import make_server

from pmsapp import clock
from pmsapp.models import SyncRun
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic as clinics
from pmsapp.services.runs.history import RunView
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic

expect.set_options(timeout=30_000)  # a busy machine may take its time

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this test process."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"These tests drive {CHROMIUM}; install Chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    """The training clinic's Gentu, paired."""
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    vendors = {
        name.upper(): {"base_url": sandbox.base(name), "requests_per_minute": 6000}
        for name in ("gentu", "medirecords", "halaxy")
    }
    return make_settings(vendors=vendors)


@dataclass
class Installation:
    """The app as people meet it, and what tests do behind its back."""

    url: str
    app: Flask
    email: str
    work: Worker


class Worker:
    """Does queued runs in a thread, as the worker process does; `hold` keeps them waiting."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopped, self._turn = threading.Event(), threading.Lock()
        self._is_held = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hold(self) -> None:
        """From the moment this returns, runs stay queued."""
        self._turn.acquire()
        self._is_held = True

    def go_on(self) -> None:
        """Do what is queued."""
        self._is_held = False
        self._turn.release()

    def stop(self) -> None:
        self._stopped.set()
        if self._is_held:
            self.go_on()
        self._thread.join(timeout=20)

    def _run(self) -> None:
        with self._app.app_context():
            while not self._stopped.wait(0.05):
                with self._turn:
                    for run_id in self._queued():
                        execute.execute_run(run_id)

    def _queued(self) -> list[int]:
        now = clock.now()
        with reading() as session:
            rows = session.execute(
                select(SyncRun.id, SyncRun.not_before).where(SyncRun.status == "queued")
            ).all()
        return [row.id for row in rows if row.not_before is None or row.not_before <= now]


@pytest.fixture
def installation(app: Flask) -> Iterator[Installation]:
    """The app on a free port, with an administrator and a worker."""
    clinics.ensure(name="Banksia Street", is_training=True)
    user = actors.make_user("admin", email="mel@example.org", second_factor=False)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    worker = Worker(app)
    worker.start()
    yield Installation(f"http://127.0.0.1:{server.port}", app, user.email, worker)
    worker.stop()
    server.shutdown()
    thread.join(timeout=5)
    server.server_close()


class OpenClinic(SyncedClinic):
    """A clinic whose own runs are not the worker's: a run asked for here is over when `sync` returns."""

    work: Worker

    def sync(self, *args: Any, **kwargs: Any) -> RunView:
        """As in `SyncedClinic`."""
        self.work.hold()
        try:
            return super().sync(*args, **kwargs)
        finally:
            self.work.go_on()


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer, installation: Installation) -> SyncedClinic:
    """Gentu connected and everybody matched; nothing read yet."""
    clinic = OpenClinic(app, sandbox)
    clinic.work = installation.work
    clinic.map_everybody()
    return clinic


@dataclass
class Visit:
    """A page with a record of everything it said and asked."""

    page: Page
    installation: Installation
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a path of the app."""
        self.page.goto(self.installation.url + path)
        return self.page

    def sign_in(self) -> Page:
        """Sign in through the page."""
        self.go("/login")
        self.page.get_by_label("Email").fill(self.installation.email)
        self.page.get_by_label("Password").fill(actors.PASSWORD)
        self.page.get_by_role("main").get_by_role("button").click()
        self.page.wait_for_url(self.installation.url + "/")
        return self.page

    def assert_clean(self) -> None:
        """No script error, nothing the policy refused, nobody else asked."""
        foreign = [url for url in self.asked if not url.startswith(self.installation.url + "/")]
        assert (self.errors, foreign) == ([], [])

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )


def _listen(visit: Visit) -> None:
    def said(message: ConsoleMessage) -> None:
        refused_on_purpose = message.text.startswith("Failed to load resource")  # a 422 or 404 answer
        if message.type == "error" and not refused_on_purpose:
            visit.errors.append(message.text)

    def asked(request: Request) -> None:
        visit.asked.append(request.url)

    visit.page.on("console", said)
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("request", asked)


@pytest.fixture
def open_visit(chromium: Browser, installation: Installation) -> Iterator[Callable[..., Visit]]:
    """Make a visit in a browser context of its own; keyword arguments go to the context."""
    contexts: list[BrowserContext] = []

    def make(**kwargs: Any) -> Visit:
        kwargs.setdefault("viewport", {"width": 1440, "height": 900})
        context = chromium.new_context(locale="en-AU", **kwargs)
        context.set_default_timeout(30_000)
        contexts.append(context)
        visit = Visit(context.new_page(), installation)
        _listen(visit)
        return visit

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def visit(open_visit: Callable[..., Visit]) -> Visit:
    """A desktop visit, nobody signed in."""
    return open_visit()
