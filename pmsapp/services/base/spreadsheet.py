"""Cells of lists that people open in a spreadsheet program."""

from __future__ import annotations

_FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide forms count too


def plain_cell(value: object) -> str:
    """The value as a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("\t", "\r")) or text.lstrip().startswith(_FORMULA_SIGNS) else text
