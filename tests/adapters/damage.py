"""Damaging the sandbox's good answers on their way to the client: one value at a time, or a bit everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Step = str | int
Change = Callable[[Any], Any]
MISSING = object()

# What may stand in the place of a value: the name of the damage, and the value.
DAMAGES: dict[str, Any] = {
    "null": None,
    "missing": MISSING,
    "a number": 7,
    "a text": "odd",
    "an object": {"odd": 1},
    "a list": [],
}


class Rewriter:
    """WSGI middleware around the sandbox: `change` is handed every good JSON answer and returns what is sent instead."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.change: Change | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        change = self.change
        if change is None:
            return self.app(environ, start_response)  # type: ignore[no-any-return]
        begun: list[Any] = []
        chunks = self.app(environ, lambda *args: begun.append(args))
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = begun[0][0], begun[0][1]
        names = {name.lower(): value for name, value in headers}
        if status.startswith("200") and "json" in names.get("content-type", ""):
            body = json.dumps(change(json.loads(body))).encode()
        sent = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*sent, ("Content-Length", str(len(body)))])
        return [body]


@dataclass(frozen=True)
class Place:
    """Where a value stands in an answer: its steps, and the same with every list index as []."""

    steps: tuple[Step, ...]

    @property
    def pattern(self) -> str:
        """`data[].id`, `[].name.family`."""
        text = ""
        for step in self.steps:
            text += "[]" if isinstance(step, int) else (f".{step}" if text else step)
        return text

    def value(self, payload: Any) -> Any:
        """What stands there."""
        for step in self.steps:
            payload = payload[step]
        return payload

    def damaged(self, payload: Any, damage: Any) -> Any:
        """A copy of the answer with the damage in its place."""
        payload = deepcopy(payload)
        parent = Place(self.steps[:-1]).value(payload)
        if damage is MISSING:
            del parent[self.steps[-1]]
        else:
            parent[self.steps[-1]] = deepcopy(damage)
        return payload


def places(payload: Any) -> list[Place]:
    """One place for every pattern in the answer, the first of each, containers too."""
    found: dict[str, Place] = {}
    for place in _walk(payload, ()):
        found.setdefault(place.pattern, place)
    return list(found.values())


def _walk(value: Any, steps: tuple[Step, ...]) -> Iterator[Place]:
    inner: Iterable[tuple[Step, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for step, child in inner:
        yield Place((*steps, step))
        yield from _walk(child, (*steps, step))


def place_of(payload: Any, wanted: Any) -> Place:
    """Where the very object `wanted` stands."""
    return next(place for place in _walk(payload, ()) if place.value(payload) is wanted)


def with_unknown_keys(value: Any) -> Any:
    """The answer with keys nobody knows in every object."""
    if isinstance(value, dict):
        changed = {key: with_unknown_keys(inner) for key, inner in value.items()}
        return {"zzUnknown": {"zz": [1, None]}, **changed, "zzAlso": "?"}
    if isinstance(value, list):
        return [with_unknown_keys(inner) for inner in value]
    return value
