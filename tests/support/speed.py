"""What every test would pay for again: the code of each route, of each template, and the text of each SQL statement.

All three depend on nothing but their source, so one test process makes them once, however many apps it builds.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from werkzeug.routing import Rule

_builders: dict[Any, Callable[..., Any]] = {}
_compile_builder = Rule._compile_builder


class _Templates(BytecodeCache):
    """Compiled templates by their source."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code


_templates = _Templates()
_engines: dict[str, Engine] = {}


def remember_routes() -> None:
    """From now on a route that was compiled in this process is not compiled again."""
    Rule._compile_builder = _remembered_builder  # type: ignore[method-assign,assignment]


def remember_templates(app: Flask) -> None:
    """Give `app` the compiled templates of the apps before it."""
    app.jinja_env.bytecode_cache = _templates


def remember_statements(engine: Engine) -> None:
    """Give `engine` the statements of the engines before it: the key of a statement holds its dialect."""
    if engine.dialect.name not in _engines:
        engine.connect().close()  # a dialect learns at its first connection what its database can do
    first = _engines.setdefault(engine.dialect.name, engine)
    engine.dialect = engine.pool._dialect = first.dialect
    engine._compiled_cache = first._compiled_cache


def _remembered_builder(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    key = (rule.rule, tuple(rule._trace), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]
