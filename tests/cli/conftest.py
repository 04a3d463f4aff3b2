"""Commands run in this process, on an instance folder of the test's own."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pmsapp.cli.program import run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


Pmsapp = Callable[..., Outcome]


@pytest.fixture
def pmsapp(instance_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pmsapp:
    """`pmsapp("users", "list")`; keyword arguments are environment variables, `stdin` is what it reads."""
    monkeypatch.setenv("PMSAPP_INSTANCE_DIR", str(instance_dir))

    def call(*args: str, stdin: str = "", **environ: str) -> Outcome:
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            capsys.readouterr()
            code = run(list(args))
        shown = capsys.readouterr()
        return Outcome(code, shown.out, shown.err)

    return call
