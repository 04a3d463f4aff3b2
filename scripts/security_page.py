"""Write the tables of docs/security.md from tests/support/security_rows.py; what stands around them is kept."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.planted_faults import FAULTS  # noqa: E402
from tests.support.security_rows import SECTIONS, Row  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- rows: written by make docs -->\n", "<!-- end of rows -->\n"


def render(page: str) -> str:
    """The page with its tables as the tests are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "".join(_section(*item) for item in SECTIONS.items()) + _faults() + END + after


def _section(title: str, rows: tuple[Row, ...]) -> str:
    lines = "".join(f"| {row.id} | {row.holds} | {_proof(row)} |\n" for row in rows)
    return f"\n## {title}\n\n| Row | What holds | Tests |\n|---|---|---|\n{lines}"


def _proof(row: Row) -> str:
    if row.not_kept:
        return f"does not apply: {row.not_kept}"
    return ", ".join(f"`{name}`" for name in row.tests)


def _faults() -> str:
    lines = "".join(f"| {fault.what} | `{fault.file}` | `{fault.test}` |\n" for fault in FAULTS)
    return (
        "\n## Faults planted on purpose\n\n`python scripts/planted_faults.py` puts each in and runs the test that has to"
        f" fail.\n\n| Fault | In | Caught by |\n|---|---|---|\n{lines}\n"
    )


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
