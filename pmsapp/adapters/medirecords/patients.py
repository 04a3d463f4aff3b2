"""Patients by id: MediRecords names none inline, so each is asked for, once per adapter.

Nothing here outlives the adapter: what is known of a patient from an earlier run comes from the cards
(`Adapter.known_patient`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from pmsapp.adapters.medirecords.wire import parse_patient
from pmsapp.domain.appointment import Patient
from pmsapp.domain.errors import BadVendorDataError, NotFoundError, RetryLaterError

# The vendor's recommended rate is not published: never more than two questions at once.
IN_FLIGHT = 2
# So many time-outs in one sweep mean that the vendor is down, not that a record is broken.
MAX_TIMEOUTS = 3


class PatientReader:
    """Finds patients by id. Safe for many threads; remembers per adapter, so per connection."""

    def __init__(self, fetch: Callable[[str], dict[str, Any]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._known: dict[str, Patient] = {}

    def sweep(self) -> Sweep:
        """A reader for one pass over a day; close it, best by `with`."""
        return Sweep(self)

    def cached(self, external_id: str) -> Patient | None:
        """The patient as asked for before."""
        with self._lock:
            return self._known.get(external_id)

    def fetch(self, external_id: str) -> Patient:
        """Ask the vendor. Raises NotFoundError, BadVendorDataError or what else went wrong."""
        patient = parse_patient(self._fetch(external_id), external_id)
        with self._lock:
            self._known[external_id] = patient
        return patient


class Sweep:
    """One pass over a day: asks two at a time, and knows which records could not be read."""

    def __init__(self, reader: PatientReader) -> None:
        self._reader = reader
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="medirecords-patients")
        self._failed: set[str] = set()
        self._timeouts = 0

    def __enter__(self) -> Sweep:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def unread(self) -> int:
        """How many patients of this pass could not be read."""
        return len(self._failed)

    def find(self, wanted: Iterable[str]) -> dict[str, Patient]:
        """The patients by id; one that cannot be read is left out.

        Raises what concerns every patient: a refused token, a rate limit, a deadline, a vendor that is down.
        """
        found: dict[str, Patient] = {}
        missing: list[str] = []
        for external_id in dict.fromkeys(wanted):
            known = self._reader.cached(external_id)
            if known is not None:
                found[external_id] = known
            elif external_id not in self._failed:
                missing.append(external_id)
        futures = [(key, self._pool.submit(self._reader.fetch, key)) for key in missing]
        for key, future in futures:
            patient = self._result(key, future)
            if patient is not None:
                found[key] = patient
        return found

    def _result(self, key: str, future: Future[Patient]) -> Patient | None:
        try:
            return future.result()
        except (NotFoundError, BadVendorDataError):
            self._failed.add(key)
        except RetryLaterError as error:
            self._failed.add(key)
            self._timeouts += 1
            if error.code not in ("PMS-DOWN", "PMS-SLOW") or self._timeouts > MAX_TIMEOUTS:
                raise
        return None
