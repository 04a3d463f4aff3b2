"""Signing in and out, one's own account, files of the pages."""

from __future__ import annotations

from pmsapp.access.rules import PUBLIC, SIGNED_IN, SIGNED_IN_FRESH, UNFINISHED, UNFINISHED_FRESH, Table

TABLE: Table = {
    "static": {"GET": PUBLIC},
    "auth.login": {"GET": PUBLIC},
    "auth.give_password": {"POST": PUBLIC},
    "auth.setup": {"GET": PUBLIC},
    "auth.set_up": {"POST": PUBLIC},
    "auth.logout": {"POST": PUBLIC},
    "auth.standing": {"GET": PUBLIC},
    "auth.unlock": {"POST": PUBLIC},
    "auth.confirm": {"GET": UNFINISHED},
    "auth.confirm_password": {"POST": UNFINISHED},
    "auth.code": {"GET": PUBLIC},
    "auth.give_code": {"POST": PUBLIC},
    "links.choose": {"GET": PUBLIC},
    "links.choose_password": {"POST": PUBLIC},
    "links.own_password": {"GET": UNFINISHED_FRESH},
    "links.choose_own_password": {"POST": UNFINISHED_FRESH},
    "second_factor.show": {"GET": UNFINISHED_FRESH},
    "second_factor.enable": {"POST": UNFINISHED_FRESH},
    "second_factor.renew_codes": {"POST": SIGNED_IN_FRESH},
    "second_factor.take_away": {"POST": SIGNED_IN_FRESH},
    "auth.forget_browser": {"POST": SIGNED_IN},
    "auth.account": {"GET": SIGNED_IN},
    "auth.change_password": {"POST": SIGNED_IN},
    "auth.switch_shortcuts": {"POST": SIGNED_IN},
    "auth.end_session": {"POST": SIGNED_IN},
    "auth.end_other_sessions": {"POST": SIGNED_IN},
}
