"""The organisations of a Halaxy practice: which group it is, which clinics it has, and the zone their addresses suggest."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.adapters.halaxy.auth import LABEL
from pmsapp.adapters.halaxy.wire import CLINIC_PREFIX, PRACTICE_PREFIX, Organization
from pmsapp.adapters.parsing.zones import guess_zone
from pmsapp.domain.errors import ReconnectRequiredError


@dataclass(frozen=True, slots=True)
class Places:
    """What the Organization search gave; empty when the key may not read it. `of_staff`: the clinics its roles name."""

    all: tuple[Organization, ...]
    of_staff: frozenset[str] = frozenset()

    def clinics(self) -> tuple[tuple[str, str], ...]:
        """(id, name) of every clinic, by name."""
        found = [(place.external_id, place.name or place.external_id) for place in self._clinics()]
        return tuple(sorted(found, key=lambda pair: (pair[1].casefold(), pair[0])))

    def fingerprint(self) -> str | None:
        """What tells this practice from another: the practice group's id, else that of its first clinic.

        A key that may not read organisations still shows at which clinics the staff have their roles.
        """
        groups = [place.external_id for place in self.all if place.external_id.startswith(PRACTICE_PREFIX)]
        groups += [place.part_of for place in self._clinics() if place.part_of]
        return min(groups or self._clinic_ids(), default=None)

    def marks(self) -> tuple[str, ...]:
        """Every id that belongs to this practice alone."""
        fingerprint = self.fingerprint()
        return tuple(sorted(self._clinic_ids() | ({fingerprint} if fingerprint else set())))

    def _clinic_ids(self) -> set[str]:
        of_staff = {key for key in self.of_staff if key.startswith(CLINIC_PREFIX)}
        return {place.external_id for place in self._clinics()} | of_staff

    def practice_name(self, organization_id: str | None) -> str | None:
        """The chosen clinic's name, else the practice group's, else the only clinic's."""
        chosen = self._find(organization_id)
        groups = [place for place in self.all if place.external_id.startswith(PRACTICE_PREFIX)]
        for place in ([chosen] if chosen else []) + groups + self._clinics():
            if place.name:
                return place.name
        return None

    def check_holds(self, organization_id: str | None) -> None:
        """Raise PRACTICE-UNKNOWN when a clinic was chosen that this login does not have."""
        if organization_id and self.all and self._find(organization_id) is None:
            raise ReconnectRequiredError("PRACTICE-UNKNOWN", pms=LABEL, note="no clinic has this id")

    def guess_zone(self, organization_id: str | None) -> tuple[str | None, list[str]]:
        """(zone, warnings) from the addresses of the chosen clinic, else of all; None when they say nothing."""
        chosen = self._find(organization_id)
        places = [chosen] if chosen else (self._clinics() or list(self.all))
        guesses = [guess_zone(place.state, place.postcode, place.city) for place in places]
        zones = list(dict.fromkeys(guess.time_zone for guess in guesses if guess.time_zone))
        warnings = list(
            dict.fromkeys(guess.warning for guess in guesses if guess.warning and guess.time_zone)
        )
        if not zones:
            return None, ["The practice's address does not tell its time zone. Please choose it."]
        if len(zones) > 1:
            warnings.append("The clinics are in different time zones. Please check the time zone.")
        return zones[0], warnings

    def _clinics(self) -> list[Organization]:
        return [place for place in self.all if place.external_id.startswith(CLINIC_PREFIX)]

    def _find(self, organization_id: str | None) -> Organization | None:
        return next((place for place in self.all if place.external_id == organization_id), None)
