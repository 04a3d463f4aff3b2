"""The columns of the run sheet."""

from __future__ import annotations

import pytest

from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.sheet import columns
from tests.support.connecting import ADMIN

pytestmark = pytest.mark.usefixtures("app")


def test_a_new_column_stands_last() -> None:
    first = columns.create_clinician(ADMIN, name=" Dr A ")
    second = columns.create_clinician(ADMIN, name="Dr B")
    assert first.name == "Dr A"
    assert first.sort_order < second.sort_order
    assert columns.list_clinicians() == [first, second]


def test_a_column_can_be_renamed_moved_and_retired() -> None:
    first = columns.create_clinician(ADMIN, name="Dr A")
    second = columns.create_clinician(ADMIN, name="Dr B")
    changed = columns.update_clinician(second.id, ADMIN, name="Dr Bee", sort_order=0, active=False)
    assert (changed.name, changed.sort_order, changed.active) == ("Dr Bee", 0, False)
    assert [column.id for column in columns.list_clinicians()] == [second.id, first.id]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "two\nlines"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as invalid:
        columns.create_clinician(ADMIN, name=name)
    assert set(invalid.value.errors) == {"name"}


def test_a_place_outside_the_range_is_refused() -> None:
    with pytest.raises(Invalid):
        columns.create_clinician(ADMIN, name="Dr A", sort_order=-1)


def test_an_unknown_column_is_not_found() -> None:
    with pytest.raises(NotFound):
        columns.get_clinician(9)
    with pytest.raises(NotFound):
        columns.update_clinician(9, ADMIN, name="x")
