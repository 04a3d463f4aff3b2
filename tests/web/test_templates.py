"""What holds for every template and static file: nothing inline, nothing foreign, every name known."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from jinja2 import Environment

from pmsapp import paths
from tests.support.cases import check_each

TEMPLATES = sorted(paths.TEMPLATES.rglob("*.html"))
STYLES = sorted((paths.STATIC / "css").glob("*.css"))
LAYERED = ("tokens", "base", "layout", "components", "pages", "worklist", "paper", "help", "print")
HTMX = paths.STATIC / "vendor" / "htmx-4.0.1.min.js"


def name_of(file: Path) -> str:
    return str(file.relative_to(paths.TEMPLATES))


def without_jinja(text: str) -> str:
    """The markup alone: comments and statements gone, every expression one word."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.S)
    return re.sub(r"\{\{.*?\}\}", "X", text, flags=re.S)


def tags_of(text: str) -> list[str]:
    return re.findall(r"<[a-z][^>]*>", without_jinja(text))


def test_no_template_holds_anything_that_the_policy_forbids() -> None:
    def check(file: Path) -> None:
        markup = without_jinja(file.read_text())
        assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|hx-on|\bjs:|javascript:", markup, re.I)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", markup))
        assert not re.search(r"""hx-trigger=["'][^"']*\[""", markup), "bracket filters need eval"
        assert "|safe" not in file.read_text().replace(" ", "")

    check_each(TEMPLATES, check, name_of)


def test_every_attribute_is_quoted() -> None:
    def check(file: Path) -> None:
        for tag in tags_of(file.read_text()):
            bare = re.sub(r"""=("[^"]*"|'[^']*')""", "", tag)
            assert "=" not in bare, tag

    check_each(TEMPLATES, check, name_of)


def test_every_form_that_changes_something_carries_the_token() -> None:
    def check(file: Path) -> None:
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", file.read_text(), re.S):
            assert 'name="csrf_token"' in form

    check_each(TEMPLATES, check, name_of)


def test_no_template_asks_another_server() -> None:
    def check(file: Path) -> None:
        markup = without_jinja(file.read_text())
        assert not re.search(r"""(src|href|action|hx-[a-z]+)=["'](https?:)?//""", markup)

    check_each(TEMPLATES, check, name_of)


def test_every_template_compiles() -> None:
    environment = Environment(autoescape=True)  # noqa: S701 - it is on
    for file in TEMPLATES:
        environment.parse(file.read_text(), filename=name_of(file))


def test_every_icon_named_anywhere_is_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([a-z]+)"', (paths.STATIC / "icons.svg").read_text()))
    used = {
        name for file in TEMPLATES for name in re.findall(r"""icon\(["']([a-z]+)["']\)""", file.read_text())
    }
    web = Path(__file__).parents[2] / "pmsapp" / "web"
    for file in web.rglob("*.py"):
        used |= set(re.findall(r"""Badge\(\s*[^(),]+,\s*"([a-z]+)\"""", file.read_text()))
    assert used
    assert used <= known


def test_the_vendored_htmx_is_the_one_recorded() -> None:
    recorded = dict(
        re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (HTMX.parent / "README.md").read_text(), re.M)
    )
    files = {file.name for file in HTMX.parent.iterdir() if file.suffix == ".js"}
    assert files == set(recorded)
    for name, digest in recorded.items():
        assert hashlib.sha256((HTMX.parent / name).read_bytes()).hexdigest() == digest


def test_htmx_is_told_to_stay_within_the_policy() -> None:
    layout = (paths.TEMPLATES / "layout.html").read_text()
    found = re.search(r"""name="htmx-config" content='([^']+)'""", layout)
    assert found
    config = json.loads(found.group(1))
    assert config["includeIndicatorCSS"] is False
    assert config["mode"] == "same-origin"
    assert 0 < config["defaultTimeout"] <= 60_000
    assert "hx-headers:inherited" in layout


def test_the_stylesheets_ask_nobody_and_name_their_layer() -> None:
    for file in STYLES:
        text = file.read_text()
        assert "@import" not in text
        assert "url(" not in text
        assert "@layer" in text or file.stem not in LAYERED


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, other: str) -> float:
    high, low = sorted((luminance(first), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    light, dark = (paths.STATIC / "css" / "tokens.css").read_text().split("prefers-color-scheme: dark")
    found = {
        scheme: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", text))
        for scheme, text in (("light", light), ("dark", dark))
    }
    assert found["light"].keys() == found["dark"].keys()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_on_every_surface_it_is_put_on(scheme: str) -> None:
    colours = schemes()[scheme]
    surfaces = ("surface", "raised", "sunk")
    meanings = ("good", "wait", "warn", "stop", "telehealth", "accent")
    pairs = [(text, surface) for text in ("text", "muted", "accent") for surface in surfaces]
    pairs += [(meaning, f"{meaning}-tint") for meaning in meanings]
    pairs += [(meaning, surface) for meaning in meanings for surface in ("surface", "raised")]
    pairs += [("text", f"{meaning}-tint") for meaning in meanings]
    pairs += [("on-accent", "accent"), ("on-accent", "accent-strong")]
    weak = {
        f"{first} on {other}": round(contrast(colours[first], colours[other]), 2)
        for first, other in pairs
        if contrast(colours[first], colours[other]) < 4.5
    }
    assert weak == {}
    shapes = {surface: contrast(colours["edge"], colours[surface]) for surface in ("surface", "raised")}
    assert min(shapes.values()) >= 3
