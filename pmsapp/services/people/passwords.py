"""Which passwords are good enough, and how they are kept.

Length is what counts: 12 characters or more, any characters, compared byte for byte. Refused are leaked and common ones
and what is made of them (zxcvbn's lists of 30,000 leaked passwords, words, names and keyboard rows, without the network),
short pieces repeated, and the words anybody would try here first (the clinic, the product, the person).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from pmsapp.services.people.common_passwords import COMMON_WORDS, ROWS

MIN_CHARS = 12
MAX_CHARS = 256
_MIN_DISTINCT = 5
_MAX_PIECE = 4  # a password that is one piece of this length, repeated, is refused
_OWN_LETTERS = 8  # letters that must remain when well-known words are taken away
NONE_YET = "!"  # stored for somebody who was invited and has no password: no text matches it
_MIN_GUESSES_LOG10 = 9.0  # as many tries as an attacker's list needs to reach it, as a power of ten
_MIN_GUESSES_OF_WORDS_LOG10 = 8.0  # the same without the digits and signs behind it
_LOOKED_AT_CHARS = 64  # longer passwords are judged by their beginning; looking takes time
_PRODUCT_WORDS = (
    "pmsapp",
    "runsheet",
    "gentu",
    "magentus",
    "medirecords",
    "halaxy",
    "telehealth",
    "clinic",
    "reception",
)
_LOOKALIKES = str.maketrans("01345$@!7", "oleassait")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def fault(password: str, *, known_words: Iterable[str] = ()) -> str | None:
    """The sentence that says why `password` will not do, or None. `known_words`: the clinic's name, the person's."""
    if len(password) < MIN_CHARS:
        return f"Use at least {MIN_CHARS} characters. Three or four unrelated words work well."
    if len(password) > MAX_CHARS:
        return f"Use at most {MAX_CHARS} characters."
    if _is_monotonous(password) or _is_common(password):
        return "This password is too easy to guess. Three or four unrelated words work well."
    if _is_mostly(password, [*_PRODUCT_WORDS, *known_words]):
        return "This password leans on a name everybody here knows. Use unrelated words."
    if _is_guessable(password, [*_PRODUCT_WORDS, *known_words]):
        return "This password is on a list of leaked ones, or close to one. Three or four unrelated words work well."
    return None


def make_hash(password: str) -> str:
    """The Argon2id text to keep. Takes tens of milliseconds: never inside a transaction."""
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Compare exactly. None (nobody of that name) takes the same time and is never right."""
    try:
        return _HASHER.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_new_hash(stored: str) -> bool:
    """True when `stored` was made at another cost than today's."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")


def _is_monotonous(password: str) -> bool:
    plain = password.casefold()
    if len(set(plain)) < _MIN_DISTINCT:
        return True
    if any(plain == (plain[:n] * len(plain))[: len(plain)] for n in range(1, _MAX_PIECE + 1)):
        return True
    return any(plain in row or plain in row[::-1] for row in ROWS)


def _is_common(password: str) -> bool:
    """One or two common words, with or without digits and signs around them, also in look-alike spelling."""
    plain = password.casefold()
    spellings = {plain, plain.translate(_LOOKALIKES), plain.rstrip("0123456789!?.$@#").translate(_LOOKALIKES)}
    return any(_is_one_or_two(re.sub(r"[\W\d_]", "", spelling)) for spelling in spellings)


def _is_guessable(password: str, names: Iterable[str]) -> bool:
    """True when a list of leaked passwords, names and words leads to it soon; digits behind a word help little."""
    if sum(char.isascii() for char in password) * 2 < len(password):
        return False  # the lists are of Latin letters and take any other alphabet for a keyboard row
    own = [piece for name in names for piece in (name.casefold(), *_words(name)) if len(piece) >= 3]
    if _guesses_log10(password, own) < _MIN_GUESSES_LOG10:
        return True
    word = password.rstrip("0123456789!?.,$@#*+- ")
    return word != password and word.isalpha() and _guesses_log10(word, own) < _MIN_GUESSES_OF_WORDS_LOG10


def _guesses_log10(password: str, own: list[str]) -> float:
    from zxcvbn import zxcvbn  # its lists take half a second to load: only when a password is chosen

    return float(zxcvbn(password[:_LOOKED_AT_CHARS], user_inputs=own)["guesses_log10"])


def _is_one_or_two(letters: str) -> bool:
    if not letters or letters in COMMON_WORDS:
        return True
    return any(letters[:i] in COMMON_WORDS and letters[i:] in COMMON_WORDS for i in range(1, len(letters)))


def _is_mostly(password: str, names: Iterable[str]) -> bool:
    """True when little is left once the names and their longer words are taken out."""
    letters = re.sub(r"[\W\d_]", "", password.casefold())
    pieces = {re.sub(r"[\W\d_]", "", part) for name in names for part in (name.casefold(), *_words(name))}
    rest = letters
    for piece in sorted((p for p in pieces if len(p) >= 4), key=len, reverse=True):
        rest = rest.replace(piece, "")
    return rest != letters and (len(rest) < _OWN_LETTERS or _is_one_or_two(rest))


def _words(name: str) -> list[str]:
    return re.split(r"[\W_]+", name.casefold())
