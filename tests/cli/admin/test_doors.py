"""Commands answer a slip with one sentence, and programs with JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pmsapp


def test_field_30_a_zone_that_is_none_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("sandbox", "--zone", "X", "--port", "0")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err == "Error: There is no such time zone; one reads like Australia/Melbourne.\n"


@pytest.mark.parametrize("content", [b"root:x:0:0", b"", b"SQLite format 3\x00 and then nothing"])
@pytest.mark.parametrize("command", [("verify",), ("restore", "--yes")])
def test_field_30_a_file_that_is_no_backup_is_one_sentence(
    pmsapp: Pmsapp, tmp_path: Path, content: bytes, command: tuple[str, ...]
) -> None:
    file = tmp_path / "passwd"
    file.write_bytes(content)
    shown = pmsapp(command[0], str(file), *command[1:])
    assert (shown.code, shown.out) == (2, "")
    assert shown.err == f"Error: {file} is no backup of pmsapp.\n"


def test_field_30_a_backup_speaks_json(pmsapp: Pmsapp) -> None:
    shown = pmsapp("backup", "--json")
    made = json.loads(shown.out)["backup"]
    assert (shown.code, Path(made["path"]).stat().st_size) == (0, made["size_bytes"])
    assert made["made_at"]
