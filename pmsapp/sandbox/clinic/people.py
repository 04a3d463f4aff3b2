"""The clinic's patients: all made up. Phones come from the numbers ACMA (and Ofcom) keep for fiction, mail is example.com.

Thirty or so are awkward on purpose, each in one way that breaks a careless reader; the rest are plain.
"""

from __future__ import annotations

import random
import re
from datetime import date, timedelta

from pmsapp.sandbox.clinic.model import Patient, Phone

PLAIN_PATIENTS = 220

# Mobile numbers reserved by the Australian regulator for books and films.
_MOBILES = (
    *("570006", "570156", "570157", "570158", "570159", "570110", "570313", "570737", "571266", "571491"),
    *("571804", "572549", "572665", "572983", "573770", "573087", "574118", "574632", "575254", "575789"),
    *("576398", "576801", "577426", "577644", "578957", "578148", "578888", "579212", "579760", "579455"),
)
_GIVEN = (
    *("Marigold", "Banjo", "Clementine", "Ned", "Tilly", "Angus", "Pearl", "Rufus", "Ivy", "Basil", "Opal"),
    *("Hugo", "Coral", "Jasper", "Wren", "Felix", "Olive", "Otto", "Hazel", "Miles", "Fern", "Ralph", "Nell"),
    *("Gus", "Daphne", "Cyril", "Mabel", "Percy", "Edith", "Stan", "Violet", "Walt", "Poppy", "Juno", "Ezra"),
)
_FAMILY = (
    *("Quoll", "Bandicoot", "Bilby", "Numbat", "Potoroo", "Pademelon", "Dunnart", "Wallaroo", "Lorikeet"),
    *("Currawong", "Kookaburra", "Galah", "Corella", "Jabiru", "Brolga", "Magpie", "Wattle", "Grevillea"),
    *("Waratah", "Bottlebrush", "Saltbush", "Mulga", "Coolibah", "Jarrah", "Karri", "Lillypilly", "Boronia"),
    *("Hakea", "Kurrajong", "Yabby", "Barramundi", "Wobbegong", "Dugong", "Echidna", "Goanna", "Bunyip"),
)


def to_e164(typed: str) -> str | None:
    """The E.164 form of a number as someone in Australia typed it, or None when it cannot be one."""
    if re.search(r"[^\d\s()+.-]", typed):
        return None  # words, two numbers, an extension: not one number
    international = typed.strip().startswith("+")
    digits = re.sub(r"\D", "", typed)
    if digits.startswith("0011"):
        international, digits = True, digits[4:]
    if international:
        digits = re.sub(r"^61\D*0", "61", digits)
        return f"+{digits}" if 8 <= len(digits) <= 15 else None
    if re.fullmatch(r"0[23478]\d{8}", digits):
        return f"+61{digits[1:]}"
    return None


def mobile(typed: str) -> Phone:
    """A mobile number as typed."""
    return Phone("mobile", typed, to_e164(typed))


def home(typed: str) -> Phone:
    """A home number as typed."""
    return Phone("home", typed, to_e164(typed))


def work(typed: str) -> Phone:
    """A work number as typed."""
    return Phone("work", typed, to_e164(typed))


# Strings no log, error, address or metric may ever hold: this patient exists to be searched for.
CANARY = Patient(
    "canary",
    1,
    "Zanthorrhoea",
    "Quillonetta",
    middle="Kestrelle",
    born_on=date(1957, 3, 19),
    gender="female",
    phones=(mobile("0491 578 888"),),
    email="quillonetta.canary@example.com",
    medicare="2428 77813 2",
)

AWKWARD: tuple[Patient, ...] = (
    CANARY,
    Patient(
        "diacritics",
        2,
        "Nguyễn",
        "Thị Ánh",
        middle="Hồng",
        born_on=date(1990, 1, 31),
        gender="female",
        phones=(mobile("+61 491 570 156"),),
        email="anh@example.com",
    ),
    Patient(
        "apostrophe",
        3,
        "O’Hallorán-D'Arcy",
        "Siân",
        title="Mrs",
        born_on=date(1961, 12, 1),
        phones=(mobile("0491 570 157"), home("(03) 5550 0123")),
    ),
    Patient("cjk", 4, "王", "小明", born_on=date(1988, 8, 8), gender="male", phones=(mobile("0491570158"),)),
    Patient(
        "one-name",
        5,
        "Suharto",
        one_name_only=True,
        born_on=date(1975, 6, 6),
        phones=(mobile("0491-570-159"),),
    ),
    Patient("null-given", 6, "Nullarbor", born_on=date(1949, 9, 9), phones=(home("08 7010 0144"),)),
    Patient(
        "preferred",
        7,
        "Bilby",
        "Alexandra",
        preferred="Lexi",
        title="Ms",
        born_on=date(1999, 4, 30),
        phones=(mobile("0491 570 110"),),
        email="lexi.bilby@example.com",
    ),
    Patient(
        "emoji",
        8,
        "Rainbow-Lorikeet",
        "Sunny 👩🏽‍⚕️",
        born_on=date(2001, 2, 3),
        phones=(mobile("0491 570 313"),),
    ),
    Patient(
        "rtl", 9, "שחף", "יעל", born_on=date(1982, 10, 10), gender="female", phones=(mobile("0491 570 737"),)
    ),
    Patient(
        "long",
        10,
        "Featherstonehaugh-Cholmondeley-Wolfeschlegelsteinhausen-Bergerdorff",
        "Maximiliana Bartholomea",
        born_on=date(1933, 7, 7),
        phones=(mobile("0491 571 266"),),
    ),
    Patient("twin-a", 11, "Numbat", "Alex", born_on=date(2012, 5, 5), phones=(mobile("0491 571 491"),)),
    Patient("twin-b", 12, "Numbat", "Alex", born_on=date(2012, 5, 5), phones=(mobile("0491 571 804"),)),
    Patient("twin-c", 13, "Numbat", "Alec", born_on=date(2012, 5, 5)),
    Patient("no-phone", 14, "Galah", "Mabel", born_on=date(1928, 11, 11), email="mabel@example.com"),
    Patient(
        "no-born", 15, "Mulga", "Clive", phones=(mobile("0491 572 549"),), email="clive+clinic@example.com"
    ),
    Patient("bare", 16, "Saltbush"),
    Patient(
        "landline", 17, "Currawong", "Edith", born_on=date(1940, 2, 29), phones=(home("(02) 5550 0199"),)
    ),
    Patient(
        "overseas",
        18,
        "Bærnstein-Þórsdóttir",
        "Ægir",
        born_on=date(1970, 1, 1),
        phones=(mobile("+44 20 7946 0123"),),
        email="aegir@example.com",
    ),
    Patient(
        "zero-in-code",
        19,
        "Wobbegong",
        "Hugo",
        born_on=date(1993, 3, 3),
        phones=(mobile("+61 (0)491 572 665"),),
    ),
    Patient(
        "not-a-number", 20, "Echidna", "Cyril", born_on=date(1936, 5, 14), phones=(home("ask daughter"),)
    ),
    Patient("short-number", 21, "Goanna", "Walt", born_on=date(1966, 6, 16), phones=(mobile("0491 57"),)),
    Patient(
        "two-mobiles",
        22,
        "Jabiru",
        "Wren",
        born_on=date(1986, 8, 26),
        phones=(mobile("0491 572 983"), mobile("0491 573 770"), work("03 7010 0177")),
    ),
    Patient(
        "decomposed",
        23,
        "Brolga",
        "Zoe\u0308",
        born_on=date(1997, 7, 17),
        gender="other",
        phones=(mobile("0491 573 087"),),
    ),
    Patient("padded", 24, "Hakea ", " Fern", born_on=date(1979, 9, 19), phones=(mobile(" 0491 574 118 "),)),
    Patient(
        "markup", 25, "<b>Tables</b>", "Robbie", born_on=date(2003, 3, 13), phones=(mobile("0491 574 632"),)
    ),
    Patient(
        "formula", 26, "=SUM(Wombat)", "Stan", born_on=date(1959, 9, 29), phones=(mobile("0491 575 254"),)
    ),
    Patient(
        "lower", 27, "van der kurrajong", "ned", born_on=date(1984, 12, 24), phones=(mobile("0491 575 789"),)
    ),
    Patient(
        "two-firsts",
        28,
        "Karri",
        "Mary Jane",
        middle="Opal",
        first_name_listed=False,
        born_on=date(1992, 2, 22),
        phones=(mobile("0491 576 398"),),
    ),
    Patient(
        "baby", 29, "Boronia", "Baby of Fern", born_on=date(2026, 11, 2), phones=(mobile("0491 574 118"),)
    ),
    Patient(
        "died",
        30,
        "Coolibah",
        "Percy",
        born_on=date(1931, 1, 11),
        died_on=date(2026, 10, 30),
        phones=(home("07 5550 0166"),),
    ),
)


def make_patients(seed: int) -> list[Patient]:
    """Every patient of the clinic with this seed: the awkward ones first, then the plain ones."""
    rng = random.Random(f"{seed}/people")
    numbers = range(len(AWKWARD) + 1, len(AWKWARD) + PLAIN_PATIENTS + 1)
    return [*AWKWARD, *(_plain(rng, number) for number in numbers)]


def _plain(rng: random.Random, number: int) -> Patient:
    given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
    digits = rng.choice(_MOBILES)
    typed = rng.choice((f"0491 {digits[:3]} {digits[3:]}", f"0491{digits}", f"+61491{digits}"))
    phones = [mobile(typed)] if rng.random() < 0.93 else []
    if not phones or rng.random() < 0.15:
        phones.append(home(f"0{rng.choice('2378')} 5550 0{rng.randrange(1000):03d}"))
    return Patient(
        f"patient-{number}",
        number,
        family,
        given,
        middle=rng.choice(_GIVEN) if rng.random() < 0.4 else None,
        preferred=rng.choice(("Nan", "Skip", "Bobby", "Red")) if rng.random() < 0.06 else None,
        title=rng.choice(("Mr", "Mrs", "Ms", "Miss", "Mx", None)),
        born_on=date(1930, 1, 1) + timedelta(days=rng.randrange(94 * 365)),
        gender=rng.choice(("female", "male", "other", None)),
        phones=tuple(phones),
        email=f"{given}.{family}{number}@example.com".lower() if rng.random() < 0.75 else None,
        medicare=f"2{rng.randrange(10**9):09d}" if rng.random() < 0.8 else None,
    )
