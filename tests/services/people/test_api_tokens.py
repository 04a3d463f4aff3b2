"""Keys of programs."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.people import api_tokens
from tests.support.clock import FrozenClock


def test_a_key_is_shown_once_and_only_its_hash_is_kept(app: Flask) -> None:
    made = api_tokens.create("Waiting room screen", "viewer", COMMAND_LINE)
    assert made.token.startswith("pms_")
    assert made.token.startswith(made.view.prefix)
    assert len(made.token) - len(made.view.prefix) > 40
    with reading() as session:
        assert made.token not in str(session.execute(text("SELECT * FROM api_tokens")).all())
    assert made.token not in repr(made)


def test_a_key_is_found_with_its_role(app: Flask) -> None:
    made = api_tokens.create("Status board", "status", COMMAND_LINE)
    found = api_tokens.find(made.token)
    assert found is not None
    assert (found.id, found.role) == (made.view.id, "status")


@pytest.mark.parametrize("wrong", ["", "pms_", "pms_00000000_nope", "Bearer", "pms_\x00", "💥"])
def test_a_wrong_key_is_not_found(app: Flask, wrong: str) -> None:
    api_tokens.create("Board", "status", COMMAND_LINE)
    assert api_tokens.find(wrong) is None


def test_a_key_expires(app: Flask, frozen_clock: FrozenClock) -> None:
    made = api_tokens.create("Short", "viewer", COMMAND_LINE, days=1)
    frozen_clock.advance(hours=23, minutes=59)
    assert api_tokens.find(made.token) is not None
    frozen_clock.advance(minutes=1)
    assert api_tokens.find(made.token) is None


def test_a_key_lasts_a_year_unless_told(app: Flask, frozen_clock: FrozenClock) -> None:
    made = api_tokens.create("Board", "viewer", COMMAND_LINE)
    assert made.view.expires_at is not None
    assert (made.view.expires_at - frozen_clock()).days == 365
    assert api_tokens.create("For ever", "viewer", COMMAND_LINE, days=None).view.expires_at is None


def test_a_revoked_key_is_useless_at_once(app: Flask) -> None:
    made = api_tokens.create("Board", "viewer", COMMAND_LINE)
    api_tokens.revoke(made.view.id, COMMAND_LINE)
    assert api_tokens.find(made.token) is None
    with pytest.raises(NotFound):
        api_tokens.revoke(made.view.id, COMMAND_LINE)
    with pytest.raises(NotFound):
        api_tokens.revoke(999, COMMAND_LINE)
    assert audit.list_events()[0].action == "api_token.revoked"


def test_all_keys_can_be_revoked_at_once(app: Flask) -> None:
    tokens = [api_tokens.create(f"Board {n}", "viewer", COMMAND_LINE).token for n in range(2)]
    assert api_tokens.revoke_all(COMMAND_LINE) == 2
    assert [api_tokens.find(token) for token in tokens] == [None, None]


def test_last_use_is_noted_at_most_once_a_minute(app: Flask, frozen_clock: FrozenClock) -> None:
    made = api_tokens.create("Board", "viewer", COMMAND_LINE)
    began = frozen_clock()
    api_tokens.find(made.token)
    frozen_clock.advance(seconds=59)
    api_tokens.find(made.token)
    assert api_tokens.list_tokens()[0].last_used_at == began
    frozen_clock.advance(seconds=1)
    api_tokens.find(made.token)
    assert api_tokens.list_tokens()[0].last_used_at == frozen_clock()


def test_a_bad_name_role_or_length_is_named(app: Flask) -> None:
    with pytest.raises(Invalid) as refusal:
        api_tokens.create("\n", "owner", COMMAND_LINE, days=0)
    assert set(refusal.value.errors) == {"name", "role", "days"}
    assert api_tokens.list_tokens() == []


def test_making_a_key_leaves_an_audit_row_without_the_key(app: Flask) -> None:
    made = api_tokens.create("Board", "viewer", COMMAND_LINE)
    event = audit.list_events()[0]
    assert (event.action, event.subject) == ("api_token.created", f"api_token:{made.view.id}")
    assert made.token not in str(event)


def test_the_shape_of_a_key_is_recognised_and_nothing_else() -> None:
    assert api_tokens.looks_like_token("pms_0123abcd_" + "a" * 43)
    assert not api_tokens.looks_like_token("pms_connections")
