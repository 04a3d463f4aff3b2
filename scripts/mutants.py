"""Mutation testing of the domain's decisions with the domain's tests alone. Run by `make mutants`.

Each mutant is one of the modules below with one small change. A forked child imports it in place of the real module
and runs the tests that import it, directly or through others, until one fails. A mutant that no test notices
survives; docs/mutants.md says why each survivor may. No file is changed.
"""

from __future__ import annotations

import argparse
import ast
import gc
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOMAIN, TESTS = ROOT / "pmsapp" / "domain", ROOT / "tests" / "domain"
MODULES = ("reconcile", "merge", "vanished", "rules", "window", "schedule")
WANTED_PERCENT = 95
EXAMPLES = 25
OPTIONS = ["-x", "-q", "--tb=no", "--assert=plain", "--noconftest"]
for _plugin in ("cacheprovider", "unraisableexception", "threadexception", "junitxml", "doctest", "logging"):
    OPTIONS += ["-p", f"no:{_plugin}"]
CPU_SECONDS = 40  # a mutant that loops for ever ends here and counts as caught

Put = Callable[[ast.AST], None]
_SWAPPED: dict[type[ast.AST], Any] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Div,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.USub: ast.UAdd,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what stood there, what stands there now, and the whole module with it."""

    line: int
    scope: str
    before: str
    after: str
    code: CodeType

    def __str__(self) -> str:
        return f"{self.line} {self.scope}: {self.before}  ->  {self.after}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines. Annotations, decorators and docstrings are left alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope, node, put in _places(tree, "module"):
        before = ast.unparse(node)
        for changed in _changes(node):
            ast.copy_location(changed, node)
            ast.fix_missing_locations(changed)
            put(changed)
            code = compile(tree, str(path), "exec")
            put(node)
            yield Mutant(getattr(node, "lineno", 0), scope, *_shortened(before, ast.unparse(changed)), code)


def _shortened(before: str, after: str) -> tuple[str, str]:
    """The two texts on one line each, cut to what lies around the first difference."""
    before, after = " ".join(before.split()), " ".join(after.split())
    start = max(0, len(os.path.commonprefix([before, after])) - 40)
    texts = [text if len(text) <= 100 else text[start : start + 100] for text in (before, after)]
    return texts[0], texts[1]


def _places(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.AST, Put]]:
    """Every node that may change: the class or function it stands in, and how to put another one in its place."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        scope = node.name if scope == "module" else f"{scope}.{node.name}"
    for name, child, put in _children(node):
        if name not in ("annotation", "returns", "decorator_list", "bases") and not _is_left_alone(
            node, child
        ):
            yield scope, child, put
            yield from _places(child, scope)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST, Put]]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST):
                    yield name, child, partial(value.__setitem__, index)
        elif isinstance(value, ast.AST):
            yield name, value, partial(setattr, node, name)


def _is_left_alone(parent: ast.AST, child: ast.AST) -> bool:
    """Imports, docstrings, and other names for types."""
    if isinstance(child, ast.Expr):
        return isinstance(child.value, ast.Constant)
    if isinstance(child, ast.Assign):
        return isinstance(parent, ast.Module) and isinstance(child.value, ast.Subscript)
    return isinstance(child, ast.Import | ast.ImportFrom)


def _changes(node: ast.AST) -> list[ast.AST]:
    """What a node becomes, one after another."""
    made: list[ast.AST] = []
    match node:
        case ast.Constant(value=bool()):
            made = [ast.Constant(not node.value)]
        case ast.Constant(value=int() | float()):
            made = [ast.Constant(node.value + 1)]  # type: ignore[operator]
        case ast.Constant(value=str() as text):
            made = [ast.Constant(f"XX{text}XX")]
        case ast.Compare(ops=ops):
            others = [[*ops[:n], _SWAPPED[type(op)](), *ops[n + 1 :]] for n, op in enumerate(ops)]
            made = [ast.Compare(node.left, other, node.comparators) for other in others]
        case ast.BoolOp():
            made = [ast.BoolOp(_SWAPPED[type(node.op)](), node.values)]
            made += [_joined(node.op, _without(node.values, n)) for n in range(len(node.values))]
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _SWAPPED:
            swapped = _SWAPPED[type(node.op)]()
            if isinstance(node, ast.BinOp):
                made = [ast.BinOp(node.left, swapped, node.right)]
            else:
                made = [
                    ast.AugAssign(node.target, swapped, node.value),
                    ast.Assign([node.target], node.value),
                ]
        case ast.UnaryOp(op=ast.Not()):
            made = [node.operand]
        case ast.UnaryOp(op=ast.USub()):
            made = [ast.UnaryOp(ast.UAdd(), node.operand)]
        case ast.IfExp():
            made = [node.body, node.orelse, *_negated(node)]
        case ast.If() | ast.While():
            made = _negated(node)
        case ast.comprehension():
            made = [
                ast.comprehension(node.target, node.iter, _without(node.ifs, n), node.is_async)
                for n in range(len(node.ifs))
            ]
        case ast.Lambda():
            made = [ast.Lambda(node.args, ast.Constant(None))]
        case ast.Call():
            made = _other_calls(node)
        case ast.Expr(value=ast.Call()) | ast.Raise():
            made = [ast.Pass()]
        case ast.Return(value=ast.expr()) if not _is_none(node.value):
            made = [ast.Return(ast.Constant(None))]
        case ast.Assign():
            made = [ast.Assign(node.targets, _nothing(node.value))]
        case ast.AnnAssign(value=ast.expr()):
            assert node.value is not None
            made = [ast.AnnAssign(node.target, node.annotation, _nothing(node.value), node.simple)]
        case ast.Break():
            made = [ast.Continue()]
        case ast.Continue():
            made = [ast.Break()]
    return made


def _without(values: Sequence[Any], n: int) -> list[Any]:
    return [*values[:n], *values[n + 1 :]]


def _joined(op: ast.boolop, values: list[ast.expr]) -> ast.AST:
    return values[0] if len(values) == 1 else ast.BoolOp(op, values)


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _nothing(value: ast.expr) -> ast.expr:
    return ast.Constant("" if _is_none(value) else None)


def _negated(node: ast.If | ast.While | ast.IfExp) -> list[ast.AST]:
    """The other way round, where no operator in the test is swapped anyway."""
    if isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
        return []
    test = ast.UnaryOp(ast.Not(), node.test)
    if isinstance(node, ast.IfExp):
        return [ast.IfExp(test, node.body, node.orelse)]
    return [type(node)(test, node.body, node.orelse)]


def _other_calls(node: ast.Call) -> list[ast.AST]:
    """Each argument as None, and each left out where there are several."""
    none = ast.Constant(None)
    made: list[ast.AST] = []
    several = len(node.args) + len(node.keywords) > 1
    for n, arg in enumerate(node.args):
        if not _is_none(arg) and not isinstance(arg, ast.Starred | ast.GeneratorExp):
            made.append(ast.Call(node.func, [*node.args[:n], none, *node.args[n + 1 :]], node.keywords))
        if several:
            made.append(ast.Call(node.func, _without(node.args, n), node.keywords))
    for n, word in enumerate(node.keywords):
        if word.arg and not _is_none(word.value):
            other = ast.keyword(word.arg, none)
            made.append(ast.Call(node.func, node.args, [*node.keywords[:n], other, *node.keywords[n + 1 :]]))
        if several:
            made.append(ast.Call(node.func, node.args, _without(node.keywords, n)))
    return made


class _ExamplesFirst:
    """Runs tests that try made-up cases after those that play written ones, and with few cases."""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        from hypothesis import settings

        items.sort(key=lambda item: hasattr(item.obj, "hypothesis"))
        for item in items:
            chosen = getattr(item.obj, "_hypothesis_internal_use_settings", None)
            if chosen is not None and chosen.max_examples > EXAMPLES:
                item.obj._hypothesis_internal_use_settings = settings(chosen, max_examples=EXAMPLES)


class _Instead(MetaPathFinder, Loader):
    """Imports a mutant under the name of its module."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self.name, self.path, self.code = name, path, code

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, origin=str(self.path)) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)  # noqa: S102


def name_of(path: Path) -> str:
    """A file's name as a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def tests_of(module: str) -> list[list[str]]:
    """The domain's test files that import a module: its own, those that name it, those that reach it by others."""
    files = [*DOMAIN.rglob("*.py"), *TESTS.rglob("*.py")]
    imports = {name_of(path): _imports(path) for path in files}
    reached = {module}
    while more := {name for name, named in imports.items() if named & reached} - reached:
        reached |= more
    found = sorted(path for path in TESTS.rglob("test_*.py") if name_of(path) in reached)
    own = [path for path in found if path.stem == f"test_{module.rpartition('.')[2]}"]
    near = [path for path in found if path not in own and module in imports[name_of(path)]]
    far = [path for path in found if path not in own and path not in near]
    return [[str(path) for path in group] for group in (own, near, far) if group]


def _imports(path: Path) -> set[str]:
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
    return named


def is_caught(module: str, path: Path, code: CodeType | None, groups: list[list[str]]) -> bool:
    """Whether a test fails, or cannot even be imported, in a child that has the mutant for its module."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            if code is not None:
                sys.meta_path.insert(0, _Instead(module, path, code))
            status = _run(groups)
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return ended != 0


def _run(groups: list[list[str]]) -> int:
    import pytest

    for files in groups:
        status = pytest.main([*OPTIONS, *files], plugins=[_ExamplesFirst()])
        if status != pytest.ExitCode.OK:
            return int(status)
    return 0


def _prepare() -> None:
    """Loads once what every child needs, and lets Hypothesis try few examples, always the same, without shrinking."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    gc.disable()
    import pytest
    from hypothesis import HealthCheck, Phase, given, settings, strategies

    settings.register_profile(
        "mutants",
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")
    given(strategies.integers(), strategies.timezones())(lambda number, zone: None)()
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        pytest.main(["--collect-only", *OPTIONS, str(TESTS / "__init__.py")])
    gc.freeze()


def _judge(module: str) -> tuple[int, list[Mutant]]:
    """How many mutants a module has, and which survive."""
    found = list(DOMAIN.rglob(f"{module}.py"))
    if len(found) != 1:
        sys.exit(f"pmsapp/domain has {len(found)} modules called {module}.")
    (path,) = found
    name = name_of(path)
    groups = tests_of(name)
    if not groups or is_caught(name, path, None, groups):
        sys.exit(f"{name}: its tests do not pass on the module as it is.")
    count, survivors = 0, []
    for mutant in mutants_of(path):
        count += 1
        if not is_caught(name, path, mutant.code, groups):
            survivors.append(mutant)
            print(f"  survives: {path.relative_to(ROOT)}:{mutant}", flush=True)
    return count, survivors


def main() -> int:
    """Play every mutant of the chosen modules; 1 when too few are caught in one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, help="of " + ", ".join(MODULES))
    modules = parser.parse_args().modules
    _prepare()
    too_few = False
    for module in modules:
        began = time.monotonic()
        count, survivors = _judge(module)
        caught = count - len(survivors)
        too_few |= caught * 100 < count * WANTED_PERCENT
        took = time.monotonic() - began
        print(
            f"{module}: {caught} of {count} mutants caught, {caught / count:.1%} ({took:.0f} s)", flush=True
        )
    return int(too_few)


if __name__ == "__main__":
    sys.exit(main())
