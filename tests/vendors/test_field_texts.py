"""What a practice types into its text fields, from each vendor's record to the card: shown as received, or a proven equal.

A number to dial always stands in the text; names, notes and e-mails lose nothing that can be seen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.adapters.gentu import wire as gentu
from pmsapp.adapters.halaxy import people as halaxy_people
from pmsapp.adapters.halaxy import wire as halaxy
from pmsapp.adapters.medirecords import wire as medirecords
from pmsapp.domain.appointment import BadRecord, Patient
from pmsapp.schemas.sheet import CardOut
from pmsapp.web.ui import formatting as fmt
from tests.web.made_up import ZONE, card

# No deadline: the machine that runs these is often busy.
QUICK = settings(deadline=None, max_examples=40)
PIECES = st.sampled_from(
    [
        "0491 570 156",
        "0491570157",
        "(03) 7010 1234",
        "+61 491 570 156",
        "+44 20 7946 0123",
        "ext 12",
        "#12",
        "/",
        ";",
    ]
    + ["(Axel)", "Mum", "after 3pm", "0491 570 15", "13 11 14", "000", "x", "٠٤٩١"]
)
PHONES = (
    st.lists(PIECES, max_size=5).map(" ".join) | st.from_regex(r"[0-9 +()/.-]{0,30}") | st.text(max_size=30)
)
MAILS = st.sampled_from(
    [
        "lee@example.com; mum@example.com",
        "A Name <lee@example.com>",
        "a@b.au, c@d.au",
        "none",
        "LEE@EXAMPLE.COM",
    ]
) | st.text(max_size=60)
NAMES = st.text(alphabet=st.characters(categories=["Lu", "Ll", "Lo", "Mn"]), min_size=1, max_size=20).filter(
    lambda name: (
        name[0].isalpha() and name.isprintable() and name.casefold() not in {"unknown", "onlyname", "noname"}
    )
) | st.sampled_from(["O'Brien", "Nguyễn", "Lee-Hart", "d’Arcy", "Ng"])
NOTES = st.text(max_size=300) | st.sampled_from(["line one\r\nline two", "tab\there", "<b>bold</b> & more"])
VENDORS = ("gentu", "medirecords", "halaxy")
EVERY_VENDOR = pytest.mark.parametrize("vendor", VENDORS)


def gentu_patient(phone: str, mail: str, given_name: str, family: str) -> Patient:
    return gentu.parse_patient(
        {
            "id": "44444444-aaaa-4bbb-8ccc-000000000001",
            "name": {"family": family, "given": given_name, "prefix": None},
            "contact": [
                {"system": "phone", "use": "mobile", "rank": 1, "value": phone},
                {"system": "email", "use": "home", "rank": 2, "value": mail},
            ],
        }
    )


def medirecords_patient(phone: str, mail: str, given_name: str, family: str) -> Patient:
    row = {"firstName": given_name, "lastName": family, "mobilePhone": phone, "email": mail}
    return medirecords.parse_patient(row, "9b8a7c6d")


def halaxy_patient(phone: str, mail: str, given_name: str, family: str) -> Patient:
    found = halaxy_people.parse_patient(
        {
            "resourceType": "Patient",
            "id": "200000001",
            "name": [{"use": "official", "family": family, "given": [given_name]}],
            "telecom": [{"system": "sms", "value": phone}, {"system": "email", "use": "home", "value": mail}],
        }
    )
    assert found is not None
    return found


PATIENTS: dict[str, Callable[[str, str, str, str], Patient]] = {
    "gentu": gentu_patient,
    "medirecords": medirecords_patient,
    "halaxy": halaxy_patient,
}


def gentu_notes(text: str) -> str | None:
    record = {"id": "6b0f2c1e-8a52-4f0e-9d7c-1f2a3b4c5d01", "startAt": "2026-11-22T22:30:00.000+00:00"}
    return gentu.parse_visit({**record, "participant": [], "comment": text, "description": None}).notes


def medirecords_notes(text: str) -> str | None:
    row = {
        "id": "7c1e4a60",
        "scheduleTime": "2026-11-23T09:15",
        "appointmentStatus": 2,
        "patientId": "p",
        "notes": text,
    }
    found = medirecords.parse_appointment(row, medirecords.Tables(ZONE, {}, {}))
    assert not isinstance(found, BadRecord)
    return found.notes


def halaxy_notes(text: str) -> str | None:
    row = {
        "resourceType": "Appointment",
        "id": "300000001",
        "start": "2026-11-23T09:15:00+11:00",
        "description": text,
    }
    found = halaxy.parse_appointment(row, halaxy.Tables({}, {}), {})
    assert not isinstance(found, BadRecord)
    return found[0].notes


NOTES_OF = {"gentu": gentu_notes, "medirecords": medirecords_notes, "halaxy": halaxy_notes}


def seen(text: str | None) -> str:
    """What of a text can be seen: no spaces, no controls, nothing that only turns others around."""
    return "".join(
        char
        for char in text or ""
        if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Cn")
    )


def digits_of(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def shown_card(patient: Patient, notes: str | None = None) -> dict[str, Any]:
    """The card as the interface gives it."""
    made = card(
        patient_name=patient.name, patient_phone=patient.phone, patient_email=patient.email, pms_notes=notes
    )
    shown: dict[str, Any] = CardOut.of(made, ZONE).model_dump(mode="json")
    return shown


@EVERY_VENDOR
@QUICK
@given(phone=PHONES)
def test_field_01_a_phone_is_shown_as_received_and_dials_only_what_stands_in_it(
    vendor: str, phone: str
) -> None:
    shown = shown_card(PATIENTS[vendor](phone, "", "Ada", "Bligh"))["patient_phone"]
    if not seen(phone):
        assert not seen(shown)
        return
    assert shown is not None
    text = fmt.phone(shown)
    if seen(shown) != seen(phone):
        # One whole number: every digit of it is a digit received, but for the country code and a leading zero.
        assert not any(char.isalpha() for char in phone)
        received = digits_of(phone).removeprefix("0011").removeprefix("61").removeprefix("0")
        assert shown.startswith("+")
        assert shown.endswith(received)
        assert digits_of(str(text)).endswith(received)
    else:
        assert seen(str(text)) in {seen(phone), seen(str(fmt.phone(phone)))}
    for part in text.parts:
        if part.href:
            number = part.href.removeprefix("tel:").removeprefix("+")
            national = {number, number.removeprefix("61"), "0" + number.removeprefix("61")}
            assert any(digits_of(part.text).endswith(ending[-8:]) for ending in national)
            assert digits_of(part.text)[-8:] in digits_of(phone)


@EVERY_VENDOR
@QUICK
@given(mail=MAILS)
def test_field_02_an_email_is_shown_as_received(vendor: str, mail: str) -> None:
    assert seen(shown_card(PATIENTS[vendor]("", mail, "Ada", "Bligh"))["patient_email"]) == seen(mail)


@EVERY_VENDOR
@QUICK
@given(given_name=NAMES, family=NAMES)
def test_field_02_a_name_is_shown_as_received(vendor: str, given_name: str, family: str) -> None:
    shown = shown_card(PATIENTS[vendor]("", "", given_name, family))["patient_name"]
    assert seen(shown) == seen(given_name) + seen(family)


@EVERY_VENDOR
@QUICK
@given(text=NOTES)
def test_field_02_notes_are_shown_as_received(vendor: str, text: str) -> None:
    shown = shown_card(Patient("1", "Ada Bligh"), NOTES_OF[vendor](text))["pms_notes"]
    assert seen(shown) == seen(text)
