"""Every form of the settings says all that is wrong with it at once, at its fields, and keeps what was typed."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.models import Incident
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import columns
from tests.support import actors
from tests.support.clock import FrozenClock


@pytest.fixture
def admin(app: Flask, frozen_clock: FrozenClock) -> actors.Browser:
    return actors.browser_for(app, "admin")


def clinic_form(**more: str) -> dict[str, str]:
    form = {"name": "Banksia Street", "time_zone": "Australia/Perth", "state": "WA", "closed_days": ""}
    return form | {"opens-mon": "08:00", "closes-mon": "18:00"} | more


def an_incident() -> int:
    """Something that is wrong, of which people were told."""
    now = clock.now()
    with writing() as session:
        row = Incident(
            subject="x", code="BUG", severity="low", started_at=now, last_seen_at=now, opened_at=now
        )
        session.add(row)
        session.flush()
        return row.id


def errors_of(page: str) -> dict[str, str]:
    """What the page says beneath its fields, by the id of the sentence."""
    return {
        key: re.sub(r"<svg.*?</svg>", "", text, flags=re.S)
        for key, text in re.findall(r'<p class="error" id="([\w-]+)-error">(.*?)</p>', page, flags=re.S)
    }


def test_every_day_with_wrong_hours_is_named_in_words_beside_the_other_faults(admin: actors.Browser) -> None:
    wrong = {"opens-tue": "late", "closes-tue": "18:00", "opens-fri": "17:00", "closes-fri": "08:00"}
    answer = admin.post("/settings/clinic", data=clinic_form(name="", closed_days="Christmas", **wrong))
    assert answer.status_code == 422
    assert errors_of(answer.text) == {
        "name": "Give the clinic a name of 1 to 120 characters.",
        "closed_days": "Write each day like 2026-12-25, one per line, 366 at most.",
        "hours-tue": "Tuesday&#39;s hours need two times like 08:30, or none when the clinic is closed.",
        "hours-fri": "On Friday the clinic must open before it closes.",
    }
    for kept in ('value="late"', ">Christmas</textarea>", '<option value="Australia/Perth" selected>'):
        assert kept in answer.text
    assert '<a href="#opens-fri">' in answer.text
    assert clinic.get_clinic().time_zone == "Australia/Melbourne"


def test_a_time_without_its_leading_nought_is_understood(admin: actors.Browser) -> None:
    assert admin.post("/settings/clinic", data=clinic_form(**{"opens-mon": "8:00"})).status_code == 303
    assert clinic.get_clinic().hours["mon"] == ("08:00", "18:00")


def test_a_clinic_that_never_opens_is_refused(admin: actors.Browser) -> None:
    answer = admin.post("/settings/clinic", data=clinic_form(**{"opens-mon": "", "closes-mon": ""}))
    assert answer.status_code == 422
    assert "Give opening hours for at least one day" in answer.text


def test_a_refused_column_says_each_fault_at_its_own_row_and_keeps_what_was_typed(
    admin: actors.Browser,
) -> None:
    first = columns.create_clinician(actors.COMMAND_LINE, name="Dr Hart").id
    second = columns.create_clinician(actors.COMMAND_LINE, name="Dr Lee").id
    form = {
        "name": "",
        "sort_order": "ninth",
        "notice_after": "10",
        "warn_after": "10",
        "urgent_after": "soon",
    }
    answer = admin.post(f"/settings/clinicians/{second}", data=form)
    assert answer.status_code == 422
    assert errors_of(answer.text) == {
        f"name-{second}": "Give the clinician a name of 1 to 80 characters.",
        f"sort_order-{second}": "Choose a place from 0 to 10000.",
        f"warn_after-{second}": "Enter more minutes than the 10 of “Notice after”.",
        f"urgent_after-{second}": "Enter whole minutes, 1 to 240.",
    }
    assert 'value="ninth"' in answer.text
    assert (
        f'id="sort_order-{first}" name="sort_order" type="number" min="0" max="10000" value="1"'
        in answer.text
    )
    assert [column.name for column in columns.list_clinicians()] == ["Dr Hart", "Dr Lee"]


def test_a_refused_new_column_keeps_its_name(admin: actors.Browser) -> None:
    answer = admin.post("/settings/clinicians", data={"name": "D" * 81})
    assert answer.status_code == 422
    assert set(errors_of(answer.text)) == {"new-name"}
    assert f'value="{"D" * 81}"' in answer.text


def test_a_refused_role_keeps_what_was_chosen(admin: actors.Browser) -> None:
    answer = admin.post(f"/settings/people/{admin.user.id}/role", data={"role": "viewer", "clinician_id": ""})
    assert answer.status_code == 422
    assert "make another one first" in answer.text
    jo = actors.make_user("reception")
    answer = admin.post(f"/settings/people/{jo.id}/role", data={"role": "clinician", "clinician_id": "99"})
    assert answer.status_code == 422
    assert "There is no such clinician." in answer.text
    assert '<option value="clinician" selected>' in answer.text.partition(f"/settings/people/{jo.id}/role")[2]


def test_a_column_that_is_no_number_is_refused_and_not_taken_for_none(admin: actors.Browser) -> None:
    person = {"email": "jo@example.org", "name": "Jo", "role": "reception", "clinician_id": "x"}
    answer = admin.post("/settings/people", data=person)
    assert answer.status_code == 422
    assert "Column: choose one of the list." in answer.text


def test_a_refused_token_keeps_every_choice(admin: actors.Browser) -> None:
    answer = admin.post("/settings/tokens", data={"name": "", "role": "admin", "days": "30"})
    assert answer.status_code == 422
    assert "Give the token a name" in answer.text
    for chosen in ('<option value="admin" selected>', '<option value="30" selected>'):
        assert chosen in answer.text
    assert "Choose how long the token works." in admin.post("/settings/tokens", data={"days": "soon"}).text


def test_a_silence_without_a_reason_is_refused_at_its_field_and_keeps_the_hours(
    admin: actors.Browser,
) -> None:
    incident = an_incident()
    answer = admin.post(f"/settings/alerts/{incident}/snooze", data={"hours": "8", "reason": "no"})
    assert answer.status_code == 422
    assert errors_of(answer.text) == {f"reason-{incident}": "Say in a few words why (3 to 200 characters)."}
    assert 'value="no"' in answer.text
    assert '<option value="8" selected>' in answer.text
