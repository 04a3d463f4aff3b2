"""Text of vendors and staff never becomes markup, and templates hold nothing the content policy would refuse."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask import Flask

from pmsapp import paths
from tests.support.actors import browser, make_user
from tests.support.clock import FrozenClock
from tests.support.route_sweep import calls
from tests.support.seeded_clinic import Texts, seed

ATTACKS = [
    '"><img src=x onerror=alert(1) evil>',
    "' hx-get=/evil hx-trigger=load evil='",
    '" hx-get="/evil" hx-trigger="load" evil="',
    "javascript:alert(1)//evil",
    "</script><script evil>alert(1)</script>",
    "</title></textarea></style><svg onload=alert(1) evil>",
    "{{7*7}}{% raw %}<evil>",
    "name\u202e<evil>\u2066",
    "&lt;evil&gt;<!--<evil>",
    "\\\"}'><hx-partial evil hx-target='#main'>",
]
_ALLOWED_SCHEMES = ("/", "#", "tel:", "mailto:", "?")
_URL_ATTRIBUTES = frozenset(
    {"href", "src", "action", "formaction", "hx-get", "hx-post", "hx-delete", "hx-patch"}
)


class Shape(HTMLParser):
    """Which elements and attribute names a page has, and faults seen on the way."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            self.attributes.add(f"{tag}.{name}")
            if name.startswith(("on", "hx-on")) or name in {"style", "srcdoc"}:
                self.faults.append(f"<{tag} {name}=...>")
            if name in _URL_ATTRIBUTES and value and not _is_ours(value):
                self.faults.append(f"<{tag} {name}={value!r}>")
        if tag == "script" and "src" not in dict(attrs):
            self.faults.append("<script> without src")


def _is_ours(address: str) -> bool:
    return address.startswith(_ALLOWED_SCHEMES) and not address.startswith(("//", "/evil"))


def shape_of(html: str) -> Shape:
    shape = Shape()
    shape.feed(html)
    return shape


def shapes(app: Flask) -> dict[str, Shape]:
    """Every page and fragment an administrator can look at."""
    mine = browser(app, make_user("admin"))
    found = {}
    for call in calls(app):
        if call.method != "GET" or call.endpoint == "static":
            continue
        for kind, headers in (("page", {}), ("fragment", {"HX-Request": "true"})):
            answer = mine.get(call.url, headers=headers)
            if answer.mimetype == "text/html":
                found[f"{kind} {call.url}"] = shape_of(answer.text)
    return found


@pytest.fixture
def plain_shapes(app: Flask, frozen_clock: FrozenClock) -> dict[str, Shape]:
    """The pages with harmless texts."""
    seed()
    return shapes(app)


def test_pages_hold_no_inline_script_style_handler_or_foreign_address(plain_shapes: dict[str, Shape]) -> None:
    assert len(plain_shapes) > 5
    for where, shape in plain_shapes.items():
        assert shape.faults == [], where


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_stays_text_on_every_page(app: Flask, frozen_clock: FrozenClock, attack: str) -> None:
    seed(Texts(own=attack, other=f"{attack} two", vendor=attack))
    for where, shape in shapes(app).items():
        assert shape.faults == [], where
        assert not {name for name in shape.elements | shape.attributes if "evil" in name}, where


def test_hostile_text_typed_into_sign_in_stays_text(app: Flask) -> None:
    for attack in ATTACKS:
        client = app.test_client()
        token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
        answer = client.post(
            f"/login?next={attack}",
            data={"csrf_token": token, "email": attack, "password": attack, "next": attack},
        )
        shape = shape_of(answer.text)
        assert shape.faults == []
        assert not {name for name in shape.elements | shape.attributes if "evil" in name}


def templates() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(paths.TEMPLATES)), path.read_text(encoding="utf-8"))
        for path in sorted(paths.TEMPLATES.rglob("*.html"))
    ]


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("an inline script", r"<script(?![^>]*\bsrc=)"),
        ("an inline style", r"<style|\sstyle\s*="),
        ("an inline handler", r"\son[a-z]+\s*="),
        ("hx-on", r"hx-on"),
        ("a js: or javascript: value", r"=\s*[\"']\s*(?:js|javascript):"),
        ("a bracket filter in hx-trigger", r"hx-trigger[^=]*=\s*(\"[^\"]*\[|'[^']*\[)"),
        ("switched-off escaping", r"\|\s*safe\b|autoescape\s+false|Markup\("),
        ("an unquoted attribute value", r"<[a-z][^>]*\s[a-z:-]+=\{\{"),
        ("a foreign address", r"(?:href|src|action)\s*=\s*[\"'](?:https?:)?//"),
    ],
)
def test_templates_hold_no(what: str, pattern: str) -> None:
    found = [name for name, source in templates() if re.search(pattern, source, re.IGNORECASE)]
    assert found == [], f"{what} in a template"


def test_htmx_is_told_to_inject_no_style_and_to_stay_on_this_site() -> None:
    layout = dict(templates())["layout.html"]
    config = re.search(r"name=\"htmx-config\" content='([^']+)'", layout)
    assert config
    for setting in ('"includeIndicatorCSS":false', '"mode":"same-origin"', '"defaultTimeout":'):
        assert setting in config.group(1)
