"""The dead man's switch: a ping to a watcher outside after each good run, so that silence itself is noticed.

The ping names the newest row of the log in its User-Agent, which watchers show: a log whose end was cut off since
can be told by it.

It reads what happened from the database and is never part of a run: a watcher that is slow, gone or wrong costs a
run nothing. The address is a secret; it is in no log and no error.
"""

from __future__ import annotations

import urllib3
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from pmsapp import __version__, clock
from pmsapp.extensions import current_settings
from pmsapp.models import ScheduledTask, SyncRun
from pmsapp.observability import logs
from pmsapp.services.base import audit_chain
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.monitoring import task_table

TASK_NAME = "heartbeat_ping"
CONNECT_WITHIN_S = 3.0
ANSWER_WITHIN_S = 5.0
# Kept aside or held cards are questions for a person; the run itself read everything.
_GOOD_ENOUGH = ("REC-BAD", "REMOVE-HELD")
_log = logs.get(__name__)


def send_owed() -> bool:
    """Ping when a good run has ended since the last ping, whichever process notices first. True when it was sent.

    Several runs since then are one ping. Without HEARTBEAT_URL nothing happens.
    """
    address = current_settings().heartbeat_url
    if not address or not _take():
        return False
    with reading() as session:
        head = audit_chain.head(session)
    fault = _ping(address, f"pmsapp/{__version__}" + (f" audit/{head}" if head else ""))
    task_table.ended(TASK_NAME, fault or "ok")
    if fault is not None:
        _log.warning("the watcher outside was not reached", error=fault)
    return fault is None


def _take() -> bool:
    """Note the newest good run as told of. True for the one process that had not yet."""
    with reading() as session:
        if _newest_good(session) <= _told_of(session):
            return False
    with writing() as session:
        newest = _newest_good(session)
        row = session.scalar(select(ScheduledTask).where(ScheduledTask.name == TASK_NAME))
        if newest <= _told_of(session):
            return False
        now = clock.now()
        if row is None:
            row = ScheduledTask(name=TASK_NAME, due_at=now)
            session.add(row)
        row.last_started_at, row.data = now, {"run_id": newest}
        return True


def _told_of(session: Session) -> int:
    data = session.scalar(select(ScheduledTask.data).where(ScheduledTask.name == TASK_NAME))
    return int(data["run_id"]) if data else 0


def _newest_good(session: Session) -> int:
    good = or_(
        SyncRun.status == "success",
        and_(SyncRun.status == "partial", SyncRun.error_code.in_(_GOOD_ENOUGH)),
    )
    return session.scalar(select(func.max(SyncRun.id)).where(good, SyncRun.dry_run.is_(False))) or 0


def _ping(address: str, user_agent: str) -> str | None:
    """GET the address, once repeated. None when it answered well, else what went wrong in one word."""
    timeout = urllib3.Timeout(connect=CONNECT_WITHIN_S, read=ANSWER_WITHIN_S)
    retries = urllib3.Retry(total=1, redirect=False, backoff_factor=0.5)
    try:
        with urllib3.PoolManager(timeout=timeout, retries=retries) as pool:
            answer = pool.request(
                "GET",
                address,
                headers={"User-Agent": user_agent},
                redirect=False,
                preload_content=False,
            )
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return type(error).__name__
    return None if answer.status < 300 else f"status {answer.status}"
