"""Reading a page's forms the way a browser does: what would be sent if a person just pressed the button."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """One form: where it leads, its fields as they stand, and the kind of each visible input by name."""

    action: str
    values: list[tuple[str, str]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

    def filled(self, **typed: str) -> dict[str, list[str]]:
        """What is sent once `typed` is typed over what stands there."""
        sent: dict[str, list[str]] = {}
        for name, value in self.values:
            sent.setdefault(name, []).append(value)
        return {**sent, **{name: [value] for name, value in typed.items()}}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and given.get("name"):
            self._input(self._form, given)
        elif tag == "select":
            self._select, self._options = given["name"], []
            self._form.kinds[given["name"]] = "select"
        elif tag == "option" and self._select is not None:
            self._options.append((given.get("value", ""), "selected" in given))

    def _input(self, form: Form, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind != "hidden":
            form.kinds[given["name"]] = kind
        if kind not in ("radio", "checkbox") or "checked" in given:
            form.values.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._form is not None and self._select is not None and self._options:
            chosen = [value for value, selected in self._options if selected]
            self._form.values.append((self._select, (chosen or [self._options[0][0]])[0]))
        if tag == "select":
            self._select = None
        if tag == "form":
            self._form = None


def form_at(page: str, action: str) -> Form:
    """The page's form that leads to `action`. Fails the test when there is not exactly one."""
    reader = _Forms()
    reader.feed(page)
    (found,) = [form for form in reader.forms if form.action == action]
    return found
