from __future__ import annotations

import gc
import subprocess
import sys

from flask import Flask

from pmsapp import clock
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic, opening_hours
from pmsapp.services.sync import warm_up


def test_a_run_finds_the_holiday_calendar_loaded_and_frozen(app: Flask) -> None:
    opening_hours.public_holidays.cache_clear()
    try:
        warm_up.warm_up()
        frozen = gc.get_freeze_count()
    finally:
        gc.unfreeze()
    assert frozen > 0
    with reading() as session:
        loaded = opening_hours.public_holidays.cache_info().misses
        opening_hours.clinic_hours(session, clock.now())
        opening_hours.why_closed(session, clinic.today(session))
        assert (loaded > 0) is bool(clinic.get_clinic(session).state)
    assert opening_hours.public_holidays.cache_info().misses == loaded


def test_the_rate_limit_loads_the_client_of_redis_alone() -> None:
    code = "import sys; from pmsapp.adapters.client.rate_limit import RateLimitStore; RateLimitStore('redis://127.0.0.1:1'); "
    code += "sys.exit('valkey' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
