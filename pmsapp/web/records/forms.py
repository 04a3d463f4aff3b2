"""The forms of the pages about records."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from pmsapp.web.ui.forms import ChosenId, Form, Ticked


def _birth_date(text: str) -> date | None:
    """A birth date, which may be of the century before."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError("Write the birth date like 1979-03-12.") from None


class SearchForm(Form):
    """Whom to look for."""

    name: str = ""
    birth_date: Annotated[date | None, BeforeValidator(_birth_date)] = None
    phone: str = ""


class PatientForm(Form):
    """Of whom the page is."""

    reference: Annotated[str, BeforeValidator(lambda text: text[:200])] = ""


class CorrectForm(Form):
    """What is right; what stays empty stays as it is."""

    patient_name: str = ""
    patient_phone: str = ""
    patient_email: str = ""


class EraseForm(Form):
    """Whether one means it, and whether nothing has to be kept."""

    sure: Ticked = False
    despite_the_law: Ticked = False


class OlderForm(Form):
    """In the address of an older page of the log: the row that the page before ended with."""

    before: ChosenId = None
