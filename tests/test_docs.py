"""What the pages under docs say is so: settings, commands, links."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import click
import pytest
from packaging.version import Version

from pmsapp import __version__
from pmsapp.cli.program import COMMANDS, program
from pmsapp.settings import load_settings
from tests.support import reliability_rows
from tests.support.cases import check_each
from tests.support.field_faults import FIELD_FAULTS
from tests.support.planted_faults import FAULTS
from tests.support.security_rows import SECTIONS, Row

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _commands() -> dict[str, set[str]]:
    """Every command that is shown: name -> its own commands."""
    context = click.Context(program)
    found: dict[str, set[str]] = {}
    for name in COMMANDS:
        command = program.get_command(context, name)
        if command is not None and not command.hidden:
            found[name] = set(command.commands) if isinstance(command, click.Group) else set()
    return found


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_page_is_the_settings() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == _script("settings_page").render(), "run: make docs"


def test_the_guides_are_those_of_the_help() -> None:
    script = _script("guide_pages")
    for guide in script.GUIDES:
        assert script.page_of(guide).read_text(encoding="utf-8") == script.render(guide), "run: make docs"


def test_the_example_file_is_the_settings(tmp_path: Path) -> None:
    example = (ROOT / "docs" / "pmsapp.env.example").read_text(encoding="utf-8")
    assert example == _script("settings_page").render_example(), "run: make docs"
    (tmp_path / "every.env").write_text(example.replace("\n#PMSAPP_", "\nPMSAPP_"), encoding="utf-8")
    every = load_settings({"PMSAPP_ENV_FILE": str(tmp_path / "every.env")})
    assert every.instance_dir == Path("/var/lib/pmsapp")


def test_the_security_page_is_its_rows() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert page == _script("security_page").render(page), "run: make docs"


def test_the_reliability_page_is_its_rows() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert page == _script("security_page").render_reliability(page), "run: make docs"


@pytest.mark.parametrize("sections", [SECTIONS, reliability_rows.SECTIONS], ids=["security", "reliability"])
def test_every_row_has_a_test_or_says_why_not(sections: dict[str, tuple[Row, ...]]) -> None:
    rows = [row for rows in sections.values() for row in rows]
    assert [row.id for row in rows if bool(row.tests) == bool(row.not_kept)] == []
    assert len({row.id for row in rows}) == len(rows)


def test_every_planted_fault_can_still_be_planted_and_its_test_exists() -> None:
    for fault in (*FAULTS, *FIELD_FAULTS):
        source = (ROOT / fault.file).read_text(encoding="utf-8")
        assert source.count(fault.before) == 1, fault.what
        assert f"def {fault.test}(" in (ROOT / fault.where).read_text(encoding="utf-8"), fault.what


def test_the_readme_lists_every_command() -> None:
    table = re.search(r"## Commands\n(.+?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert table is not None
    rows = [line.split("|")[1] for line in table.group(1).splitlines() if line.startswith("| `")]
    words = [
        re.findall(r"[a-z0-9-]+", " ".join(re.findall(r"`([^`]+)`", row)).removeprefix("pmsapp "))
        for row in rows
    ]
    listed = {word for row in words for word in row}
    for name, children in _commands().items():
        assert name in listed, name
        assert children <= listed, name


def test_commands_on_a_page_exist() -> None:
    known = _commands()

    def check(page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        for name, child in re.findall(r"pmsapp ([a-z][a-z-]+)(?: ([a-z][a-z0-9-]+))?(?=[\s`),.;]|$)", text):
            if name in known and child and known[name]:
                assert child in known[name], f"{page.name}: pmsapp {name} {child}"

    check_each(PAGES, check)


def test_every_release_raises_the_version_and_leaves_a_database_to_upgrade() -> None:
    """pip leaves a version that is installed already as it is, so the same number twice would change nothing."""
    releases = re.findall(
        r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert Version(__version__) > max(Version(release) for release in releases)
    golden = {file.stem for file in (ROOT / "tests" / "services" / "maintenance" / "golden").glob("*.sql")}
    assert golden == set(releases)


def test_links_on_a_page_lead_somewhere() -> None:
    def check(page: Path) -> None:
        targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
        assert [target for target in targets if not (page.parent / target).exists()] == []

    check_each(PAGES, check)


def test_make_targets_named_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


@pytest.mark.parametrize("page", ["security.md", "reliability.md"])
def test_every_test_a_page_of_proofs_names_exists(page: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text(encoding="utf-8")))
    made = {
        name
        for path in (ROOT / "tests").rglob(
            "*.py"
        )  # the contract of the adapters is in a file of another name
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 30
    assert named - made == set()


def test_every_hop_of_the_architecture_page_is_found_by_its_name() -> None:
    """A module by its path, or by its name alone after its folder was named; a class in its module."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = {path.stem for path in (ROOT / "pmsapp").rglob("*.py")}
    lost = []
    for hop in re.findall(r"`([^`]+)`", text):
        module, _, thing = hop.partition(".")
        places = [ROOT / "pmsapp" / module, ROOT / module, ROOT / "pmsapp" / f"{module}.py"]
        found = [place for place in places if place.exists()]
        if hop.startswith("make "):
            continue
        if "/" not in module:
            if not found and module not in names:
                lost.append(hop)
        elif not found or (thing and f"class {thing}" not in found[0].read_text(encoding="utf-8")):
            lost.append(hop)
    assert lost == []
