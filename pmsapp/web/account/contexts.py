"""What the sign-in and account templates are given: one dataclass per template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from markupsafe import Markup

from pmsapp.services.people.known_browsers import BrowserView
from pmsapp.services.people.login_throttle import TooManyTries
from pmsapp.services.people.passwords import MIN_CHARS
from pmsapp.services.people.second_factor import Status
from pmsapp.services.people.sessions import SessionView
from pmsapp.services.people.users import UserView
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.labels import ROLE_WORDS

_DONE = {
    "password": "Your password is changed. Every other browser is signed out.",
    "session": "Signed out there.",
    "browser": "That browser is forgotten.",
    "keys": "Your choice of keys is kept.",
}
SIGN_IN_DONE = {
    "out": "You are signed out.",
    "password": "Your password is set. Sign in with it.",
}


def wait_sentence(error: TooManyTries) -> str:
    """What to tell somebody who has to wait."""
    wait = f"{error.retry_after_s} s" if error.retry_after_s < 60 else f"{-(-error.retry_after_s // 60)} min"
    return f"{error.message} Try again in {wait}; the account stays open."


@dataclass(frozen=True, slots=True)
class LoginPage:
    """auth/login.html. `fault` is the sentence about the last try."""

    next: str
    email: str = ""
    fault: str | None = None
    is_set_up: bool = True
    done: str | None = None
    needs_tls: bool = False

    def saying(self, fault: str) -> LoginPage:
        return replace(self, fault=fault)

    def in_place(self, is_set_up: bool, needs_tls: bool) -> LoginPage:
        return replace(self, is_set_up=is_set_up, needs_tls=needs_tls)


@dataclass(frozen=True, slots=True)
class CodePage:
    """auth/code.html. Which person it is about is not told."""

    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """auth/choose.html. `is_forced`: somebody else chose the password in use."""

    email: str
    name: str
    action: str
    next: str | None = None
    is_forced: bool = False
    faults: Mapping[str, str] = field(default_factory=dict)
    min_chars: int = MIN_CHARS


@dataclass(frozen=True, slots=True)
class SecondFactorPage:
    """auth/second_factor.html. `since` None: none is set up, and `secret` and `picture` are to be given to the app."""

    required: bool
    is_training: bool
    since: str | None
    recovery_left: int
    next: str
    faults: Mapping[str, str]
    secret: str = ""
    picture: Markup = field(default_factory=Markup)

    def with_secret(self, secret: str, picture: Markup) -> SecondFactorPage:
        groups = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
        return replace(self, secret=groups, picture=picture)


@dataclass(frozen=True, slots=True)
class RecoveryCodesPage:
    """auth/recovery_codes.html: shown this once."""

    codes: tuple[str, ...]
    next: str


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
    browser: str


@dataclass(frozen=True, slots=True)
class BrowserLine:
    """A browser that is known again, every text ready to print."""

    id: int
    browser: str
    first: str
    last: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """auth/account.html."""

    name: str
    email: str
    role: str
    sessions: tuple[SessionLine, ...]
    browsers: tuple[BrowserLine, ...]
    second_factor: str
    has_second_factor: bool
    done: str | None
    faults: Mapping[str, str]
    min_chars: int = MIN_CHARS

    @property
    def has_others(self) -> bool:
        return any(not line.is_current for line in self.sessions)


def account_page(
    user: UserView,
    listed: Sequence[SessionView],
    known: Sequence[BrowserView],
    standing: Status,
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
            browser=view.browser or "A browser",
        )
        for view in listed
    )
    browsers = tuple(
        BrowserLine(
            id=view.id,
            browser=view.browser or "A browser",
            first=fmt.moment(view.created_at, now, zone),
            last=fmt.moment(view.last_used_at, now, zone),
            is_this=view.is_this,
        )
        for view in known
    )
    role = ROLE_WORDS.get(user.role, user.role)
    return AccountPage(
        user.name,
        user.email,
        role,
        lines,
        browsers,
        _second_factor_sentence(standing),
        standing.enabled_at is not None,
        _DONE.get(done or ""),
        faults,
    )


def _second_factor_sentence(standing: Status) -> str:
    if standing.enabled_at is not None:
        left = standing.recovery_left
        return f"On. {left} recovery code{'' if left == 1 else 's'} left."
    if standing.is_training:
        return "Off. A training clinic asks nobody for one."
    return "Off. A code of your phone beside the password keeps others out, even those who know the password."
