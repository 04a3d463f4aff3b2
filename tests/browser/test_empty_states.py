"""Every empty day says which kind of empty it is; none is mistaken for another."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from pmsapp.models import PMSClinicianMapping
from pmsapp.services.base.transaction import writing
from tests.browser.conftest import Installation, OpenClinic, Visit
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser


def heading(visit: Visit, words: str) -> None:
    expect(visit.page.get_by_role("heading", name=re.compile(words))).to_be_visible()


def empty_the_day(clinic: SyncedClinic, day: date | None = None) -> None:
    clinic.sandbox.clinic.empty_day(day or clinic.today)


def test_nothing_is_connected(visit: Visit, installation: Installation) -> None:
    visit.sign_in()
    heading(visit, "No practice software connected yet")
    expect(visit.page.get_by_role("link", name="Connect")).to_be_visible()


def test_fresh_and_nobody(visit: Visit, clinic: SyncedClinic) -> None:
    empty_the_day(clinic)
    clinic.sync()
    visit.sign_in()
    heading(visit, "^No telehealth appointments today$")
    expect(visit.page.locator(".empty")).to_contain_text("Checked 09:00.")


def test_not_fresh_and_nobody(visit: Visit, clinic: SyncedClinic, frozen_clock: FrozenClock) -> None:
    empty_the_day(clinic)
    clinic.sync()
    frozen_clock.advance(hours=1)
    visit.sign_in()
    heading(visit, "^We could not read Gentu since 09:00$")
    expect(visit.page.locator(".empty")).to_contain_text("There may be some by now.")
    expect(visit.page.get_by_role("button", name="Read now")).to_be_visible()


def test_never_read(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    visit.sign_in()
    visit.go("/sheet/2026-12-01")
    heading(visit, "^This day has not been read yet$")
    expect(visit.page.get_by_role("button", name="Read now")).to_be_visible()


def test_a_filter_that_hides_everybody(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync(clinic.today + timedelta(days=1))
    visit.sign_in()
    visit.go("/sheet/2026-11-24?view=list&filter=waiting")
    heading(visit, r"^0 of \d+ match\.$")
    visit.page.get_by_role("link", name="Clear filters").click()
    expect(visit.page.locator("#sheet [data-card]").first).to_be_visible()


def test_an_undecided_practitioner(visit: Visit, clinic: SyncedClinic) -> None:
    practitioner = next(row.practitioner_id for row in clinic.truth() if row.practitioner_id)
    with writing() as session:
        session.execute(
            update(PMSClinicianMapping)
            .where(PMSClinicianMapping.pms_practitioner_id == practitioner)
            .values(decision="undecided", run_sheet_clinician_id=None)
        )
    clinic.sync()
    visit.sign_in()
    asked = visit.page.locator("[data-section=attention] .asks")
    expect(asked).to_contain_text(re.compile(r"has \d+ appointments? that (is|are) not shown"))
    asked.get_by_role("link", name="Decide").first.click()
    visit.page.wait_for_url(re.compile("/decisions"))


def test_a_closed_day(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    visit.sign_in()
    visit.go("/sheet/2026-12-25")
    heading(visit, r"^Clinic closed \(Christmas Day\)$")
    expect(visit.page.locator(".empty")).to_contain_text("Next run sheet: Tue 29 Dec.")


def test_a_clinician_without_anybody_on_a_day_with_others(visit: Visit, clinic: OpenClinic) -> None:
    practitioner = clinic.sandbox.clinic.practitioners()[0].key
    clinic.sandbox.clinic.empty_day(clinic.today, practitioner)
    clinic.sync()
    visit.sign_in()
    expect(visit.page.locator(".group-empty").first).to_have_text("No telehealth appointments.")
