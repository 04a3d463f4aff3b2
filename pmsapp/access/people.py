"""Signing in and out, one's own account, files of the pages."""

from __future__ import annotations

from pmsapp.access.rules import PUBLIC, SIGNED_IN, Table

TABLE: Table = {
    "static": {"GET": PUBLIC},
    "auth.login": {"GET": PUBLIC},
    "auth.sign_in": {"POST": PUBLIC},
    "auth.setup": {"GET": PUBLIC},
    "auth.set_up": {"POST": PUBLIC},
    "auth.logout": {"POST": PUBLIC},
    "auth.standing": {"GET": PUBLIC},
    "auth.unlock": {"POST": PUBLIC},
    "auth.confirm": {"GET": SIGNED_IN},
    "auth.confirm_password": {"POST": SIGNED_IN},
    "auth.account": {"GET": SIGNED_IN},
    "auth.change_password": {"POST": SIGNED_IN},
    "auth.end_session": {"POST": SIGNED_IN},
    "auth.end_other_sessions": {"POST": SIGNED_IN},
}
