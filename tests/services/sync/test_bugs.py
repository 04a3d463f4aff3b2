"""An error of our own is recorded as BUG; the log says in which file and line it came up, and nothing it held."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs

import pmsapp
from pmsapp.observability import logs
from pmsapp.services.sync import execute, run_work
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakeAdapter, FakePractice, registered

CANARY = "CANARY Marigold Quoll"


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock) -> Iterator[FakeClinic]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        clinic = FakeClinic(practice)
        practice.book("anna", clinic.at("09:00"), ["ada"])
        yield clinic


def fail(*_: object, **__: object) -> Any:
    raise ZeroDivisionError(CANARY)


def the_bugs(told: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    assert CANARY not in json.dumps(told, default=repr)
    return [line for line in told if line["event"] == "an error was recorded as BUG"]


def test_a_bug_in_reading_a_list_says_where(clinic: FakeClinic) -> None:
    clinic.practice.before_list = fail
    with capture_logs() as told:
        run = clinic.sync()
    assert {scope.error_code for scope in run.scopes} == {"BUG"}
    found = the_bugs(told)
    assert {(line["doing"], line["error"], line["log_level"]) for line in found} == {
        ("reading a list", "ZeroDivisionError", "error")
    }
    assert {line["place"].partition(":")[0] for line in found} == {"pmsapp/services/scopes/reading.py"}


def test_a_bug_in_a_look_up_says_where(clinic: FakeClinic, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic.sync()
    (visit,) = clinic.practice.visits
    clinic.practice.delete(visit)
    monkeypatch.setattr(FakeAdapter, "get_appointment", fail)
    with capture_logs() as told:
        clinic.sync()
    (line,) = the_bugs(told)
    assert (line["doing"], line["error"]) == ("looking up an appointment", "ZeroDivisionError")
    assert line["place"].startswith("pmsapp/services/scopes/vanished.py:")


def test_a_bug_in_a_run_says_the_very_line(clinic: FakeClinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work, "load_rules", fail)
    run_id = clinic.request()
    with capture_logs() as told, pytest.raises(ZeroDivisionError):
        execute.execute_run(run_id)
    (line,) = the_bugs(told)
    assert (line["doing"], line["run_id"]) == ("a run", run_id)
    file, _, number = line["place"].partition(":")
    assert file == "pmsapp/services/sync/run_work.py"
    source = inspect.getsource(run_work).splitlines()
    assert "load_rules(" in source[int(number) - 1]


def test_the_place_is_the_last_line_of_our_own_code() -> None:
    try:
        logs.scrub({"at": Stubborn()})
    except ValueError as error:
        found = logs.place_of(error)
    assert found.startswith("pmsapp/observability/logs.py:")
    assert logs.place_of(ValueError()) == "unknown"


class Stubborn(dict[str, str]):
    """Fails as soon as somebody looks into it."""

    def items(self) -> Any:
        raise ValueError


def test_whoever_records_a_bug_logs_it_in_the_same_breath() -> None:
    recording, silent = 0, []
    for path in sorted(Path(pmsapp.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and _calls(node, _makes_a_bug):
                recording += 1
                if not _calls(node, lambda call: ast.unparse(call.func) == "logs.record_bug"):
                    silent.append(f"{path.name}:{node.lineno}")
    assert recording >= 3
    assert silent == []


def _makes_a_bug(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and first.value == "BUG"


def _calls(node: ast.AST, wanted: Callable[[ast.Call], bool]) -> bool:
    return any(isinstance(part, ast.Call) and wanted(part) for part in ast.walk(node))
