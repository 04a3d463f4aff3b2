"""Making the downtime copy: the pages are drawn here, and encrypted and written by the service."""

from __future__ import annotations

from datetime import timedelta

from pmsapp.services.maintenance import downtime
from pmsapp.services.maintenance.downtime import Copy
from pmsapp.services.monitoring.periodic_tasks import PeriodicTask
from pmsapp.web.paper import pack

LOOK_EVERY = timedelta(minutes=1)


def make() -> Copy:
    """Make a copy now. Raises Conflict without a passphrase, ConfigurationError when it cannot be written."""
    return downtime.write(pack.render())


def make_if_due() -> str | None:
    """Make a copy when something was read since the last one."""
    standing = downtime.standing()
    if standing.set_at is None:
        return "no passphrase is set"
    if standing.is_due:
        make()
    return None


TASK = PeriodicTask("downtime copy", LOOK_EVERY, make_if_due)
