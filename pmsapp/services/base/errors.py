"""How a service says no. Screens and the JSON interface turn each class into one kind of answer.

Texts are shown to people: no patient data, no vendor body, no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import OperationalError as DatabaseAwayError

__all__ = [
    "Conflict",
    "DatabaseAwayError",
    "Invalid",
    "NotFound",
    "Refused",
    "ServiceError",
    "takes_nothing_more",
]

_NO_ROOM = ("disk is full", "readonly", "disk I/O")  # as SQLite words it


def takes_nothing_more(error: DatabaseAwayError) -> bool:
    """True when the disk is full or read-only: waiting a moment does not help."""
    return any(words in str(error.orig) for words in _NO_ROOM)


class ServiceError(Exception):
    """Base of every refusal of our own. `code` is stable, `message` is one sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class NotFound(ServiceError):  # noqa: N818 - read as a sentence: raise NotFound("connection")
    """There is no such thing, or it is not yours to see. `what` is a plain noun ("connection")."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__("NOT-FOUND", f"There is no such {what}.")


class Invalid(ServiceError):  # noqa: N818
    """What was asked for cannot be right. `errors`: field (dotted path) -> sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("INVALID", "Some fields are not right: " + ", ".join(sorted(self.errors)) + ".")


class Conflict(ServiceError):  # noqa: N818
    """It cannot be done as things stand now. `current` is what stands there, when the caller may see it."""

    def __init__(self, code: str, message: str, current: Any = None) -> None:
        self.current = current
        super().__init__(code, message)


class Refused(ServiceError):  # noqa: N818
    """What was given was tried and not accepted; nothing was stored. `advice` says what to do next.

    `again_at`: when it may be tried again, where that was said.
    """

    def __init__(
        self, code: str, message: str, advice: str | None = None, again_at: datetime | None = None
    ) -> None:
        self.advice = advice
        self.again_at = again_at
        super().__init__(code, message)
