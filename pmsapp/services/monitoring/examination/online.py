"""What only the network tells: are the vendors there, and does this machine's clock agree with theirs?"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from sqlalchemy import select

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.extensions import current_settings
from pmsapp.models import PMSConnection
from pmsapp.services.base.transaction import reading
from pmsapp.services.monitoring.examination.finding import Finding, State

CLOCK_SLACK = timedelta(seconds=60)
_WITHIN_S = 10.0
SET_CLOCK = "Set the clock by the network: timedatectl set-ntp true"


def vendors() -> Finding:
    """Each vendor that a connection needs answers, whatever it says, and its clock is ours."""
    asked = 0
    for label, address in _addresses():
        try:
            answer = requests.head(address, timeout=_WITHIN_S, allow_redirects=False)
        except requests.RequestException as error:
            fix = f"Look at this machine's network, name service and firewall: curl -I {address}"
            return State.FAIL, f"{label} cannot be reached ({type(error).__name__})", fix
        asked += 1
        ahead = _seconds_ahead(answer.headers.get("Date"))
        if abs(ahead) > CLOCK_SLACK.total_seconds():
            return State.FAIL, f"this clock is {in_words(ahead)} that of {label}", SET_CLOCK
    if not asked:
        return State.OK, "no connection needs a vendor yet", None
    return State.OK, f"{asked} vendor{'' if asked == 1 else 's'} answered, and the clocks agree", None


def in_words(ahead_s: float) -> str:
    """ "90 s ahead of" or "90 s behind"."""
    return f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'}"


def _addresses() -> list[tuple[str, str]]:
    with reading() as session:
        kinds = session.scalars(
            select(PMSConnection.pms_type).distinct().order_by(PMSConnection.pms_type)
        ).all()
    infos = [get_info(kind) for kind in kinds]
    settings = current_settings()
    return [
        (info.label, settings.vendor(info.settings_prefix).base_url or info.default_base_url)
        for info in infos
    ]


def _seconds_ahead(theirs: str | None) -> float:
    try:
        at: datetime = parsedate_to_datetime(theirs or "")
    except ValueError:
        return 0.0
    return (clock.now() - at).total_seconds() if at.tzinfo is not None else 0.0
