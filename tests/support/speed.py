"""What every test would pay for again: the code of each template and the text of each SQL statement (the routes are in
`routes.py`).

Both depend on nothing but their source, so one test process makes them once, however many apps it builds. A made-up
clinic's patients and days depend on its seed alone. A password's hash is made at a cost that keeps no thief waiting; the
test of the real cost takes `DOCUMENTED_COST`.
"""

from __future__ import annotations

import gc
from datetime import date
from functools import cache
from types import CodeType
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine

from pmsapp.sandbox.clinic import ids, people
from pmsapp.sandbox.clinic.days import DayMaker
from pmsapp.sandbox.clinic.model import Appointment
from pmsapp.services.people import passwords

_days: dict[Any, tuple[Appointment, ...]] = {}
_make_day, _make_patients, _vendor_id = DayMaker.make_day, people.make_patients, ids.vendor_id
DOCUMENTED_COST = passwords._HASHER
_CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


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


def hash_cheaply() -> None:
    """From now on a password of this process is hashed in no time."""
    passwords._HASHER = _CHEAP


def remember_clinics() -> None:
    """From now on a made-up clinic's patients, days and ids are made once: they depend on its seed alone."""
    DayMaker.make_day = _remembered_day  # type: ignore[method-assign]
    people.make_patients = cache(_make_patients)
    ids.vendor_id = cache(_vendor_id)


def keep_what_is_there() -> None:
    """From now on the garbage collector passes over all that was imported and collected, and looks less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def make_clinics_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the clinic's own tests: nothing of a clinic is remembered until the test is over."""
    monkeypatch.setattr(DayMaker, "make_day", _make_day)
    monkeypatch.setattr(people, "make_patients", _make_patients)
    monkeypatch.setattr(ids, "vendor_id", _vendor_id)


def _remembered_day(maker: DayMaker, on: date) -> list[Appointment]:
    key = (maker._seed, maker._zone.key, maker._busy, maker._patient_keys, on)
    if key not in _days:
        _days[key] = tuple(_make_day(maker, on))
    return list(_days[key])


def remember_passwords() -> None:
    """From now on how soon a password is guessed is worked out once: it depends on the password and names alone."""
    guesses = passwords._guesses_log10
    known = cache(lambda password, own: guesses(password, list(own)))
    passwords._guesses_log10 = lambda password, own: known(password, tuple(own))


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
