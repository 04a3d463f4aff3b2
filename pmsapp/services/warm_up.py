"""What every run would load anew, loaded once: the process of a run is a fork of the worker and inherits it."""

from __future__ import annotations

import gc

from pmsapp import clock
from pmsapp.adapters.registry import list_infos
from pmsapp.services import days, schedule
from pmsapp.services.transaction import reading


def warm_up() -> None:
    """Load the vendors' modules and the holiday calendar, and spare later collections what is loaded by then.

    Opens a database connection; who forks closes it first.
    """
    list_infos()
    with reading() as session:
        schedule.clinic_hours(session, clock.now())
        schedule.why_closed(session, days.today(session))
    gc.collect()
    gc.freeze()
