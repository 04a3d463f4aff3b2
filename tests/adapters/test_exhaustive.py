"""Nothing is half added: every adapter has its contract test, samples, notes, sandbox and row in the guide."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

import pmsapp.adapters
from pmsapp.adapters.base import Adapter, Capabilities
from pmsapp.adapters.registry import ADAPTERS, UnknownPMSError, get_adapter, get_info, list_infos
from pmsapp.sandbox.clinic.model import VENDORS
from tests.adapters.contract import AdapterContract

FOLDER = Path(pmsapp.adapters.__file__).parent
SAMPLES = Path(__file__).parent / "samples"
SLUGS = sorted(ADAPTERS)


def test_every_folder_with_an_adapter_is_registered() -> None:
    assert sorted(path.parent.name for path in FOLDER.glob("*/adapter.py")) == SLUGS


@pytest.mark.parametrize("slug", SLUGS)
def test_the_class_behind_a_slug_is_whole_and_agrees_on_its_name(slug: str) -> None:
    kind = get_adapter(slug)
    assert issubclass(kind, Adapter)
    assert not inspect.isabstract(kind)
    assert kind.info is get_info(slug)
    assert kind.info.slug == slug


def test_infos_come_in_registry_order_with_labels_of_their_own() -> None:
    infos = list_infos()
    assert [info.slug for info in infos] == list(ADAPTERS)
    assert len({info.label for info in infos}) == len({info.settings_prefix for info in infos}) == len(infos)


def test_a_slug_nobody_registered_is_unknown() -> None:
    with pytest.raises(UnknownPMSError):
        get_adapter("genie")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_adapter_runs_the_contract(slug: str) -> None:
    module = importlib.import_module(f"tests.adapters.test_{slug}")
    contracts = [
        kind
        for name, kind in vars(module).items()
        if name.startswith("Test") and inspect.isclass(kind) and issubclass(kind, AdapterContract)
    ]
    assert [kind.slug for kind in contracts] == [slug]
    overridden = {name for name in vars(contracts[0]) if name.startswith("test_")} & set(
        vars(AdapterContract)
    )
    assert overridden == set(), "a contract is kept, not replaced"


@pytest.mark.parametrize("slug", SLUGS)
def test_every_adapter_has_samples_of_invented_people(slug: str) -> None:
    paths = sorted((SAMPLES / slug).glob("*.json"))
    assert len(paths) >= 3
    for path in paths:
        text = path.read_text(encoding="utf-8")
        json.loads(text)
        for address in re.findall(r"[\w.+-]+@([\w.-]+)", text):
            assert address.endswith("example.com"), f"{path.name}: {address}"


@pytest.mark.parametrize("slug", SLUGS)
def test_every_adapter_has_notes_with_sources_and_choices(slug: str) -> None:
    notes = (FOLDER / slug / "NOTES.md").read_text(encoding="utf-8")
    assert len(notes) > 2000
    for wanted in ("2026", "documented", "tatus"):
        assert wanted in notes


@pytest.mark.parametrize("slug", SLUGS)
def test_every_adapter_has_a_sandbox_to_talk_to(slug: str) -> None:
    assert slug in VENDORS


@pytest.mark.parametrize("slug", SLUGS)
def test_every_field_of_the_connect_form_explains_itself(slug: str) -> None:
    info = get_info(slug)
    assert info.how_you_connect
    assert info.who_must_be_there
    assert not info.how_you_connect.endswith("."), "it stands on a card, not in a text"
    assert info.menu_paths
    for field in info.credential_fields:
        assert field.label
        assert field.help
        assert field.goes_to == "credentials" or not field.secret
        assert field.setting is None or field.setting.startswith(info.settings_prefix)


def capability_table() -> str:
    """The table of the guide, from the code."""
    infos = list_infos()
    names = [field.name for field in fields(Capabilities)]
    lines = [
        "| | " + " | ".join(info.label for info in infos) + " |",
        "|---" * (len(infos) + 1) + "|",
    ]
    for name in names:
        values = [getattr(info.capabilities, name) for info in infos]
        words = [{True: "yes", False: "no"}.get(value, str(value)) for value in values]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(words) + " |")
    pace = [
        f"{info.default_requests_per_minute} a minute, {info.default_concurrency} at once" for info in infos
    ]
    lines.append("| default rate | " + " | ".join(pace) + " |")
    return "\n".join(lines)


def test_the_capability_table_of_the_guide_is_the_codes() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    match = re.search(r"<!-- capabilities:[^>]*-->\n(.*?)\n?<!-- /capabilities -->", guide, re.DOTALL)
    assert match is not None
    assert match.group(1) == capability_table(), f"the table should be:\n{capability_table()}"


def test_every_shared_file_is_named_in_the_guide() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    shared = sorted(
        path.relative_to(FOLDER).as_posix()
        for folder in (FOLDER, FOLDER / "client", FOLDER / "parsing")
        for path in folder.glob("*.py")
        if path.name != "__init__.py"
    )
    assert [name for name in shared if f"`{name}`" not in guide] == []
