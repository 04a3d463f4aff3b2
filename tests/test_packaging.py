"""The wheel is whole: installed in an environment and folder of its own, it migrates, starts and answers.

Nothing is downloaded: the new environment borrows the libraries of this one, but not this checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.installation import Installation

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("elsewhere") / "environment"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True
    )
    python = folder / "bin" / "python"
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (Path(purelib) / "borrowed.pth").write_text(_libraries() + "\n")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "bin"


def _libraries() -> str:
    """This environment's libraries; the checkout itself is on the path only by way of a .pth file, which is not followed."""
    return sysconfig.get_path("purelib")


def _environ() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PMSAPP_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.slow
def test_the_wheel_holds_what_is_no_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for folder in ("templates", "static", "migrations"):
        ours = {
            f"pmsapp/_assets/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert ours <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "instance/")) or name.endswith(".pyc")]


@pytest.mark.slow
def test_the_installed_wheel_is_not_this_checkout(installed: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [
            installed / "python",
            "-c",
            "import pmsapp.paths as p; print(p.__file__, p.IN_CHECKOUT, p.default_instance_dir())",
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=_environ() | {"XDG_DATA_HOME": str(tmp_path)},
    ).stdout.split()
    assert not shown[0].startswith(str(ROOT) + os.sep + "pmsapp")
    assert shown[1:] == ["False", str(tmp_path / "pmsapp")]


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = Installation(
        folder,
        "demo",
        "--port",
        "0",
        "--sandbox-port",
        "0",
        program=[str(installed / "pmsapp")],
        cwd=tmp_path,
    )
    try:
        demo.wait_for(r"Reading today and tomorrow", 90)
        demo.wait_for(r"The training clinic runs at http://127\.0\.0\.1:\d+", 90)
        demo.wait_for(r"admin@training\.example\s+\S{19}$")
    finally:
        assert demo.stop() == 0
    assert (folder / "demo-logins.json").stat().st_mode & 0o777 == 0o600


def test_every_library_is_locked_with_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    _assert_locked(project["dependencies"], "run")
    _assert_locked([*project["dependencies"], *(line for lines in extras.values() for line in lines)], "dev")


def _assert_locked(wanted: list[str], part: str) -> None:
    text = (ROOT / "requirements" / f"{part}.txt").read_text(encoding="utf-8")
    locked: dict[str, str] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        if not entry.strip() or entry.lstrip().startswith("#"):
            continue
        assert "--hash=sha256:" in entry, entry.split()[0]
        requirement = Requirement(entry.partition("--hash")[0].strip())
        locked[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    for line in wanted:
        need = Requirement(line)
        assert need.specifier.contains(locked[canonicalize_name(need.name)]), line
