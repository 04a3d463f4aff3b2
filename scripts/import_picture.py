"""Draws docs/images/imports.svg from the imports: a row for each part of pmsapp, its folders, and who imports whom."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "imports.svg"
WIDTH, ROW, BOX, LEFT, TOP = 1120, 46, 30, 250, 44


def parts_in_order() -> list[list[str]]:
    """The parts as the import rules list them, the one that may import everything first."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers: list[str] = rules[0]["layers"]
    return [[name.strip().removeprefix("pmsapp.") for name in line.split("|")] for line in layers]


def imports() -> Counter[tuple[str, str]]:
    """(part that imports, part it imports) -> how many imports there are."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted((ROOT / "pmsapp").rglob("*.py")):
        here = path.relative_to(ROOT / "pmsapp").with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pmsapp":
                names = (
                    [node.module.split(".")[1]]
                    if "." in node.module
                    else [alias.name for alias in node.names]
                )
                for there in names:
                    if there != here:
                        found[(here, there)] += 1
    return found


def folders_of(part: str) -> list[str]:
    """The folders inside a part that hold code."""
    folder = ROOT / "pmsapp" / part
    return (
        sorted(path.name for path in folder.iterdir() if (path / "__init__.py").is_file())
        if folder.is_dir()
        else []
    )


def draw() -> str:
    """The picture as SVG text."""
    order = parts_in_order()
    row_of = {part: number for number, parts in enumerate(order) for part in parts}
    known = {pair: count for pair, count in imports().items() if pair[0] in row_of and pair[1] in row_of}
    height = TOP + ROW * len(order) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13">',
        "<title>What imports what in pmsapp</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" fill="#444">Each row imports only from rows below it. '
        "A line on the left is drawn as thick as there are imports.</text>",
    ]
    for (here, there), count in sorted(known.items()):
        y1, y2 = (TOP + ROW * row_of[part] + BOX / 2 for part in (here, there))
        bend = LEFT - 20 - (row_of[there] - row_of[here]) * 14
        out.append(
            f'<path d="M{LEFT - 6} {y1} C{bend} {y1} {bend} {y2} {LEFT - 6} {y2}" fill="none" stroke="#0b6e6e" '
            f'stroke-opacity="0.35" stroke-width="{min(6.0, 0.6 + count / 60):.1f}"/>'
        )
    for number, parts in enumerate(order):
        y = TOP + ROW * number
        share = (WIDTH - LEFT - 20) / len(parts)
        for place, part in enumerate(parts):
            inside = ", ".join(folders_of(part))
            out.append(
                f'<rect x="{LEFT + place * share:.0f}" y="{y}" width="{share - 8:.0f}" height="{BOX}" rx="5" '
                'fill="#eef6f6" stroke="#0b6e6e"/>'
            )
            out.append(
                f'<text x="{LEFT + place * share + 10:.0f}" y="{y + 20}"><tspan font-weight="600">{part}</tspan>'
                f'<tspan fill="#555" dx="10" font-size="11.5">{inside}</tspan></text>'
            )
    return "\n".join([*out, "</svg>", ""])


def main() -> int:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
