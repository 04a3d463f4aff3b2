"""Many small cases in one test: all of them are tried, and whatever fails is listed by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

_T = TypeVar("_T")


def check_each(cases: Iterable[_T], check: Callable[[_T], None], name: Callable[[_T], str] = str) -> None:
    """Run `check` for every case; fails with a line for each case that did. There has to be one case at least."""
    failed, count = [], 0
    for case in cases:
        count += 1
        try:
            check(case)
        except (
            Exception,
            pytest.fail.Exception,
        ) as error:  # the next cases are tried all the same, and the test fails below
            failed.append(f"{name(case)}: {type(error).__name__}: {error}")
    assert failed == [], f"{len(failed)} of {count} failed:\n" + "\n".join(failed)
    assert count > 0, "there is no case"
