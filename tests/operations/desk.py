"""Staff at work on a real installation over real HTTP: one looks at the sheet all the time, one writes notes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import requests

PAGE_WITHIN_S = 30.0


@dataclass
class Moment:
    """One request: when it was sent, what came of it (a status, or the kind of the error), how long it took."""

    at_s: float
    what: str
    result: int | str
    took_s: float


@dataclass
class Desk:
    """A receptionist. `moments` is everything she saw; `acknowledged` the newest note stored for each card."""

    address: str
    email: str
    password: str
    token: str
    day: date
    moments: list[Moment] = field(default_factory=list)
    acknowledged: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.browser = requests.Session()
        self._number = 0

    def sign_in(self) -> None:
        """As a person does it."""
        page = self.browser.get(f"{self.address}/login", timeout=PAGE_WITHIN_S)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found
        answer = self.browser.post(
            f"{self.address}/login",
            data={"csrf_token": found[1], "email": self.email, "password": self.password, "next": "/"},
            headers={"Referer": f"{self.address}/login"},
            timeout=PAGE_WITHIN_S,
            allow_redirects=False,
        )
        assert answer.status_code == 303, answer.status_code

    def look(self) -> str:
        """Today's sheet as a page."""
        return self.browser.get(f"{self.address}/", timeout=PAGE_WITHIN_S).text

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        """A call with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return requests.request(
            method, f"{self.address}/api{path}", headers=headers, timeout=PAGE_WITHIN_S, **more
        )

    def cards(self) -> list[dict[str, Any]]:
        """The cards of the day."""
        sheet = self.api("GET", "/run-sheet", params={"date": self.day.isoformat()}).json()
        return [card for column in sheet["clinicians"] for card in column["appointments"]]

    def __enter__(self) -> Desk:
        for work in (self._watch_the_sheet, self._write_notes):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PAGE_WITHIN_S * 2)

    def _watch_the_sheet(self) -> None:
        """The page's own poll."""
        while not self._stop.wait(0.3):
            self._note(
                "poll",
                lambda: (
                    self.browser.get(
                        f"{self.address}/sheet/{self.day}",
                        headers={"HX-Request": "true", "X-Poll": "1"},
                        timeout=PAGE_WITHIN_S,
                    ).status_code
                ),
            )

    def _write_notes(self) -> None:
        while not self._stop.wait(0.7):
            self._note("edit", self._write_one)

    def _write_one(self) -> int:
        self._number += 1
        cards = self.cards()
        card = cards[self._number % len(cards)]
        note = f"note {self._number}"
        answer = self.api(
            "PATCH",
            f"/run-sheet/appointments/{card['id']}",
            json={"notes": note},
            headers={"If-Match": str(card["row_version"])},
        )
        if answer.status_code == 200:
            self.acknowledged[card["id"]] = note
        return answer.status_code

    def _note(self, what: str, do: Callable[[], int]) -> None:
        begun_s = time.monotonic()
        try:
            result: int | str = do()
        except (requests.RequestException, ValueError, KeyError) as error:
            result = type(error).__name__
        self.moments.append(Moment(begun_s, what, result, time.monotonic() - begun_s))

    def errors_since(self, at_s: float) -> list[Moment]:
        """What went wrong since then: no answer, or one that says the server failed. A lost race (412) is none."""
        return [
            moment
            for moment in list(self.moments)
            if moment.at_s >= at_s and (isinstance(moment.result, str) or moment.result >= 500)
        ]
