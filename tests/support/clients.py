"""The client of the tests' app."""

from __future__ import annotations

import contextvars
from typing import Any

from flask.testing import FlaskClient


class Client(FlaskClient):
    """A test client whose requests see nothing of the test's own app context (as in a real server)."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("buffered", True)
        return contextvars.Context().run(super().open, *args, **kwargs)
