"""Small readers for Halaxy's FHIR JSON: references, extensions, outcomes, bundles. Nothing here crosses the network.

Halaxy's ids repeat between kinds (Practitioner/PR-1 and PractitionerRole/PR-1 are different people), so a
reference is always a kind and an id together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pmsapp.adapters.parsing.text import clean_id

MAX_ID_LENGTH = 64


class Ref(NamedTuple):
    """What a reference points to: the kind ("Patient") and the id as a string."""

    kind: str
    id: str


def parse_ref(value: object) -> Ref | None:
    """A reference in any of Halaxy's spellings: absolute address, "/main/Patient/1" or "Patient/1"; None if unreadable."""
    if not isinstance(value, dict):
        return None
    path, kind = value.get("reference"), value.get("type")
    if not isinstance(path, str):
        return None
    parts = [part for part in path.split("?")[0].split("/") if part]
    external_id = _bounded_id(parts[-1]) if parts else None
    if external_id is None:
        return None
    if not isinstance(kind, str) or not kind:
        if len(parts) < 2:
            return None
        kind = parts[-2]
    return Ref(kind, external_id)


def id_of(resource: Mapping[str, Any]) -> str | None:
    """The resource's id as text; a number is taken as its digits. None when missing or absurd."""
    return _bounded_id(resource.get("id"))


def _bounded_id(value: object) -> str | None:
    found = clean_id(value)
    return found if found is not None and len(found) <= MAX_ID_LENGTH else None


def resources(bundle: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """The bundle's resources of one kind. Entries of another kind, or without a resource, are passed over."""
    for entry in entries(bundle):
        resource = entry.get("resource")
        if isinstance(resource, dict) and resource.get("resourceType") == kind:
            yield resource


def is_unreadable_match(entry: Mapping[str, Any]) -> bool:
    """True for an entry that should be a row and is not even a resource with a kind: it must not vanish quietly."""
    search, resource = entry.get("search"), entry.get("resource")
    mode = search.get("mode") if isinstance(search, dict) else None
    if mode in ("include", "outcome"):
        return False
    return not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str)


def entries(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The bundle's entries, {} for one that is no object; empty when there are none (Halaxy then leaves the key out)."""
    found = bundle.get("entry")
    return [entry if isinstance(entry, dict) else {} for entry in found] if isinstance(found, list) else []


def link(bundle: Mapping[str, Any], relation: str) -> str | None:
    """The address of one paging link, or None."""
    for item in items(bundle.get("link")):
        if item.get("relation") == relation and isinstance(item.get("url"), str):
            return str(item["url"])
    return None


def items(value: object) -> list[dict[str, Any]]:
    """The dictionaries of a list that should hold dictionaries; nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def extension(
    element: Mapping[str, Any], ending: str, keys: tuple[str, ...] = ("extension",)
) -> dict[str, Any] | None:
    """The extension whose `url` (or `name`) ends with `ending`; Halaxy's full addresses are not all known."""
    for key in keys:
        for item in items(element.get(key)):
            mark = item.get("url") or item.get("name")
            if isinstance(mark, str) and mark.rstrip("/").endswith(ending):
                return item
    return None


def plain_value(item: Mapping[str, Any]) -> str | None:
    """The one word an extension carries: valueCode, valueString, valueUri, valueCoding or valueCodeableConcept."""
    for key in ("valueCode", "valueString", "valueUri", "code", "value"):
        if isinstance(item.get(key), str) and item[key].strip():
            return str(item[key]).strip()
    coding = item.get("valueCoding")
    if not isinstance(coding, dict):
        concept = item.get("valueCodeableConcept")
        coding = next(iter(items(concept.get("coding"))), None) if isinstance(concept, dict) else None
    if isinstance(coding, dict):
        value = coding.get("code") or coding.get("display")
        return value.strip() if isinstance(value, str) and value.strip() else None
    return None


def outcome_errors(body: object) -> list[dict[str, Any]]:
    """The error issues of an OperationOutcome, whether it is the whole body or an entry of a bundle."""
    if not isinstance(body, dict):
        return []
    outcomes = (
        [body] if body.get("resourceType") == "OperationOutcome" else resources(body, "OperationOutcome")
    )
    return [
        issue
        for outcome in outcomes
        for issue in items(outcome.get("issue"))
        if issue.get("severity") in ("error", "fatal")
    ]


def fold(word: str) -> str:
    """Lower case without spaces, hyphens, underscores: "Did not attend", "did-not-attend" become one word."""
    return "".join(char for char in word.casefold() if char not in " -_\t")
