"""Which passwords are good enough."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from pmsapp.services.people import passwords
from tests.support import speed

CLINIC = ["Harbour Street Clinic", "mel", "Mel Tran"]


@pytest.mark.parametrize(
    "good",
    [
        "purple trains eat moss",
        "x9-Kq#vL2m!tR",
        "twelve chars",
        "correct horse battery staple",
        "ends with a space ",
        "🚂🌿🐌🪨🎺🧦 at dusk",
        "пароль из слов",
        "a" * 5 + "".join(chr(0x4E00 + n) for n in range(59)),
        "my dog halaxy chases frogs",
        "harbour full of tin boats",
    ],
)
def test_long_and_unlikely_is_good_enough(good: str) -> None:
    assert passwords.fault(good, known_words=CLINIC) is None


@pytest.mark.parametrize("short", ["", "eleven char", "x9-Kq#vL2m!", "Pa$$w0rd"])
def test_under_twelve_characters_is_refused(short: str) -> None:
    assert len(short) < 12
    assert "12 characters" in (passwords.fault(short) or "")


@pytest.mark.parametrize(
    "common",
    [
        "password1234",
        "password123456",
        "Password!!!!!!",
        "P@ssw0rd2026!",
        "passwordpassword",
        "Welcome to 2026",
        "letmein12345",
        "qwertyuiop123",
        "1qaz2wsx3edc",
        "123456789012",
        "210987654321",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "121212121212",
        "sunshine 2026",
        "administrator1",
        "iloveyou!!!!",
        "            ",
    ],
)
def test_common_passwords_are_refused(common: str) -> None:
    assert len(common) >= 12
    assert passwords.fault(common) is not None


@pytest.mark.parametrize(
    "everyday",
    [
        "Sunshine2024!!",
        "Manchester123",
        "abc123abc123",
        "Elizabeth1952",
        "trustno1trust",
        "arsenal14arsenal",
        "Victoria3000!",
        "samantha1987!",
        "newzealand123",
        "19011985sarah",
        "Westgate2026!",
        "Jessica19851985",
        "Collingwood1!",
        "StarWars1977!",
        "pokemon151151",
        "0403555123456",
        "1q2w3e4r5t6y",
        "Brisbane4000!",
        "basketball23!",
        "michael19801",
    ],
)
def test_everyday_passwords_are_refused(everyday: str) -> None:
    assert len(everyday) >= 12
    assert passwords.fault(everyday) is not None


@pytest.mark.parametrize(
    "name",
    [
        "Harbour Street Clinic",
        "harbourstreetclinic",
        "HarbourStreet2026!",
        "pmsapp-2026-pmsapp",
        "Halaxy password",
        "run sheet run sheet",
        "medirecords12",
        "Mel Tran 1984!!",
    ],
)
def test_the_clinic_the_product_and_the_person_are_refused(name: str) -> None:
    assert passwords.fault(name, known_words=CLINIC) is not None


def test_sixty_four_characters_and_more_are_welcome() -> None:
    assert passwords.fault("purple trains eat moss " * 3) is None
    assert passwords.fault("x9-Kq#vL2m!t" * 30) is not None


def test_a_password_is_compared_byte_for_byte() -> None:
    stored = passwords.make_hash("purple trains ")
    assert passwords.matches(stored, "purple trains ")
    for near in ("purple trains", "Purple trains ", " purple trains ", "purple trains  "):
        assert not passwords.matches(stored, near)
    composed, decomposed = "caf\u00e9 under the moon", "cafe\u0301 under the moon"
    assert not passwords.matches(passwords.make_hash(composed), decomposed)


def test_the_hash_is_argon2id_at_the_documented_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", speed.DOCUMENTED_COST)
    parameters = extract_parameters(passwords.make_hash("purple trains eat moss"))
    assert parameters.type.name == "ID"
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19 * 1024, 2, 1)
    assert parameters.salt_len >= 16


def test_a_hash_of_another_cost_is_noticed() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("purple trains eat moss")
    assert passwords.needs_new_hash(weak)
    assert passwords.matches(weak, "purple trains eat moss")
    assert not passwords.needs_new_hash(passwords.make_hash("purple trains eat moss"))


def test_nobody_has_no_password() -> None:
    assert not passwords.matches(None, "nobody has this password")
    assert not passwords.matches("not a hash", "anything at all")
