"""Files that are changed under a running process change none of its pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pmsapp import paths
from pmsapp.factory import create_app
from pmsapp.settings import Settings


def test_templates_of_another_version_never_reach_a_process_that_runs(
    make_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(paths.TEMPLATES, folder)
    monkeypatch.setattr(paths, "TEMPLATES", folder)
    first = create_app(make_settings())
    for path in folder.rglob("*.html"):
        path.write_text("{{ what_the_new_version_knows() }}", encoding="utf-8")
    assert first.test_client().get("/login").status_code == 200
    started_again_by_the_same_parent = create_app(make_settings())
    assert started_again_by_the_same_parent.test_client().get("/login").status_code == 200
