"""Plant each fault of tests/support in a copy of the project; its test has to fail there.

Exit code 1 when a test did not notice its fault.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.field_faults import FIELD_FAULTS  # noqa: E402
from tests.support.planted_faults import FAULTS, Fault  # noqa: E402

PARTS = (
    "pmsapp",
    "tests",
    "migrations",
    "templates",
    "static",
    "scripts",
    "docs",
    "pyproject.toml",
    "README.md",
)
FAILED_TESTS = 1  # what pytest ends with when tests failed, and not by a mistake in calling it


def main(wanted: list[str]) -> int:
    """Plant the faults whose test is named, or all of them."""
    chosen = [fault for fault in (*FAULTS, *FIELD_FAULTS) if not wanted or fault.test in wanted]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder)
        for part in PARTS:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / part)
        missed = [fault for fault in chosen if not _is_caught(fault, copy)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} faults were caught.")
    return 1 if missed else 0


def _is_caught(fault: Fault, copy: Path) -> bool:
    file = copy / fault.file
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace(fault.before, fault.after, 1), encoding="utf-8")
    try:
        chosen = [fault.where, "-k", fault.test]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *chosen]
        done = subprocess.run(command, cwd=copy, capture_output=True, check=False)  # noqa: S603 - our own tests
    finally:
        file.write_text(good, encoding="utf-8")
    print(
        f"{'caught' if done.returncode == FAILED_TESTS else 'NOT CAUGHT'}: {fault.what} ({fault.test})",
        flush=True,
    )
    return done.returncode == FAILED_TESTS


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
