"""Write the tables of docs/security.md and docs/reliability.md from their rows; what stands around them is kept."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import reliability_rows  # noqa: E402
from tests.support.planted_faults import FAULTS  # noqa: E402
from tests.support.security_rows import SECTIONS, Row  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
RELIABILITY = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- rows: written by make docs -->\n", "<!-- end of rows -->\n"


def render(page: str) -> str:
    """The security page with its tables as the tests are now."""
    return _with_tables(page, "".join(_section(*item) for item in SECTIONS.items()) + _faults())


def render_reliability(page: str) -> str:
    """The reliability page with its tables as the tests are now."""
    return _with_tables(page, "".join(_section(*item) for item in reliability_rows.SECTIONS.items()) + "\n")


def _with_tables(page: str, tables: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables + END + after


def _section(title: str, rows: tuple[Row, ...]) -> str:
    lines = "".join(f"| {row.id} | {row.holds} | {_proof(row)} |\n" for row in rows)
    return f"\n## {title}\n\n| Row | What holds | Tests |\n|---|---|---|\n{lines}"


def _proof(row: Row) -> str:
    if row.not_kept:
        return f"does not apply: {row.not_kept}"
    tests = ", ".join(f"`{name}`" for name in row.tests)
    return f"{tests}; not kept yet: {row.missing}" if row.missing else tests


def _faults() -> str:
    lines = "".join(f"| {fault.what} | `{fault.file}` | `{fault.test}` |\n" for fault in FAULTS)
    return (
        "\n## Faults planted on purpose\n\n`python scripts/planted_faults.py` puts each in and runs the test that has to"
        f" fail.\n\n| Fault | In | Caught by |\n|---|---|---|\n{lines}\n"
    )


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    RELIABILITY.write_text(render_reliability(RELIABILITY.read_text(encoding="utf-8")), encoding="utf-8")
