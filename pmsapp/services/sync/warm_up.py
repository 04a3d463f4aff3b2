"""What every run would load anew, loaded once: the process of a run is a fork of the worker and inherits it."""

from __future__ import annotations

import gc

from pmsapp import clock
from pmsapp.adapters.registry import list_infos
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic, opening_hours


def warm_up() -> None:
    """Load the vendors' modules and the holiday calendar, and spare later collections what is loaded by then.

    Opens a database connection; who forks closes it first.
    """
    list_infos()
    with reading() as session:
        opening_hours.clinic_hours(session, clock.now())
        opening_hours.why_closed(session, clinic.today(session))
    gc.collect()
    gc.freeze()
