"""The help pages as people open them: every code, badge and guide, every role, and the way to them from every screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask

from pmsapp import paths
from pmsapp.adapters.registry import list_infos
from pmsapp.domain.codes import CATALOGUE
from pmsapp.domain.roles import PEOPLE_ROLES
from pmsapp.services.base.next_step import help_href, next_step
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import decisions
from pmsapp.services.sheet import columns
from pmsapp.web.help import index
from pmsapp.web.help.topics import MEANWHILE
from tests.support import actors
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered
from tests.support.seeded_clinic import seed

LINK = re.compile(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', re.S)
TAG = re.compile(r"<[^>]*>")


def browser_of(app: Flask, role: str) -> Browser:
    column = columns.create_clinician(actors.COMMAND_LINE, name="Dr Hart").id if role == "clinician" else None
    return actors.browser(app, actors.make_user(role, clinician_id=column))


def text_of(html: str) -> str:
    return " ".join(unescape(TAG.sub(" ", html)).split())


def links_in(html: str) -> list[tuple[str, str]]:
    return [(unescape(href), text_of(words)) for href, words in LINK.findall(html)]


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock) -> Iterator[FakeClinic]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        clinic.ensure()
        yield FakeClinic(practice)


@pytest.mark.parametrize("role", sorted(PEOPLE_ROLES))
def test_every_page_opens_for_every_role_and_needs_nothing_outside(
    app: Flask, frozen_clock: FrozenClock, role: str
) -> None:
    reader = browser_of(app, role)
    start = reader.get("/help").text
    for path in (*CATALOGUE, *index.BADGES_BY_SLUG, *index.GUIDES_BY_SLUG):
        assert f'href="/help/{path}"' in start, path
        answer = reader.get(f"/help/{path}")
        assert answer.status_code == 200, path
        assert not re.search(r'(?:href|src|action)="(?:https?:)?//', answer.text), path
        assert "{pms}" not in answer.text
        assert "{step}" not in answer.text


@pytest.mark.parametrize("role", sorted(PEOPLE_ROLES))
def test_a_codes_page_says_what_the_catalogue_says(app: Flask, frozen_clock: FrozenClock, role: str) -> None:
    reader = browser_of(app, role)
    for name, code in CATALOGUE.items():
        entry, said = index.CODES[name], text_of(reader.get(f"/help/{name}").text)
        assert index.headline_of(name) in said, name
        assert code.advice.format(pms=index.PMS) in said, name
        for sentence in (entry.cause, entry.effect, entry.by_itself, MEANWHILE[entry.sheet][role]):
            assert index.plain(sentence).replace(" ", "") in said.replace(" ", ""), (name, sentence)


def test_the_place_that_links_lead_to_is_the_page_of_the_code(app: Flask, admin: Browser) -> None:
    for name in CATALOGUE:
        assert help_href(name) == f"/help/{name}"
        step = next_step(name, "Gentu", 1)
        assert step.word == CATALOGUE[name].step.words.format(pms="Gentu")
    assert admin.get("/help/auth-expired").status_code == 200
    assert admin.get("/help/NO-SUCH-CODE").status_code == 404


def test_the_menu_of_each_practice_software_stands_on_the_page_of_a_login(admin: Browser) -> None:
    said = text_of(admin.get("/help/AUTH-EXPIRED").text)
    for info in list_infos():
        assert info.label in said
        assert info.menu_paths["credentials"][5:].removesuffix(".") in said


def test_search_needs_no_script_and_leaves_nothing_in_the_address(admin: Browser) -> None:
    found = admin.post("/help", data={"q": "password"})
    assert found.status_code == 200
    assert "AUTH-EXPIRED" in found.text
    assert 'method="post" action="/help"' in admin.get("/help").text
    assert "Nothing found" in admin.post("/help", data={"q": "qwxzy"}).text
    assert admin.post("/help", data={"q": "x" * 101}).status_code == 422


def test_what_was_looked_for_is_shown_as_text(admin: Browser) -> None:
    page = admin.post("/help", data={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page


def test_help_stands_in_the_same_place_on_every_page(app: Flask, frozen_clock: FrozenClock) -> None:
    for role in sorted(PEOPLE_ROLES):
        for path in ("/", "/settings", "/help"):
            nav = re.search(r'<nav id="nav".*?</nav>', browser_of(app, role).get(path).text, re.S)
            assert nav
            assert links_in(nav.group())[-1] == ("/help", "Help")


def test_a_page_says_where_it_is_so_now_and_leads_there(app: Flask, fake: FakeClinic) -> None:
    held_removals(fake)
    desk = browser_of(app, "reception")
    page = desk.get("/help/REMOVE-HELD").text
    assert "It is so now" in page
    assert ("/decisions", "Approve removals") in links_in(page)
    assert "It is so now" not in desk.get("/help/CLOCK").text


def held_removals(fake: FakeClinic) -> None:
    """Six cards of one day, of which five are gone at the next reading."""
    visits = [
        fake.practice.book("anna", fake.at(f"1{number}:00"), [person])
        for number, person in enumerate(("ada", "bo", "cy", "di", "eve", "flo"))
    ]
    fake.sync()
    for visit in visits[1:]:
        fake.practice.delete(visit)
    fake.sync()


def decide_links(reader: Browser, fake: FakeClinic) -> set[str]:
    """Where every link on the screens leads that promises a decision."""
    paths = ["/", "/sheet/" + fake.today.isoformat() + "?view=columns", "/integrations"]
    paths += [
        f"/integrations/{fake.connection_id}/history/1",
        f"/integrations/{fake.connection_id}/history/2",
    ]
    paths += ["/help/REMOVE-HELD", "/help/MAP-NEW", "/help/TYPE-NEW", "/settings/alerts"]
    promising = re.compile(r"\bdecide\b|approve removals", re.I)
    return {
        href
        for path in paths
        for href, words in links_in(reader.get(path).text)
        if promising.search(words) and href != "/decisions" or words == "Approve removals"
    }


@pytest.mark.parametrize("role", ["admin", "reception"])
def test_every_link_named_decide_leads_to_something_to_decide(
    app: Flask, fake: FakeClinic, role: str
) -> None:
    held_removals(fake)
    reader = browser_of(app, role)
    hrefs = decide_links(reader, fake)
    assert any(href.startswith("/decisions") for href in hrefs)
    assert any(href.startswith("/cards/") for href in hrefs)
    for href in sorted(hrefs):
        path, _, place = href.partition("#")
        page = reader.get(path).text
        assert re.search(r'action="/decisions/\d+"|value="decide:\d+:', page), href
        assert not place or f'id="{place}"' in page, href


@pytest.mark.parametrize("role", ["admin", "reception", "clinician", "viewer"])
def test_once_everything_is_decided_nothing_leads_to_a_decision(
    app: Flask, fake: FakeClinic, role: str
) -> None:
    held_removals(fake)
    for asked in decisions.list_open():
        decisions.decide(asked.id, "keep", actors.COMMAND_LINE)
    assert decide_links(browser_of(app, role), fake) == set()


def test_a_code_on_a_screen_leads_to_its_page(app: Flask, fake: FakeClinic) -> None:
    held_removals(fake)
    admin = browser_of(app, "admin")
    base = f"/integrations/{fake.connection_id}"
    for path in ("/", "/decisions", "/integrations", base, f"{base}/history", f"{base}/history/2"):
        words = [words for href, words in links_in(admin.get(path).text) if href == "/help/REMOVE-HELD"]
        assert any("REMOVE-HELD" in each for each in words), path


@pytest.mark.parametrize("slug", list(index.GUIDES_BY_SLUG))
def test_a_guide_names_each_thing_as_a_screen_does(app: Flask, frozen_clock: FrozenClock, slug: str) -> None:
    guide = index.GUIDES_BY_SLUG[slug]
    seed()
    reader = browser_of(app, guide.role)
    screens = [
        "/",
        "/sheet/2026-11-23",
        "/cards/1",
        "/cards/2",
        "/integrations",
        "/decisions",
        "/settings",
        "/help",
    ]
    if guide.role == "admin":
        screens += ["/integrations/1", "/integrations/new"]
    seen = text_of(" ".join(reader.get(path).text for path in screens))
    named = {word for step in guide.steps for line in step.lines for word in re.findall(r"\[([^]]*)\]", line)}
    known = {badge.badge.word for badge in index.ALL_BADGES} | {
        code.step.words for code in CATALOGUE.values()
    }
    # At other moments than that of the made-up clinic: a pause can be asked for, a press taken back, a card seen.
    elsewhere = "".join(file.read_text() for file in paths.TEMPLATES.rglob("*.html")) + "Acknowledge"
    assert {
        word for word in named if word not in seen and word not in known and word not in elsewhere
    } == set()
