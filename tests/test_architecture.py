"""The layout: its folders, who may call whom, and rules no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pmsapp"
VENDORS = ("gentu", "medirecords", "halaxy")
VENDOR_ROOMS = ("adapters", "sandbox")
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MOST_FILES = 13
# Who may import a library that leaves the process. Everybody else goes through them.
DOORS = {
    "requests": {
        "adapters/client/http.py",
        "adapters/client/transport.py",
        "adapters/client/error_mapping.py",
        "adapters/client/deadline.py",
        "services/monitoring/examination/online.py",
    },
    "urllib3": {
        "adapters/client/http.py",
        "adapters/client/retry.py",
        "adapters/client/transport.py",
        "adapters/client/error_mapping.py",
        "adapters/client/hosts.py",
        "services/monitoring/heartbeat_ping.py",
    },
    "redis": {"services/runs/queue.py", "jobs/queue.py", "jobs/worker.py", "adapters/client/rate_limit.py"},
    "rq": {"services/runs/queue.py", "jobs/queue.py", "jobs/worker.py"},
    "subprocess": {
        "supervisor/children.py",
        "supervisor/redis.py",
        "supervisor/supervise.py",
        "services/maintenance/off_site/away.py",
    },
    "smtplib": set(),
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
    "sqlite3": set(),
}


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def _trees() -> tuple[tuple[str, ast.Module], ...]:
    return tuple((_name(path), ast.parse(path.read_text(encoding="utf-8"))) for path in _files())


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_imports_go_one_way() -> None:
    lint = Path(sys.executable).with_name(
        "lint-imports"
    )  # in a process of its own: it takes over the loggers
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _folders() -> list[Path]:
    return sorted({path.parent for path in _files()})


def test_every_folder_says_what_it_is_for() -> None:
    silent = [
        folder.relative_to(ROOT).as_posix()
        for folder in _folders()
        if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_folder_holds_more_than_thirteen_files() -> None:
    crowded = {
        folder.relative_to(ROOT).as_posix(): count
        for folder in _folders()
        if (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert crowded == {}


def test_no_two_folders_import_each_other() -> None:
    """Follows the imports between folders and finds every circle."""
    arrows: dict[str, set[str]] = {}
    modules = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in _files()}
    for path in _files():
        if path.parent == PACKAGE:
            continue
        here = path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("pmsapp."):
                continue
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                target = full if full in modules else node.module or ""
                there = target.rpartition(".")[0] if target in modules else target
                if there not in {here, "pmsapp"}:
                    arrows.setdefault(here, set()).add(there)
    assert list(_circles(arrows)) == []


def _circles(arrows: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Every pair of folders that reach each other."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = [start]
        while ahead:
            for there in arrows.get(ahead.pop(), ()):
                if there not in found:
                    found.add(there)
                    ahead.append(there)
        return found

    reach = {folder: reached(folder) for folder in arrows}
    for first in sorted(reach):
        for second in sorted(reach[first]):
            if first < second and first in reach.get(second, set()):
                yield first, second


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in _trees() if not ast.get_docstring(tree)] == []


def test_files_and_functions_stay_small() -> None:
    long_files = {
        _name(path) for path in _files() if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    }
    long_functions = {
        f"{name}:{node.name}"
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    }
    assert (long_files, long_functions) == (set(), set())


def test_only_adapters_and_sandbox_know_a_vendor_by_name() -> None:
    """No comparison with a vendor's name, and no vendor's name as a value, outside those two rooms."""
    known = {
        "cli/run/demo_setup.py",  # the training clinic has to pick one
        "services/people/passwords.py",  # words a password may not be
    }
    found = {
        f"{name}:{node.lineno}"
        for name, tree in _trees()
        if name.partition("/")[0] not in VENDOR_ROOMS and name not in known
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in VENDORS
    }
    assert found == set()


def test_what_leaves_the_process_has_few_doors() -> None:
    outsiders = {
        f"{name} imports {library}"
        for name, tree in _trees()
        if not name.startswith("sandbox/")
        for library in _imports(tree) & DOORS.keys()
        if name not in DOORS[library]
    }
    assert outsiders == set()


def test_services_open_their_own_transactions() -> None:
    """Nobody uses the session that lives as long as a request."""
    found = {
        name for name in map(_name, _files()) if "db.session" in (PACKAGE / name).read_text(encoding="utf-8")
    }
    assert found == set()


def test_screens_and_programs_ask_no_database() -> None:
    rooms = ("web/", "api/", "cli/")
    kinds_of_error = {"web/http/errors.py"}  # says that the database is away
    found = {name for name, tree in _trees() if name.startswith(rooms) and "sqlalchemy" in _imports(tree)}
    assert found == kinds_of_error


def test_nothing_is_left_for_later() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|# type: ignore(?!\[)|# noqa(?!:)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in (PACKAGE, ROOT / "tests", ROOT / "migrations")
        for path in sorted(folder.rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert found == []


def test_only_commands_and_the_supervisor_speak_to_the_terminal() -> None:
    found = {
        f"{name}:{node.lineno}"
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "eval", "exec"}
    }
    assert found == set()


def test_every_vendor_has_its_folder_its_sandbox_and_its_tests() -> None:
    for vendor in VENDORS:
        assert (PACKAGE / "adapters" / vendor / "adapter.py").is_file()
        assert (PACKAGE / "adapters" / vendor / "NOTES.md").is_file()
        assert (ROOT / "tests" / "adapters" / f"test_{vendor}.py").is_file()
        assert (PACKAGE / "sandbox" / vendor).is_dir() or (PACKAGE / "sandbox" / f"{vendor}.py").is_file()


def test_nobody_counts_an_age_by_hand() -> None:
    """`now - something_at` is negative once the clock was put back; `domain/ages` knows that."""
    found = {
        f"{name}:{node.lineno}"
        for name, tree in _trees()
        if not name.startswith(("sandbox/", "domain/ages"))
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)
        if ast.unparse(node.left) in ("now", "now.now", "clock.now()", "self._now()")
        if re.search(r"(_at|\.at|as_of)$", ast.unparse(node.right))
    }
    assert found == set()


def test_no_variable_is_called_one() -> None:
    """A loop variable or an argument says what it holds: `card`, `run`, `mapping`."""

    def bound(node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return node.id if isinstance(node.ctx, ast.Store) else None
        if isinstance(node, ast.arg | ast.keyword):
            return node.arg
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.MatchAs | ast.MatchStar):
            return node.name
        return None

    found = {
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for folder in ("pmsapp", "tests", "bench", "migrations", "scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if bound(node) in {"one", "ones"}
    }
    assert found == set()


def test_pages_read_forms_and_addresses_in_one_room() -> None:
    """What is typed goes through a model with its limits and sentences; no page takes a value by hand."""
    rooms = {"web/ui/forms.py", "web/http/assets.py"}  # the room itself, and the version in a file's address
    setup = ("web/integrations/connecting.py", "web/integrations/matching.py", "web/integrations/setup/")
    found = {
        f"{name}:{node.lineno} request.{node.attr}"
        for name, tree in _trees()
        if name.startswith("web/") and name not in rooms and not name.startswith(setup)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "request"
        and node.attr
        in {"form", "args", "values", "json", "get_json", "data", "get_data", "files", "query_string"}
    }
    assert found == set()
