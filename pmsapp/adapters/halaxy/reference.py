"""What hardly changes at a Halaxy practice: roles, practitioners, clinics, appointment types; read rarely, kept for hours.

An appointment names a role (one person at one clinic); a column of the run sheet is a person. Two roles of one
person lead to one practitioner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.halaxy.fhir import resources
from pmsapp.adapters.halaxy.people import parse_practitioner
from pmsapp.adapters.halaxy.search import SearchParams, search
from pmsapp.adapters.halaxy.wire import Role, Tables, parse_role, parse_type
from pmsapp.adapters.reference_cache import ReferenceCache
from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.domain.errors import BadVendorDataError, ReconnectRequiredError

LASTS = timedelta(hours=3)
# Ids in one look-up, so that the address stays short.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Staff:
    """Roles by id and the practitioners they lead to, by id."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    practitioners: Mapping[str, Practitioner] = field(default_factory=dict)


class Reference:
    """Reads reference data of one connection and keeps it in the cache that `cache` gives. Safe for many threads."""

    def __init__(self, client: HTTPClient, cache: Callable[[], ReferenceCache]) -> None:
        self._client = client
        self._cache = cache
        self.types_refused = False

    def tables(self) -> Tables:
        """Roles and types as remembered, read first where they are missing or hours old.

        A key that may not read types gives none of them (`types_refused`); appointments then have no type names.
        """
        return Tables(self._roles(), self._types())

    def _roles(self) -> Mapping[str, Role]:
        kept = self._cache().get("roles", LASTS)
        return (
            self.read_staff().roles
            if kept is None
            else {record["external_id"]: Role(**record) for record in kept}
        )

    def _types(self) -> Mapping[str, AppointmentType]:
        kept = self._cache().get("types", LASTS)
        return (
            self.try_types()
            if kept is None
            else {record["external_id"]: AppointmentType(**record) for record in kept}
        )

    def try_types(self) -> Mapping[str, AppointmentType]:
        """Every appointment type, or none where the key may not read them."""
        if self.types_refused:
            return {}
        try:
            return self.read_types()
        except (ReconnectRequiredError, BadVendorDataError) as error:
            # The same token reads the rest; where it does not, the next call for appointments says so.
            if error.code not in ("AUTH-SCOPE", "AUTH-EXPIRED", "PMS-REFUSED"):
                raise
            self.types_refused = True
            return {}

    def read_staff(self) -> Staff:
        """Every staff role and the practitioners they name, read now."""
        staff = self._complete(self._search_roles({}))
        self._keep_roles(staff.roles)
        return staff

    def read_types(self) -> dict[str, AppointmentType]:
        """Every appointment type, archived ones too, read now."""
        found: dict[str, AppointmentType] = {}
        for resource in self._search("HealthcareService", {}, "HealthcareService"):
            parsed = parse_type(resource)
            if parsed is not None:
                found[parsed.external_id] = parsed
        self._cache().set("types", [asdict(kind) for kind in found.values()])
        return found

    def learn_roles(self, ids: Iterable[str]) -> Mapping[str, Role]:
        """All roles known, after asking for the ones that were not known yet."""
        roles = dict(self._roles())
        missing = [key for key in dict.fromkeys(ids) if key not in roles]
        if not missing:
            return roles
        for batch in batches(missing):
            roles.update(self._complete(self._search_roles({"_id": ",".join(batch)})).roles)
        self._keep_roles(roles)
        return roles

    def _keep_roles(self, roles: Mapping[str, Role]) -> None:
        self._cache().set("roles", [asdict(role) for role in roles.values()])

    def _search_roles(self, params: SearchParams) -> Staff:
        include = ["PractitionerRole:practitioner", "PractitionerRole:organization"]
        roles: dict[str, Role] = {}
        people: dict[str, Practitioner] = {}
        for found in search(self._client, "PractitionerRole", {**params, "_include": include}):
            for resource in resources(found.bundle, "PractitionerRole"):
                role = parse_role(resource)
                if role is not None:
                    roles[role.external_id] = role
            people.update(_people(resources(found.bundle, "Practitioner")))
        return Staff(roles, people)

    def _complete(self, staff: Staff) -> Staff:
        """Ask for the practitioners that the roles name and the answer left out; one not given stays nameless."""
        named = dict.fromkeys(role.practitioner_id for role in staff.roles.values() if role.practitioner_id)
        people = dict(staff.practitioners)
        try:
            for batch in batches([key for key in named if key not in people]):
                found = self._search("Practitioner", {"_id": ",".join(batch)}, "Practitioner")
                people.update(_people(found))
        except ReconnectRequiredError as error:
            if error.code != "AUTH-SCOPE":
                raise
        for key in named:
            people.setdefault(key, Practitioner(key, f"Practitioner {key}"))
        numbers = {role.practitioner_id: role.provider_number for role in staff.roles.values()}
        return Staff(
            staff.roles, {key: replace(people[key], provider_number=numbers.get(key)) for key in named}
        )

    def _search(self, resource: str, params: SearchParams, kind: str) -> Iterator[Mapping[str, Any]]:
        for found in search(self._client, resource, params):
            yield from resources(found.bundle, kind)


def _people(found: Iterable[Mapping[str, Any]]) -> dict[str, Practitioner]:
    parsed = (parse_practitioner(resource) for resource in found)
    return {person.external_id: person for person in parsed if person is not None}


def batches(ids: list[str]) -> Iterator[list[str]]:
    """The ids in groups small enough for one address."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
