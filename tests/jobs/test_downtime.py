"""The downtime copy: when one is made, that it holds nothing in clear, and who may read it."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.jobs import downtime as job
from pmsapp.models import DowntimePassphrase, SyncRun
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import downtime, key_rotation
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import EMAIL, PHONE, Texts, seed

PASSPHRASE = "seven grey horses swim"


@pytest.fixture(autouse=True)
def texts(app: Flask, frozen_clock: FrozenClock) -> Texts:
    return seed()


def open_file(path: Path, passphrase: str = PASSPHRASE) -> str:
    """What the page's script does, done here."""
    text = path.read_text(encoding="utf-8")
    tag = re.search(
        r'id="sealed" data-rounds="(\d+)" data-salt="([^"]+)" data-nonce="([^"]+)">([^<]+)<', text
    )
    assert tag
    rounds, salt, nonce, box = tag.groups()
    assert int(rounds) >= 600_000
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(salt), int(rounds), 32)
    return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(box), None).decode()


def finish_a_run() -> None:
    """A run that read something ends now."""
    with writing() as session:
        run = session.get_one(SyncRun, 1)
        run.completed_at, run.dry_run = clock.now(), False


def test_without_a_passphrase_there_is_no_copy() -> None:
    assert job.make_if_due() == "no passphrase is set"
    with pytest.raises(Conflict, match="passphrase"):
        job.make()
    assert downtime.standing().copies == ()


def test_a_copy_is_made_after_every_good_run_and_two_are_kept(frozen_clock: FrozenClock) -> None:
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    made = []
    for _ in range(3):
        frozen_clock.advance(minutes=15)
        finish_a_run()
        job.make_if_due()
        newest = downtime.standing().latest
        assert newest
        assert newest.made_at == frozen_clock()
        made.append(newest.path)
        frozen_clock.advance(minutes=1)
        job.make_if_due()
        assert downtime.standing().latest == newest, "nothing was read since"
    assert [copy.path for copy in downtime.standing().copies] == [made[2], made[1]]
    assert sorted(path.name for path in made[0].parent.iterdir()) == sorted(path.name for path in made[1:])


def test_a_new_passphrase_makes_a_new_copy_and_only_it_opens_that(frozen_clock: FrozenClock) -> None:
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    first = job.make().path
    frozen_clock.advance(minutes=1)
    downtime.set_passphrase("nine blue kettles sing", COMMAND_LINE)
    frozen_clock.advance(minutes=1)
    job.make_if_due()
    second = downtime.standing().latest
    assert second
    assert second.path != first
    assert open_file(first)
    with pytest.raises(InvalidTag):
        open_file(second.path)
    assert open_file(second.path, "nine blue kettles sing")


def test_nobody_is_in_the_file_in_clear_and_everybody_is_once_it_is_opened(texts: Texts) -> None:
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    made = job.make()
    outside, inside = made.path.read_text(encoding="utf-8"), open_file(made.path)
    for secret in (
        *texts.own.split(),
        *texts.other.split(),
        PHONE,
        EMAIL,
        "491 570 006",
        texts.vendor,
        PASSPHRASE,
    ):
        assert secret not in outside, "something is in clear"
    assert base64.b64encode(texts.own.encode()).decode()[:12] not in outside
    for name in (texts.own, texts.other):
        assert name.split()[-1] in inside
    assert "Monday 23 November 2026" in inside
    assert "Tuesday 24 November 2026" in inside
    assert "Downtime copy made Mon 23 Nov 2026 09:00" in inside
    assert PASSPHRASE not in inside


def test_the_file_and_its_folder_are_this_users_alone() -> None:
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    made = job.make()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert not list(made.path.parent.glob("*.new"))


def test_the_passphrase_is_sealed_audited_without_its_words_and_rotated_with_the_rest() -> None:
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    with reading() as session:
        row = session.scalar(select(DowntimePassphrase))
        assert row is not None
        assert PASSPHRASE not in row.passphrase_sealed
    events = [event for event in audit.list_events() if event.action == "downtime.passphrase_set"]
    assert len(events) == 1
    assert PASSPHRASE not in str(events)
    assert any(column.column.class_ is DowntimePassphrase for column in key_rotation.SEALED)
    assert key_rotation.unreadable() == 0


@pytest.mark.parametrize("text", ["short", "aaaaaaaaaaaaaa", "password1234"])
def test_a_passphrase_that_is_easily_guessed_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        downtime.set_passphrase(text, COMMAND_LINE)
    assert list(refused.value.errors) == ["passphrase"]
    assert downtime.standing().set_at is None


def test_forgetting_takes_passphrase_and_copies_away() -> None:
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    made = job.make()
    downtime.forget(COMMAND_LINE)
    assert not made.path.exists()
    assert downtime.standing().set_at is None
