"""Where a Halaxy appointment takes place, read from whatever place Halaxy puts it in.

The vendor documents `location-type` for booking only; nobody has published how it reads back. So every spot it
could sensibly stand in is looked at, matched on the end of its address. Where it stands nowhere, the name of the
appointment type may still tell; where that does not either, "not said" stays None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pmsapp.adapters.halaxy.fhir import extension, fold, items, plain_value

_BOTH = ("extension", "modifierExtension")
_TELEHEALTH = {
    "telehealth": True,
    "online": True,
    "phone": True,
    "video": True,
    "clinic": False,
    "organization": False,
    "organisation": False,
    "home": False,
}
_NAME_WORDS = re.compile(
    r"(?<!\w)(?<!non-)(?<!non )(?<!not )(?<!no )"
    r"(tele-?health|tele-?medicine|telephone|video|video-?calls?|online|phone|zoom|coviu|virtual|remote)(?!\w)",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"[^/#|:\s]+$")


@lru_cache(maxsize=1024)
def is_named_telehealth(type_name: str) -> bool:
    """True when a whole word of the appointment type's name says video, phone or online."""
    return _NAME_WORDS.search(type_name) is not None


def telehealth_evidence(appointment: Mapping[str, Any], participant: Mapping[str, Any] | None) -> bool | None:
    """True for video or phone, False for in person, None when Halaxy does not say.

    `participant` is the patient this is asked for; another patient's mode says nothing about this one.
    """
    supporting = items(appointment.get("supportingInformation"))
    spots = ([participant] if participant else []) + [appointment, *supporting]
    for spot in spots:
        found = extension(spot, "location-type", _BOTH)
        if found is not None:
            return _TELEHEALTH.get(fold(plain_value(found) or ""))
    for item in supporting:
        said = _said_by_item(item)
        if said is not None:
            return said
    return _said_by_practitioner(appointment)


def _said_by_item(item: Mapping[str, Any]) -> bool | None:
    """An item that is itself the mark: by its url or name, or by a type or reference that ends in a known word."""
    mark = item.get("url") or item.get("name")
    if isinstance(mark, str) and mark.endswith("location-type"):
        return _TELEHEALTH.get(fold(plain_value(item) or ""))
    if item.get("type") == "HealthcareService" or "HealthcareService/" in str(item.get("reference", "")):
        return None  # a reference to the type, whatever its id or label ends in
    for key in ("type", "reference", "display"):
        value = item.get(key)
        last = _LAST_WORD.search(value.strip()) if isinstance(value, str) else None
        if last and fold(last[0]) in _TELEHEALTH:
            return _TELEHEALTH[fold(last[0])]
    return None


def _said_by_practitioner(appointment: Mapping[str, Any]) -> bool | None:
    for participant in items(appointment.get("participant")):
        actor = participant.get("actor")
        if isinstance(actor, dict) and "Practitioner" in f"{actor.get('type')}{actor.get('reference')}":
            found = extension(participant, "location-type", _BOTH)
            if found is not None:
                return _TELEHEALTH.get(fold(plain_value(found) or ""))
    return None
