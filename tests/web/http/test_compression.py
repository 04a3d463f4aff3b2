"""Large answers are compressed where nothing secret can be read off their length, and only there."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask

from pmsapp import paths
from pmsapp.web.http import compression
from tests.support.actors import Browser
from tests.support.seeded_clinic import DAY, seed

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.mark.parametrize("path", ["/", f"/sheet/{DAY}", f"/api/run-sheet?date={DAY}"])
def test_the_sheet_is_compressed_for_those_who_can_read_it(reception: Browser, path: str) -> None:
    seed()
    plain, small = reception.get(path), reception.get(path, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data)
    for answer in (plain, small):
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "no-store"
    if path.startswith("/api"):
        assert gzip.decompress(small.data) == plain.data


def test_the_length_of_a_sheet_is_blurred(reception: Browser) -> None:
    seed()
    path = f"/api/run-sheet?date={DAY}"
    assert len({len(reception.get(path, headers=GZIP).data) for _ in range(30)}) > 5


def test_a_compressed_answer_can_be_asked_about_again(reception: Browser) -> None:
    seed()
    path = f"/api/run-sheet?date={DAY}"
    tag = reception.get(path, headers=GZIP).headers["ETag"]
    assert tag.startswith('W/"')
    again = reception.get(path, headers=GZIP | {"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_static_files_are_compressed_once_and_unchanged(reception: Browser) -> None:
    for name in ("app.js", "css/pages.css", "icons.svg", "vendor/htmx-4.0.1.min.js"):
        answer = reception.get(f"/static/{name}?v=1", headers=GZIP)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data) == (paths.STATIC / name).read_bytes()
        assert reception.get(f"/static/{name}").data == (paths.STATIC / name).read_bytes()


def test_nothing_else_is_compressed(app: Flask, reception: Browser) -> None:
    """Other pages repeat what a request said (a way back, what was typed) beside the page's token."""
    seed()
    for path in (
        "/login?next=/decisions",
        "/decisions",
        "/integrations",
        "/cards/1",
        "/settings",
        "/nothing-here",
    ):
        assert "Content-Encoding" not in reception.get(path, headers=GZIP).headers
    with app.test_request_context():
        assert {rule.endpoint for rule in app.url_map.iter_rules()} >= compression.SHEETS


def test_a_sheet_repeats_nothing_of_its_request(reception: Browser) -> None:
    """What makes it safe to compress: no guess of an outsider ends up beside the token."""
    seed()
    guess = "guess5f3a"
    headers = {
        "X-Note": guess,
        "User-Agent": guess,
        "HX-Current-URL": f"http://localhost/{guess}",
        "Referer": guess,
    }
    for path in ("/", f"/sheet/{DAY}", f"/api/run-sheet?date={DAY}"):
        mark = "&" if "?" in path else "?"
        answer = reception.get(f"{path}{mark}v={guess}", headers=headers)
        if answer.status_code == 200:
            assert guess not in answer.text
    refresh = reception.get(f"/sheet/{DAY}?v={guess}", headers=headers | {"HX-Request": "true"})
    assert refresh.status_code == 200
    assert guess not in refresh.text
