"""The settings pages: what they change, what they refuse, and what they never show again."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from pmsapp.services.clinic import clinic
from pmsapp.services.people import api_tokens, second_factor, users
from pmsapp.services.sheet import columns
from tests.support import actors
from tests.support.clock import FrozenClock


@pytest.fixture
def admin(app: Flask, frozen_clock: FrozenClock) -> actors.Browser:
    return actors.browser_for(app, "admin")


def clinic_form(**more: str) -> dict[str, str]:
    form = {"name": "Banksia Street", "time_zone": "Australia/Perth", "state": "WA", "closed_days": ""}
    for day in ("mon", "tue", "wed", "thu", "fri"):
        form |= {f"opens-{day}": "08:00", f"closes-{day}": "18:00"}
    return form | more


def test_the_clinic_is_changed_from_its_page(admin: actors.Browser) -> None:
    answer = admin.post("/settings/clinic", data=clinic_form(closed_days="2026-12-24\n2026-12-31"))
    assert answer.status_code == 303
    view = clinic.get_clinic()
    assert (view.name, view.time_zone, view.state) == ("Banksia Street", "Australia/Perth", "WA")
    assert (view.hours["mon"], view.hours["sun"]) == (("08:00", "18:00"), None)
    assert len(view.closed_days) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"closed_days": "Christmas"}, "Write each day like 2026-12-25"),
        ({"closes-mon": "07:00"}, "On Monday the clinic must open before it closes."),
        ({"name": ""}, "Give the clinic a name"),
    ],
)
def test_a_wrong_clinic_is_explained_and_nothing_changes(
    admin: actors.Browser, wrong: dict[str, str], said: str
) -> None:
    answer = admin.post("/settings/clinic", data=clinic_form(**wrong))
    assert answer.status_code == 422
    assert said in answer.text
    assert clinic.get_clinic().time_zone == "Australia/Melbourne"


def test_columns_are_added_renamed_and_put_in_order(admin: actors.Browser) -> None:
    admin.post("/settings/clinicians", data={"name": "Dr Hart"})
    admin.post("/settings/clinicians", data={"name": "Dr Lee"})
    first, second = columns.list_clinicians()
    admin.post(
        f"/settings/clinicians/{second.id}", data={"name": "Dr H. Lee", "sort_order": "0", "active": "1"}
    )
    admin.post(f"/settings/clinicians/{first.id}", data={"name": "Dr Hart", "sort_order": "5"})
    assert [(column.name, column.active) for column in columns.list_clinicians()] == [
        ("Dr H. Lee", True),
        ("Dr Hart", False),
    ]
    assert admin.post("/settings/clinicians", data={"name": ""}).status_code == 422


def test_a_person_is_let_in_kept_out_and_never_locks_the_last_administrator_out(
    admin: actors.Browser,
) -> None:
    person = {
        "email": "jo@example.org",
        "name": "Jo",
        "role": "reception",
    }
    invited = admin.post("/settings/people", data=person)
    assert "Copy the invitation now" in invited.text
    assert re.search(r'<code class="secret">http://localhost/link/[\w-]{43}</code>', invited.text)
    assert "/link/" not in admin.get("/settings/people").text, "it is shown once"
    jo = users.find_user("jo@example.org")
    admin.post(f"/settings/people/{jo.id}/disable")
    assert users.get_user(jo.id).disabled_at is not None
    admin.post(f"/settings/people/{jo.id}/enable")
    assert users.get_user(jo.id).disabled_at is None
    refused = admin.post(f"/settings/people/{admin.user.id}/disable")
    assert refused.status_code == 422
    assert users.get_user(admin.user.id).disabled_at is None


def test_a_bad_email_of_somebody_new_is_refused_and_shown_again(admin: actors.Browser) -> None:
    answer = admin.post("/settings/people", data={"email": "jo", "role": "reception", "name": "Jo"})
    assert answer.status_code == 422
    assert 'value="jo"' in answer.text


def test_an_administrator_signs_somebody_out_everywhere_and_takes_a_second_factor_away(
    app: Flask, admin: actors.Browser
) -> None:
    jo = actors.make_user("reception", second_factor=True)
    there = actors.browser(app, jo)
    assert there.get("/settings/account").status_code == 200
    assert admin.post(f"/settings/people/{jo.id}/sign-out").status_code == 303
    assert there.get("/settings/account").status_code == 303
    again = actors.browser(app, jo)
    assert "Take second factor away" in admin.get("/settings/people").text
    assert admin.post(f"/settings/people/{jo.id}/reset-2fa").status_code == 303
    assert second_factor.status(jo.id).enabled_at is None
    assert again.get("/settings/account").status_code == 303
    assert admin.get("/settings/account").status_code == 200


def test_a_second_factor_can_be_required_of_everybody(app: Flask, admin: actors.Browser) -> None:
    clinic.ensure()
    jo = actors.browser(app, actors.make_user("reception"))
    assert jo.get("/settings/account").status_code == 200
    admin.post("/settings/people/second-factor", data={"for_everybody": "yes"})
    assert jo.get("/settings/account").location == ("/settings/account/second-factor?next=/settings/account")
    assert "Everybody has to have one" in admin.get("/settings/people").text
    admin.post("/settings/people/second-factor", data={"for_everybody": ""})
    assert jo.get("/settings/account").status_code == 200


def test_field_25_a_refused_form_keeps_the_column_that_was_chosen(admin: actors.Browser) -> None:
    column = columns.create_clinician(actors.COMMAND_LINE, name="Dr Hart").id
    form = {"email": "not an address", "role": "clinician", "clinician_id": str(column)}
    answer = admin.post("/settings/people", data=form | {"password": "purple trains eat moss"})
    assert answer.status_code == 422
    assert f'<option value="{column}" selected>Dr Hart</option>' in answer.text


def test_field_25_a_refused_change_of_role_keeps_the_column_that_was_chosen(admin: actors.Browser) -> None:
    column = columns.create_clinician(actors.COMMAND_LINE, name="Dr Hart").id
    jo = actors.make_user("reception").id
    form = {"role": "no role", "clinician_id": str(column)}
    answer = admin.post(f"/settings/people/{jo}/role", data=form)
    assert answer.status_code == 422
    changed = answer.text.split(f"/settings/people/{jo}/role", 1)[1].split("</form>", 1)[0]
    assert f'<option value="{column}" selected>Dr Hart</option>' in changed


def test_a_token_is_shown_once_and_can_be_revoked(admin: actors.Browser) -> None:
    made = admin.post("/settings/tokens", data={"name": "Wall screen", "role": "viewer", "days": "30"})
    found = re.search(r'<code class="secret">([^<]+)</code>', made.text)
    assert found
    assert api_tokens.find(found.group(1)) is not None
    assert found.group(1) not in admin.get("/settings/tokens").text
    admin.post(f"/settings/tokens/{api_tokens.list_tokens()[0].id}/revoke")
    assert api_tokens.find(found.group(1)) is None


def test_health_and_alerts_open_and_say_what_is_what(admin: actors.Browser) -> None:
    assert "SQLite" in admin.get("/settings/health").text
    alerts = admin.get("/settings/alerts").text
    assert "Nothing is wrong" in alerts
    assert "No channel is set up." in admin.post("/settings/alerts/test").text


def test_help_explains_every_code(admin: actors.Browser) -> None:
    page = admin.get("/help").text
    assert 'id="AUTH-EXPIRED"' in page
    assert "{pms}" not in page


@pytest.mark.parametrize("role", ["reception", "clinician", "viewer"])
def test_others_see_only_their_own_account(app: Flask, frozen_clock: FrozenClock, role: str) -> None:
    column = columns.create_clinician(actors.COMMAND_LINE, name="Dr Hart").id if role == "clinician" else None
    browser = actors.browser(app, actors.make_user(role, clinician_id=column))
    page = browser.get("/settings").text
    assert "/settings/account" in page
    assert "/settings/people" not in page
    assert browser.get("/settings/people").status_code == 403
