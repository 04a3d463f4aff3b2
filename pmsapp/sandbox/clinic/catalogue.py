"""The clinic's sites, practitioners and appointment types: the parts that are the same in every clinic."""

from __future__ import annotations

from typing import Any

from pmsapp.sandbox.clinic.model import AppointmentType, Practitioner, Site

SITES = (Site("main", 1, "Banksia Street Rooms"), Site("north", 2, "Banksia North Rooms"))

# Long enough, and varied enough, that a reader who stops at the first page or trusts a name is found out.
PRACTITIONERS = (
    Practitioner(
        "odwyer",
        1,
        "O'Dwyer-Banks",
        "Saoirse",
        "Dr",
        email="s.odwyer-banks@example.com",
        phone="03 7010 0101",
    ),
    Practitioner(
        "wojcik", 2, "Wójcik", "Tomasz", "Dr", site_keys=("main", "north"), email="t.wojcik@example.com"
    ),
    Practitioner("lee-hana", 3, "Lee", "Hana", "Ms", email="hana.lee@example.com"),
    Practitioner("wulandari", 4, "Wulandari"),
    Practitioner("lee-kim", 5, "Lee", "Kim", "Dr", site_keys=("north",), email="kim.lee@example.com"),
    Practitioner("fitzgerald", 6, "Fitzgerald-Quick", "Edmund", "A/Prof", shown_in_book=False),
    Practitioner("raman", 7, "Raman", "Priya", "Dr", active=False, shown_in_book=False),
    Practitioner("frontdesk", 8, "Paperbark", "Jo", "Mx", shown_in_book=False, administrator=True),
)


def _visit(key: str, number: int, name: str, duration_min: int | None, **more: Any) -> AppointmentType:
    return AppointmentType(key, number, name, duration_min, **more)


def _remote(key: str, number: int, name: str, duration_min: int, mode: str, **more: Any) -> AppointmentType:
    options: dict[str, Any] = {"telehealth": True, "named": True, "mode": mode, "colour": "#3b82f6"}
    return _visit(key, number, name, duration_min, **(options | more))


TYPES = (
    _visit("standard", 1, "Standard consult", 15, bookable_online=True),
    _visit("long", 2, "Long consult", 30, bookable_online=True),
    _visit("new", 3, "New patient", 45, colour=None),
    _visit("review", 4, "Review", 15),
    _visit("procedure", 5, "Procedure", 60, colour="#b91c1c"),
    _visit("skin", 6, "Skin check", 30),
    _visit("immunise", 7, "Immunisation", 10),
    _visit("plan", 8, "Care plan", 40),
    _visit("dressing", 9, "Dressing", 15),
    _visit("bloods", 10, "Blood test", 10),
    _visit("medical", 11, "Pre-employment medical", 60),
    _visit("home", 12, "Home visit", 60, mode="home"),
    _visit("minor", 13, "Minor surgery", 90),
    _visit("conference", 14, "Case conference", 240, mode="organization"),
    # The word "video" hides in a visit that happens in the rooms.
    _visit("swallow", 15, "Videofluoroscopy (in rooms)", 45),
    _visit("spirometry", 16, "Spirometry", None),
    _visit("walk-in", 17, "Walk-in", 15),
    _visit("dietitian", 18, "Dietitian: first visit", 60),
    _visit("archived-visit", 19, "Old long consult (do not use)", 30, active=False),
    _remote("telehealth", 20, "Telehealth consult", 20, "telehealth", bookable_online=True),
    _remote("telehealth-new", 21, "Telehealth - new patient", 40, "telehealth"),
    _remote("video-long", 22, "Video - long", 40, "online"),
    _remote("video", 23, "Video – standard", 20, "online", colour=None),
    _remote("phone", 24, "Phone review", 10, "phone"),
    _remote("telephone", 25, "Telephone: script request", 5, "phone"),
    _remote("group", 26, "Virtual group session", 60, "online"),
    _remote("after-hours", 27, "AFTER HOURS PHONE", 15, "phone"),
    _remote("online-mh", 28, "Mental health plan (online)", 40, "telehealth"),
    # Telehealth by its flag alone: the name does not say so.
    _remote("outreach", 29, "Regional outreach", 30, "telehealth", named=False, colour="#0f766e"),
    _remote("archived-tele", 30, "COVID telehealth (2020)", 15, "telehealth", active=False),
)

# The types each practitioner uses in the rooms and at a distance, and the share of the latter.
HABITS: dict[str, tuple[tuple[str, ...], tuple[str, ...], float]] = {
    "odwyer": (
        ("standard", "standard", "long", "review", "immunise", "skin", "plan"),
        ("telehealth", "phone"),
        0.28,
    ),
    "wojcik": (
        ("standard", "long", "review", "procedure", "swallow", "bloods"),
        ("telehealth", "video"),
        0.3,
    ),
    "lee-hana": (("new", "long"), ("video", "video-long", "online-mh", "telehealth-new"), 0.85),
    "wulandari": (("dietitian", "review", "spirometry"), ("telehealth", "outreach", "phone"), 0.4),
    "lee-kim": (("standard", "dressing", "walk-in", "medical", "home"), ("telephone", "telehealth"), 0.22),
}
