"""Practitioners whom the appointments name and the last list did not, read without waiting for the next list."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pmsapp import clock
from pmsapp.adapters.base import Adapter
from pmsapp.domain.appointment import Practitioner
from pmsapp.domain.errors import PMSError
from pmsapp.models import PMSConnection
from pmsapp.services.base.transaction import writing
from pmsapp.services.matching import reference
from pmsapp.services.runs.lease import Lease

log = logging.getLogger(__name__)
_ID_SHOWN = 8


def ask_about(adapter: Adapter, lease: Lease, unlisted: Iterable[str]) -> None:
    """Read the list of practitioners again and ask the clinic about whoever is new.

    Somebody the vendor does not list even now is asked about by id, for the clinic to name. When the list cannot be
    read, the next run meets the same ids and tries again.
    """
    wanted = dict.fromkeys(unlisted)
    if not wanted:
        return
    try:
        people = adapter.list_practitioners()
    except PMSError as error:
        log.warning("practitioners not read again", extra={"code": error.code, "run_id": lease.run_id})
        return
    listed = {one.external_id for one in people}
    people += [Practitioner(one, f"Clinician {one[:_ID_SHOWN]}") for one in wanted if one not in listed]
    with writing() as session:
        lease.check(session)
        in_setup = session.get_one(PMSConnection, lease.connection_id).state == "setup"
        reference.store_practitioners(
            session, lease.connection_id, people, clock.now(), announce=not in_setup
        )
