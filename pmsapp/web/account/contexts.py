"""What the sign-in and account templates are given: one dataclass per template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pmsapp.services.people.passwords import MIN_CHARS
from pmsapp.services.people.sessions import SessionView
from pmsapp.services.people.users import UserView
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.labels import ROLE_WORDS

_DONE = {
    "password": "Your password is changed. Every other browser is signed out.",
    "session": "Signed out there.",
}


@dataclass(frozen=True, slots=True)
class LoginPage:
    """auth/login.html. `fault` is the sentence about the last try."""

    next: str
    email: str = ""
    fault: str | None = None
    is_set_up: bool = True
    needs_tls: bool = False

    def saying(self, fault: str) -> LoginPage:
        return replace(self, fault=fault)

    def in_place(self, is_set_up: bool, needs_tls: bool) -> LoginPage:
        return replace(self, is_set_up=is_set_up, needs_tls=needs_tls)


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """auth/confirm.html. `email` tells the browser's password store whose password is asked for."""

    next: str
    email: str = ""
    fault: str | None = None

    def saying(self, fault: str) -> ConfirmPage:
        return replace(self, fault=fault)


@dataclass(frozen=True, slots=True)
class SetupPage:
    """auth/setup.html. The password is never put back into the form, the code unless it was the fault."""

    code: str = ""
    email: str = ""
    name: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    min_chars: int = MIN_CHARS

    def with_faults(self, faults: Mapping[str, str]) -> SetupPage:
        return replace(self, faults=faults, code="" if "code" in faults else self.code)


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A signed-in browser, every text ready to print."""

    id: int
    started: str
    last_seen: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """auth/account.html."""

    name: str
    email: str
    role: str
    sessions: tuple[SessionLine, ...]
    done: str | None
    faults: Mapping[str, str]
    min_chars: int = MIN_CHARS

    @property
    def has_others(self) -> bool:
        return any(not line.is_current for line in self.sessions)


def account_page(
    user: UserView,
    listed: Sequence[SessionView],
    *,
    now: datetime,
    zone: str,
    done: str | None,
    faults: Mapping[str, str],
) -> AccountPage:
    """The page of one person; times in `zone`."""
    lines = tuple(
        SessionLine(
            id=view.id,
            started=fmt.moment(view.created_at, now, zone),
            last_seen=fmt.moment(view.last_seen_at, now, zone),
            is_current=view.is_current,
        )
        for view in listed
    )
    role = ROLE_WORDS.get(user.role, user.role)
    return AccountPage(user.name, user.email, role, lines, _DONE.get(done or ""), faults)
