"""A run in a process of its own, which a failpoint may kill.

Starting Python and loading everything costs seconds, so one parent does that once for each test process; it has a single
thread and no database open, and forks a child for every run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pmsapp import clock
from pmsapp.cli.shared.base import open_app
from pmsapp.jobs import tasks
from pmsapp.settings import Settings
from tests.support import postgres

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, as `subprocess` says it, and what it complained of."""

    returncode: int
    complaints: str


class Elsewhere:
    """The parent of such children."""

    def __init__(self) -> None:
        self._parent: subprocess.Popen[str] | None = None

    def run(self, settings: Settings, run_id: int, *, now: datetime | None = None, **environ: str) -> Ended:
        """Do a run of that installation and wait for its end. `now`: its clock stands there; else it is the real one."""
        own = {"PMSAPP_INSTANCE_DIR": str(settings.instance_dir), "PMSAPP_ALLOWED_PMS_HOSTS": "127.0.0.1"}
        own |= postgres.address_of(settings)
        asked = {"run_id": run_id, "now": now and now.isoformat(), "environ": own | environ}
        if self._parent is None:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.support.elsewhere"],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(asked) + "\n")
        self._parent.stdin.flush()
        answer = self._parent.stdout.readline()
        assert answer, "the parent of the runs elsewhere is gone"
        return Ended(**json.loads(answer))

    def close(self) -> None:
        """End the parent."""
        if self._parent is not None:
            assert self._parent.stdin is not None
            assert self._parent.stdout is not None
            self._parent.stdin.close()
            self._parent.wait(30)
            self._parent.stdout.close()


def _serve() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        with tempfile.TemporaryFile("w+") as complaints:
            child = os.fork()
            if child == 0:
                os.dup2(complaints.fileno(), 2)
                os._exit(_do(asked))
            _, status = os.waitpid(child, 0)
            complaints.seek(0)
            answer = {
                "returncode": os.waitstatus_to_exitcode(status),
                "complaints": complaints.read()[-2000:],
            }
        print(json.dumps(answer), flush=True)


def _do(asked: dict[str, Any]) -> int:
    try:
        os.environ.update(asked["environ"])
        now = datetime.fromisoformat(asked["now"]) if asked["now"] else None
        with nullcontext() if now is None else clock.use(lambda: now), open_app():
            tasks.run_sync(asked["run_id"])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


if __name__ == "__main__":
    _serve()
