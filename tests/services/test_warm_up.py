from __future__ import annotations

import gc
import subprocess
import sys

from flask import Flask

from pmsapp import clock
from pmsapp.services import clinic, days, schedule, warm_up
from pmsapp.services.transaction import reading


def test_a_run_finds_the_holiday_calendar_loaded_and_frozen(app: Flask) -> None:
    schedule.public_holidays.cache_clear()
    try:
        warm_up.warm_up()
        frozen = gc.get_freeze_count()
    finally:
        gc.unfreeze()
    assert frozen > 0
    with reading() as session:
        loaded = schedule.public_holidays.cache_info().misses
        schedule.clinic_hours(session, clock.now())
        schedule.why_closed(session, days.today(session))
        assert (loaded > 0) is bool(clinic.get_clinic(session).state)
    assert schedule.public_holidays.cache_info().misses == loaded


def test_the_pace_loads_the_client_of_redis_alone() -> None:
    code = "import sys; from pmsapp.adapters.pace import PaceStore; PaceStore('redis://127.0.0.1:1'); "
    code += "sys.exit('valkey' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
