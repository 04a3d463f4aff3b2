"""The tool and the list that every page is held against WCAG 2.2 AA with."""

from __future__ import annotations

from flask import Flask

from tests.browser.places import NO_PLACE, PLACES
from tests.support import accessibility

SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def test_the_vendored_file_is_the_published_one() -> None:
    assert accessibility.digest() == SHA256
    assert SHA256 in (accessibility.FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_page_of_the_product_is_in_the_list_of_places(app: Flask) -> None:
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and (not str(rule).startswith("/api/") or str(rule) == "/api/docs")
    }
    listed = {place.endpoint for place in PLACES}
    assert pages == listed | set(NO_PLACE)
    assert not listed & set(NO_PLACE)
