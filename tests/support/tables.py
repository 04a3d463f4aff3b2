"""Small tables in plain words: the first line names the columns, every other line is one case."""

from __future__ import annotations


def rows(text: str) -> list[dict[str, str]]:
    """Each line of a table as column -> cell. A cell "-" means nothing there."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    names = _cells(lines[0])
    found = []
    for line in lines[1:]:
        cells = _cells(line)
        assert len(cells) == len(names), f"{len(cells)} cells, {len(names)} columns: {line}"
        found.append(dict(zip(names, ("" if cell == "-" else cell for cell in cells), strict=True)))
    return found


def case(row: dict[str, str]) -> str:
    """A row as the name of its test."""
    return ", ".join(f"{name} {cell}" for name, cell in row.items() if cell)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]
