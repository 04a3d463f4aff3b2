"""What a run sheet of 40, 300 and 400 cards costs: the server's time, bytes and statements, and the browser's scripts."""

from __future__ import annotations

import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask
from playwright.sync_api import CDPSession, Page, sync_playwright
from sqlalchemy import event
from werkzeug.serving import make_server

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.factory import create_app
from pmsapp.models import RunSheetClinician
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import overrides
from pmsapp.services.maintenance import database
from pmsapp.services.people import users
from pmsapp.settings import load_settings

SHAPES = {40: 4, 300: 12, 400: 25}
EMAIL, PASSWORD = "bench@example.org", "purple trains eat moss"
PATIENCE_MS = 180_000
CHROMIUM = "/usr/bin/chromium"
HEAD = (
    "| cards | columns | page: server (ms) | statements | kB | kB sent | refresh with one change: server (ms) | kB "
    "| load: scripts (ms) | all work (ms) | refresh: scripts (ms) | all work (ms) |"
)
_GIVEN = ("Wren", "Jasper", "Mabel", "Otto", "Ida", "Fern", "Stan", "Nell", "Basil", "Edith")
_FAMILY = (
    "Banksia",
    "Correa",
    "Hovea",
    "Wattle",
    "Melaleuca",
    "Jarrah",
    "Karri",
    "Numbat",
    "Galah",
    "Bilby",
    "Lorikeet",
)


def fill(cards: int, columns: int) -> list[int]:
    """A day with that many patients by hand, spread over the columns. Returns the cards."""
    database.upgrade()
    clinic.ensure(name="Bench", is_training=True)
    users.add_user(EMAIL, role="admin", password=PASSWORD, actor=COMMAND_LINE, name="Bench")
    now = clock.now()
    with writing() as session:
        made = [
            RunSheetClinician(
                name=f"Dr {_FAMILY[number % 11]} {number}", sort_order=number, active=True, created_at=now
            )
            for number in range(columns)
        ]
        session.add_all(made)
        session.flush()
        clinicians = [row.id for row in made]
    found = []
    today = clinic.today()
    zone = ZoneInfo(clinic.time_zone())
    begin = datetime(today.year, today.month, today.day, 8, tzinfo=zone).astimezone(UTC)
    for number in range(cards):
        values = {
            "start_at": begin + timedelta(minutes=10 * (number // columns)),
            "clinician_id": clinicians[number % columns],
            "patient_name": f"{_GIVEN[number % 10]} {_FAMILY[number // 10 % 11]}",
            "patient_phone": f"0491 57{number % 10000:04d}",
            "is_telehealth": True,
        }
        found.append(overrides.add_card(today, values, COMMAND_LINE).id)
    return found


@contextmanager
def serve(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url(f"{url}/")


def work_of(tools: CDPSession) -> tuple[float, float]:
    """Milliseconds of scripts, and of everything, so far."""
    found = {metric["name"]: metric["value"] for metric in tools.send("Performance.getMetrics")["metrics"]}
    return found["ScriptDuration"] * 1000, found["TaskDuration"] * 1000


def measure(cards: int, columns: int, rounds: int) -> str:
    """One row of the table; medians."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({}, instance_dir=Path(folder) / "instance", log_format="text")
        app = create_app(settings)
        with app.app_context():
            return _row(app, cards, columns, rounds)


def _row(app: Flask, cards: int, columns: int, rounds: int) -> str:
    ids = fill(cards, columns)
    with serve(app) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        sign_in(page, url)
        server = _server_side(app, page, url, rounds)
        loads, refreshes, changed = [], [], []
        for number in range(rounds):
            page = page.context.new_page()  # what is counted begins anew with a page
            page.set_default_timeout(PATIENCE_MS)
            tools = page.context.new_cdp_session(page)
            tools.send("Performance.enable")
            page.goto(f"{url}/?view=list")
            page.wait_for_function("document.documentElement.classList.contains('js')")
            loads.append(work_of(tools))
            overrides.edit_card(ids[number], {"notes": f"Round {number}"}, COMMAND_LINE)
            before = work_of(tools)
            with page.expect_response(lambda answer: "&v=" in answer.url) as waited:
                page.evaluate("document.body.dispatchEvent(new CustomEvent('sheet:changed'))")
            body = waited.value.body()
            page.wait_for_function(f"document.querySelector('#card-{ids[number]}').dataset.v > 1")
            refreshes.append(_since(before, work_of(tools)))
            changed.append((waited.value.request.timing["responseStart"], len(body) / 1000))
        browser.close()
    numbers = [
        *server,
        *(statistics.median(column) for column in zip(*changed, strict=True)),
        *(statistics.median(column) for column in zip(*loads, strict=True)),
        *(statistics.median(column) for column in zip(*refreshes, strict=True)),
    ]
    return f"| {cards} | {columns} | " + " | ".join(f"{number:.0f}" for number in numbers) + " |"


def _server_side(app: Flask, page: Page, url: str, rounds: int) -> list[float]:
    """The whole page: median ms, statements, kB, and kB as sent (compressed)."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(str(given[2])))
    client = app.test_client(use_cookies=False)
    times, body, sent = [], b"", b""
    for _ in range(rounds + 2):
        statements.clear()
        begun = time.perf_counter()
        body = client.get("/?view=list", headers={"Cookie": header, "Host": url.removeprefix("http://")}).data
        times.append((time.perf_counter() - begun) * 1000)
    count = sum(not text.startswith(("PRAGMA", "BEGIN")) for text in statements)
    sent = client.get(
        "/?view=list",
        headers={"Cookie": header, "Host": url.removeprefix("http://"), "Accept-Encoding": "gzip"},
    ).data
    return [statistics.median(times[2:]), float(count), len(body) / 1000, len(sent) / 1000]


def _since(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    return after[0] - before[0], after[1] - before[1]


def table(rounds: int) -> Iterator[str]:
    """The whole table, row by row."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    yield HEAD
    yield "|---" * (HEAD.count("|") - 1) + "|"
    for cards, columns in SHAPES.items():
        yield measure(cards, columns, rounds)


if __name__ == "__main__":
    for line in table(5):
        print(line, flush=True)
