"""Every press whose answer leads to another page says there what it came to."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from pmsapp import paths
from pmsapp.web.ui.said import SENTENCES, lead_to
from tests.support.actors import Browser

WEB = paths.STATIC.parent / "pmsapp" / "web"


def test_each_sentence_is_used_and_each_word_has_its_sentence() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8") for file in sorted(WEB.rglob("*.py")) if file.name != "said.py"
    )
    used = {word for word in SENTENCES if f'"{word}"' in code}
    assert set(SENTENCES) - used == set()
    asked = set(re.findall(r'lead_to\([^\n]*, "([a-z-]+)"\)', code))
    assert asked - set(SENTENCES) == set()


def test_a_word_joins_an_address_that_already_asks_for_something() -> None:
    assert lead_to("/sheet/2026-11-23?view=list#card-3", "seen").location == (
        "/sheet/2026-11-23?view=list&said=seen#card-3"
    )
    with pytest.raises(ValueError, match="no such sentence"):
        lead_to("/", "something else")


def test_the_page_says_the_sentence_and_nothing_that_somebody_else_wrote(app: Flask, admin: Browser) -> None:
    page = admin.get("/settings/tokens?said=token-revoked").text
    assert SENTENCES["token-revoked"] in page
    assert "Pay here" not in admin.get("/settings/tokens?said=Pay+here").text
