"""Everything that can be on a screen is explained, and what explains it uses the screen's own words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pmsapp import paths
from pmsapp.domain.codes import CATALOGUE, ActionOwner, LeadsTo, StepKind
from pmsapp.domain.roles import PEOPLE_ROLES
from pmsapp.web import help as room
from pmsapp.web.help import index, view
from pmsapp.web.help.topics import MEANWHILE, CodeHelp, Doer, Sheet
from pmsapp.web.sheet import line_view
from pmsapp.web.ui import labels
from tests.support.cases import check_each

WEB = Path(room.__file__).parents[1]
SENTENCE = re.compile(r"^[A-Z\[].*[.?]$", re.S)


def words_on_screens() -> Iterator[tuple[str, str]]:
    """The word of every badge that a page makes, "…" where something changing stands in it, and where."""
    for file in WEB.rglob("*.py"):
        if file.parent == Path(room.__file__).parent:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Badge" and node.args:
                first = node.args[0]
                for part in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    word = _word(part)
                    if word:
                        yield word, f"{file.relative_to(WEB)}:{node.lineno}"


def _word(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert index.CODES.keys() == CATALOGUE.keys()
    assert len(index.CODES) == sum(len(entries) for _, entries in index.CODE_GROUPS)


def test_every_badge_a_page_makes_is_explained() -> None:
    known = {badge.badge.word for badge in index.ALL_BADGES}
    met = dict(words_on_screens())
    assert len(met) > 50, "the walk sees too few badges to show anything"
    assert {word: place for word, place in met.items() if word not in known} == {}


def test_the_badges_of_the_tables_are_explained_as_they_look() -> None:
    known = {badge.badge for badge in index.ALL_BADGES} | {
        replace(badge.badge, tone=tone) for badge in index.ALL_BADGES for tone in ("", "unsure")
    }
    words = {badge.word for badge in known}
    for table in (labels.STATUS, labels.PRESENCE, labels.WORKFLOW, labels.TELEHEALTH):
        assert {badge.word for badge in table.values()} <= words
    assert set(line_view._LINK_NOTES.values()) <= words


def test_no_badge_is_explained_that_no_page_makes() -> None:
    made = {word for word, _ in words_on_screens()}
    made |= set(line_view._LINK_NOTES.values()) | {"Moved from …", "Trying again at …", "Waiting for …"}
    made |= {"Needs you", "Paused", "Being compared", "Not compared yet"}
    assert {badge.badge.word for badge in index.ALL_BADGES} - made == set()


def test_two_badges_have_one_page_only_when_they_have_one_word() -> None:
    for badges in index.BADGES_BY_SLUG.values():
        assert len({badge.name for badge in badges}) == 1
    names = {badge.name for badge in index.ALL_BADGES}
    assert len(names) == len(index.BADGES_BY_SLUG)


def test_badges_name_only_codes_there_are() -> None:
    assert {code for badge in index.ALL_BADGES for code in badge.codes} <= CATALOGUE.keys()


def test_a_code_is_explained_in_sentences() -> None:
    def check(entry: CodeHelp) -> None:
        for sentence in (entry.cause, entry.effect, entry.by_itself, *entry.steps):
            assert SENTENCE.match(sentence), sentence
            assert "{pms}" not in sentence
            assert sentence.count("[") == sentence.count("]")

    check_each(list(index.CODES.values()), check, lambda entry: entry.code)


def test_whoever_acts_has_steps_and_minutes_and_nobody_else() -> None:
    def check(entry: CodeHelp) -> None:
        acts = entry.doer is not Doer.NOBODY
        assert bool(entry.steps) is acts
        assert bool(entry.minutes) is acts

    check_each(list(index.CODES.values()), check, lambda entry: entry.code)


def test_the_page_says_of_whose_turn_it_is_what_the_catalogue_says() -> None:
    def check(entry: CodeHelp) -> None:
        code = CATALOGUE[entry.code]
        if code.actor is ActionOwner.STAFF:
            assert entry.doer is not Doer.NOBODY
        if code.step.kind is StepKind.DECIDE:
            assert entry.doer is Doer.DESK
        if code.step.leads_to is LeadsTo.HELP:
            assert entry.doer in (Doer.PRACTICE, Doer.VENDOR, Doer.OPERATOR)
        if code.step.leads_to in (LeadsTo.LOGIN, LeadsTo.PAIRING):
            assert entry.doer in (Doer.ADMIN, Doer.PRACTICE)
            assert entry.menu

    check_each(list(index.CODES.values()), check, lambda entry: entry.code)


def test_fields_are_spoken_of_only_where_there_are_fields() -> None:
    def check(entry: CodeHelp) -> None:
        said = (CATALOGUE[entry.code].advice, entry.cause, entry.effect, entry.by_itself, *entry.steps)
        assert not any("each field" in sentence for sentence in said)
        assert not re.search(r"\bhere\b", CATALOGUE[entry.code].advice), "an advice is read in many places"

    check_each(list(index.CODES.values()), check, lambda entry: entry.code)


def test_every_role_is_told_its_own_part() -> None:
    def check(case: tuple[CodeHelp, str]) -> None:
        entry, role = case
        page = view.build_code(entry, role)
        assert page.part.heading
        assert page.part.lead or page.part.steps
        assert page.meanwhile == view.text(MEANWHILE[entry.sheet][role])
        if role in ("clinician", "viewer") and entry.doer is not Doer.NOBODY:
            assert page.part.heading == "Tell reception"
        if entry.doer is Doer.DESK:
            assert (page.part.heading == "What you do") is (role in ("admin", "reception"))

    cases = [(entry, role) for entry in index.CODES.values() for role in sorted(PEOPLE_ROLES)]
    check_each(cases, check, lambda case: f"{case[0].code} {case[1]}")


def test_every_role_knows_what_holds_until_then() -> None:
    assert MEANWHILE.keys() == set(Sheet)
    for by_role in MEANWHILE.values():
        assert by_role.keys() == PEOPLE_ROLES
        assert all(SENTENCE.match(sentence) for sentence in by_role.values())


def test_the_menus_are_those_the_vendors_declare() -> None:
    page = view.build_code(index.CODES["NOT-PAIRED"], "admin")
    assert [label for label, _ in page.menus] == ["Gentu"]
    page = view.build_code(index.CODES["AUTH-EXPIRED"], "admin", connected={"halaxy"})
    assert [label for label, _ in page.menus] == ["Halaxy"]
    assert "API Keys" in page.menus[0][1]


def marks_of(query: str) -> list[str]:
    return [found.mark for found in index.search(query)]


def test_search_finds_every_code_first_by_its_name() -> None:
    def check(code: str) -> None:
        for query in (code, code.lower(), code.replace("-", " "), f"what does {code} mean"):
            assert marks_of(query)[0] == code, query

    check_each(list(CATALOGUE), check, str)


def test_search_finds_a_badge_by_its_word() -> None:
    for slug, badges in index.BADGES_BY_SLUG.items():
        if badges[0].name not in ("Waiting", "Read", "Good", "Look"):
            assert f"/help/{slug}" in [found.href for found in index.search(badges[0].name)], slug
    assert marks_of("held")[0] in ("REMOVE-HELD", "Held")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("password", "AUTH-EXPIRED"),
        ("wrong password", "AUTH-REFUSED"),
        ("clock", "CLOCK"),
        ("internet", "NET-LOCAL"),
        ("too many requests", "RATE-WAIT"),
        ("disk full", "DISK-LOW"),
        ("a new doctor has no column", "MAP-NEW"),
        ("daylight saving", "TIME-ODD"),
        ("pairing code does not work", "PAIR-UNKNOWN"),
        ("Sign in again", "AUTH-EXPIRED"),
        ("Approve removals", "REMOVE-HELD"),
    ],
)
def test_search_finds_codes_by_plain_words(words: str, code: str) -> None:
    assert code in marks_of(words)[:8]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "qwxzy", "🩺", "a" * 100, "%_\\"])
def test_search_takes_anything(query: str) -> None:
    assert isinstance(index.search(query), tuple)
    assert index.search("qwxzy") == ()


def test_every_picture_of_a_guide_is_there_and_small() -> None:
    for guide in index.GUIDES_BY_SLUG.values():
        for step in guide.steps:
            if step.picture:
                assert step.picture_says
                assert (paths.STATIC / "help" / step.picture).stat().st_size < 90_000
