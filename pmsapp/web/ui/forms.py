"""The one room in which pages read what a form or an address says.

A form is a model: its fields, their types and limits, and one sentence for each that is not right. A page gets what was
checked, or Invalid with every fault at once. What was typed is read as it is only to show a refused form again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict
from werkzeug.exceptions import NotFound

from pmsapp.access import guard
from pmsapp.schemas.fields import BlankDay, Id
from pmsapp.schemas.reading import read_form
from pmsapp.services.base.errors import Invalid

F = TypeVar("F", bound="Form")
CHOOSE_ONE = "Choose one of the list."


class Form(BaseModel):
    """The fields of a form. `sentences`: what people read when a field is not right, where it has words of its own."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        populate_by_name=True,
    )
    sentences: ClassVar[Mapping[str, str]] = {}


class SecretForm(Form):
    """A form with a secret in it. What is too long or empty is for the service to judge, in the same words for all."""

    model_config = ConfigDict(str_strip_whitespace=False)


def _chosen_id(value: Any) -> Any:
    if value == "" or value is None:
        return None
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > 18:
        raise ValueError(CHOOSE_ONE)
    return int(value)


Ticked = Annotated[bool, BeforeValidator(lambda _sent: True)]  # a tick box is sent only when it is ticked
ChosenId = Annotated[Id | None, BeforeValidator(_chosen_id)]  # "" is the choice "None"


class DayForm(Form):
    """The day that an address or a hidden field is about."""

    date: BlankDay = None


def read(model: type[F]) -> F:
    """The form that was sent, checked. Raises Invalid with a sentence for each field that is not right."""
    return _checked(model, request.form.to_dict())


def read_address(model: type[F]) -> F:
    """What the address says after its "?", checked. Raises NotFound: there is no such page."""
    return _ours(model, request.args.to_dict())


def read_hidden(model: type[F]) -> F:
    """The fields of the form that the page itself filled in, checked. Raises NotFound, as of an address."""
    return _ours(model, request.form.to_dict())


def says(name: str) -> bool:
    """Whether the address has this word after its "?"."""
    return name in request.args


def next_page(default: str = "/") -> str:
    """The page of this site to go on to, as the form or the address names it in `next`."""
    return guard.local_path(request.form.get("next") or request.args.get("next"), default)


def sent(*, leave_out: Collection[str]) -> list[tuple[str, str]]:
    """Every field of the form that was sent, in order, to send it once more; but for those in `leave_out`."""
    return [(name, value) for name, value in request.form.items(multi=True) if name not in leave_out]


def typed() -> dict[str, str]:
    """What was typed, as it was, to show a refused form again."""
    return request.form.to_dict()


def ticked(name: str) -> list[str]:
    """The values of the boxes of one name that are ticked."""
    return request.form.getlist(name)


def asked() -> dict[str, str]:
    """What the address says, where words that nobody knows are passed over."""
    return request.args.to_dict()


def asked_again(name: str, most: int) -> list[str]:
    """The values of something that the address may say several times."""
    return request.args.getlist(name)[:most]


def told(errors: Mapping[str, str], labels: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Each field with its sentence for the list above a form, where the sentence has to name the field."""
    return tuple((name, _named(sentence, (labels or {}).get(name))) for name, sentence in errors.items())


def _named(sentence: str, label: str | None) -> str:
    if label is None or label.lower() in sentence.lower():
        return sentence
    if sentence.startswith("This "):
        return f"{label} {sentence.removeprefix('This ')}"
    if sentence.startswith("Enter ") or sentence == CHOOSE_ONE:  # says what to do, and not of which field
        return f"{label}: {sentence[:1].lower()}{sentence[1:]}"
    return sentence


def _ours(model: type[F], sent: Mapping[str, str]) -> F:
    try:
        return _checked(model, sent)
    except Invalid:
        raise NotFound from None


def _checked(model: type[F], sent: Mapping[str, str]) -> F:
    try:
        return read_form(model, sent)
    except Invalid as error:
        raise Invalid(_in_words(error.errors, model.sentences)) from None


def _in_words(errors: Mapping[str, str], sentences: Mapping[str, str]) -> dict[str, str]:
    """A field with words of its own says them once, whichever part of it is not right."""
    found: dict[str, str] = {}
    for path, sentence in errors.items():
        whole = path.partition(".")[0]
        name = whole if whole in sentences else path
        found.setdefault(name, sentences.get(name, sentence))
    return found
