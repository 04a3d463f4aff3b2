"""Which vendor hosts asked us to wait, in the database: what holds for every process while Redis is away or was lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from pmsapp import clock
from pmsapp.domain.ages import CLOCK_SLACK, holds
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT
from pmsapp.models import VendorBlock
from pmsapp.models.upsert import upsert
from pmsapp.services.base.transaction import reading, writing

log = logging.getLogger(__name__)

# How long one look at the database is good for: a run asks before each of its requests.
LOOK_EVERY_S = 1.0


class StoredBlocks:
    """See `adapters.client.rate_limit.BlockBoard`. `app_context` makes the application current in whichever thread asks."""

    def __init__(self, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        self._app_context = app_context
        self._seen: dict[str, tuple[float, datetime | None]] = {}

    def read(self, host: str) -> datetime | None:
        """When `host` may be called again, None when nothing is written about it or that is over.

        What another process wrote is seen a second later at most.
        """
        looked_at_s, until = self._seen.get(host, (float("-inf"), None))
        if clock.monotonic_s() - looked_at_s >= LOOK_EVERY_S:
            until = self._look(host, until)
        return until if holds(until, clock.now(), LONGEST_VENDOR_WAIT) else None

    def _look(self, host: str, known: datetime | None) -> datetime | None:
        """What the database says; where it does not answer, what it said last holds on."""
        looked_at_s = clock.monotonic_s()
        try:
            with self._app_context(), reading() as session:
                until = session.scalar(select(VendorBlock.until).where(VendorBlock.host == host))
        except SQLAlchemyError as error:
            log.warning("blocked hosts not read", extra={"error": type(error).__name__})
            return known
        self._seen[host] = looked_at_s, until
        return until

    def write(self, host: str, until: datetime) -> None:
        """Nobody calls `host` before `until`; a later time already there stays."""
        try:
            with self._app_context(), writing() as session:
                now = clock.now()
                ends_too_late = VendorBlock.until > now + LONGEST_VENDOR_WAIT + CLOCK_SLACK
                session.execute(delete(VendorBlock).where((VendorBlock.until <= now) | ends_too_late))
                upsert(session, VendorBlock, [{"host": host, "until": until}], keys=["host"], update=[])
                session.execute(
                    update(VendorBlock)
                    .where(VendorBlock.host == host, VendorBlock.until < until)
                    .values(until=until)
                )
        except SQLAlchemyError as error:
            log.warning("a blocked host was not written down", extra={"error": type(error).__name__})
        self._seen.pop(host, None)
