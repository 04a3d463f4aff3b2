"""The forms of signing in and of one's own account. Nothing is trimmed: a password is what was typed."""

from __future__ import annotations

from typing import Literal

from pmsapp.web.ui.forms import Form, SecretForm


class SignInForm(SecretForm):
    """Who wants in."""

    email: str = ""
    password: str = ""


class CodeForm(SecretForm):
    """A code of the second factor."""

    code: str = ""


class UnlockForm(CodeForm):
    """Whose page is locked, and how they prove it."""

    user: str = ""
    password: str = ""


class SetupForm(CodeForm):
    """The first administrator, with the one-time code."""

    email: str = ""
    name: str = ""
    password: str = ""


class PasswordForm(SecretForm):
    """One password: the one there is, or the one that is chosen."""

    password: str = ""


class ShortcutsForm(Form):
    """Whether the keys of the run sheet work."""

    on: Literal["1", "0", ""] = ""


class OwnPasswordForm(SecretForm):
    """One's own password, and the one to have instead."""

    current_password: str = ""
    new_password: str = ""
