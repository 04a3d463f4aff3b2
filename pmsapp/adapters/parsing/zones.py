"""A first guess at a practice's time zone from its Australian address, for vendors that name none.

The state decides, but for the few places that keep another clock than their state. It stays a guess: the
connection's own zone, once set, always wins.
"""

from __future__ import annotations

from dataclasses import dataclass

_ZONE_OF_STATE = {
    "NSW": "Australia/Sydney",
    "ACT": "Australia/Sydney",
    "VIC": "Australia/Melbourne",
    "TAS": "Australia/Hobart",
    "QLD": "Australia/Brisbane",
    "SA": "Australia/Adelaide",
    "NT": "Australia/Darwin",
    "WA": "Australia/Perth",
}
_STATE_NAMES = {
    "NEW SOUTH WALES": "NSW",
    "AUSTRALIAN CAPITAL TERRITORY": "ACT",
    "VICTORIA": "VIC",
    "TASMANIA": "TAS",
    "QUEENSLAND": "QLD",
    "SOUTH AUSTRALIA": "SA",
    "NORTHERN TERRITORY": "NT",
    "WESTERN AUSTRALIA": "WA",
}
_OWN_CLOCK_POSTCODES = {
    "2880": "Australia/Broken_Hill",
    "2898": "Australia/Lord_Howe",
    "2899": "Pacific/Norfolk",
    "6443": "Australia/Eucla",
    "6798": "Indian/Christmas",
    "6799": "Indian/Cocos",
}
_OWN_CLOCK_PLACES = {
    "BROKEN HILL": "Australia/Broken_Hill",
    "SILVERTON": "Australia/Broken_Hill",
    "LORD HOWE ISLAND": "Australia/Lord_Howe",
    "NORFOLK ISLAND": "Pacific/Norfolk",
    "EUCLA": "Australia/Eucla",
    "CHRISTMAS ISLAND": "Indian/Christmas",
    "COCOS (KEELING) ISLANDS": "Indian/Cocos",
}


@dataclass(frozen=True, slots=True)
class ZoneGuess:
    """The zone an address suggests, and a sentence when a person should check it."""

    time_zone: str | None
    warning: str | None = None


def guess_zone(state: str | None, postcode: str | None = None, city: str | None = None) -> ZoneGuess:
    """The zone of an Australian address. `time_zone` None when the state says nothing."""
    own_clock = _OWN_CLOCK_POSTCODES.get((postcode or "").strip())
    own_clock = own_clock or _OWN_CLOCK_PLACES.get((city or "").strip().upper())
    if own_clock:
        return ZoneGuess(
            own_clock, f"This place keeps its own clock ({own_clock}). Please check the time zone."
        )
    key = (state or "").strip().upper()
    zone = _ZONE_OF_STATE.get(_STATE_NAMES.get(key, key))
    if zone is None:
        return ZoneGuess(None, "The practice's address does not tell its time zone. Please choose it.")
    return ZoneGuess(zone)
