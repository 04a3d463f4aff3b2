"""`pmsapp doctor`: is this installation sound? Each finding says what to do about it, and holds no patient data."""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from pmsapp import __version__, clock
from pmsapp.crypto import key_files
from pmsapp.domain.ages import is_older
from pmsapp.domain.errors import ConfigurationError
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.extensions import current_settings, db
from pmsapp.models import AuditEvent, PMSConnection
from pmsapp.models.databases.sqlite import library_version, may_use_wal
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.maintenance import backup, database, downtime, key_rotation, retention
from pmsapp.services.maintenance.off_site import away
from pmsapp.services.monitoring import alerts, conditions, disk, health, process_heartbeats, task_table
from pmsapp.services.monitoring.examination import online, running
from pmsapp.services.monitoring.examination.finding import RESTART, Check, Finding, State
from pmsapp.services.people import users
from pmsapp.services.runs import queue as run_queue

_OLDEST_QUEUE = (6, 2)
_EARLIEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CLOCK_SLACK = timedelta(minutes=2)
_OLD_BACKUP = timedelta(days=2)


def examine(*, without: Collection[str] = (), with_network: bool = False) -> list[Check]:
    """Look at everything but the checks named in `without`; one that cannot be made is itself a failed check. `with_network`:
    what lies outside too.

    Without the right tables, what would be read from them is left out.
    """
    checks = [Check(name, *_tried(look)) for name, look in _BEFORE_TABLES if name not in without]
    if is_sound([check for check in checks if check.name == _TABLES]):
        looks = (*_IN_TABLES, *(_ONLINE if with_network else ()))
        checks += [Check(name, *_tried(look)) for name, look in looks if name not in without]
    return checks


def is_sound(checks: list[Check]) -> bool:
    """True when nothing failed; warnings are allowed."""
    return all(check.state is not State.FAIL for check in checks)


def _tried(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ConfigurationError as error:
        return State.FAIL, str(error), None
    except Exception as error:  # whatever is wrong here, the other checks still count
        return State.FAIL, f"could not be checked ({type(error).__name__})", "Look at the checks above first."


def _python() -> Finding:
    return State.OK, f"Python {platform.python_version()}", None


def _library() -> Finding:
    if db.engine.dialect.name != "sqlite":
        return State.OK, f"{db.engine.dialect.name} is used instead of SQLite", None
    version = ".".join(str(part) for part in library_version())
    with reading() as session:
        mode = str(session.connection().exec_driver_sql("PRAGMA journal_mode").scalar_one()).upper()
    if mode == "WAL" and not may_use_wal():
        return State.FAIL, f"SQLite {version} may lose data in WAL mode", "Install pysqlite3, then restart."
    if not may_use_wal():
        return State.WARN, f"SQLite {version}, the slower journal {mode} is used", "Install pysqlite3."
    return State.OK, f"SQLite {version}, journal {mode}", None


def _versions() -> Finding:
    state = database.versions()
    if state.is_current:
        return State.OK, f"tables are version {state.found}", None
    if state.is_newer:
        fix = f"Install the pmsapp that made them (this is {__version__}), or restore a backup from before."
        return State.FAIL, f"tables are version {state.found}, of a newer pmsapp than this one", fix
    return (
        State.FAIL,
        f"tables are version {state.found or 'none'}, {state.needed} is needed",
        "Stop pmsapp, then run: pmsapp db upgrade",
    )


def _whole() -> Finding:
    try:
        database.quick_check()
    except database.DamagedDatabaseError:
        return State.FAIL, "the database file is damaged", "Stop pmsapp and restore the last backup."
    return State.OK, "the database holds together", None


def _folder() -> Finding:
    folder = current_settings().instance_dir
    owner = folder.stat().st_uid
    name = key_files.user_name(owner)
    for path in (folder, *sorted(folder.rglob("*"))):
        try:
            found = path.lstat()
        except FileNotFoundError:  # a log or socket that went away meanwhile
            continue
        shown = folder if path == folder else path.relative_to(folder)
        if found.st_uid != owner:
            fix = f"Run as root: chown -R {name}: {folder}"
            return State.FAIL, f"{shown} belongs to {key_files.user_name(found.st_uid)}, not to {name}", fix
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077 and not stat.S_ISLNK(found.st_mode) and not stat.S_ISSOCK(found.st_mode):
            fix = f"Run: chmod {'700' if stat.S_ISDIR(found.st_mode) else '600'} {path}"
            return State.FAIL, f"{shown} is open to other users ({mode:o})", fix
    return State.OK, f"{folder} and all in it is {name}'s alone", None


def _sealed() -> Finding:
    if not key_files.has_ring(current_settings()):
        missing = f"{key_files.keys_file(current_settings())} is missing"
        return State.FAIL, missing, "Put your copy of it back; if there is none: pmsapp keys add --lost"
    lost = key_rotation.unreadable()
    if lost:
        hint = "Put the earlier key back into the key file, or enter the logins again."
        return State.FAIL, f"{lost} sealed texts do not open with any key", hint
    old = sum(use.texts for use in key_rotation.list_keys() if not use.is_current)
    if old:
        return State.WARN, f"{old} sealed texts still need an old key", "Run: pmsapp keys rotate"
    return State.OK, "every sealed text opens with the current key", None


def _queue() -> Finding:
    settings = current_settings()
    kind = "REDIS_URL" if settings.redis_url else "embedded"
    if run_queue.is_away():
        if settings.redis_url:
            return (
                State.FAIL,
                "the queue server at PMSAPP_REDIS_URL does not answer",
                "Start it (systemctl start redis-server), or change the setting.",
            )
        if settings.embedded_redis_socket.exists():
            return State.FAIL, "the queue server does not answer", RESTART
        return (
            State.WARN,
            "no queue server runs; the scheduler performs the runs itself",
            "Install redis-server.",
        )
    connection = run_queue.client()
    version = str(connection.info("server").get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_QUEUE:
        return State.WARN, f"the queue server ({kind}) is old: {version}", "Use Redis 6.2 or newer."
    if not settings.redis_url and connection.config_get("port").get("port") != "0":
        return State.FAIL, "the embedded queue server listens on the network", "Restart pmsapp."
    return State.OK, f"queue server {version} ({kind}) answers", None


def _local(at: datetime) -> str:
    """An instant by the clinic's clock."""
    return f"{at.astimezone(ZoneInfo(clinic.time_zone())):%Y-%m-%d %H:%M}"


def _backup() -> Finding:
    if db.engine.dialect.name != "sqlite":
        return State.OK, "backups are PostgreSQL's own", None
    last = backup.latest()
    if last is None:
        return State.WARN, "there is no backup yet", "Run: pmsapp backup"
    if is_older(last.made_at, clock.now(), _OLD_BACKUP):
        return (
            State.WARN,
            f"the last backup is of {last.made_at:%Y-%m-%d}",
            "Run: pmsapp backup (and see why the nightly one is missing)",
        )
    return State.OK, f"the last backup is of {_local(last.made_at)}", None


def _downtime() -> Finding:
    """The encrypted copy of today and tomorrow: as new as what was read, where one is wanted."""
    now = downtime.standing()
    if now.set_at is None:
        return State.OK, "no downtime copy is made: it has no passphrase", None
    if now.latest is None or (now.is_due and is_older(now.latest.made_at, clock.now(), downtime.LATE_AFTER)):
        last = f"the last one is of {_local(now.latest.made_at)}" if now.latest else "there is none yet"
        return State.WARN, f"a downtime copy is due, {last}", "Start pmsapp up, or run: pmsapp downtime make"
    return State.OK, f"the downtime copy is of {_local(now.latest.made_at)}, {now.latest.path}", None


def _off_site() -> Finding:
    """When a backup last left this machine, was verified, and was put back."""
    tasks = {task.name: task for task in task_table.list_tasks()}
    with reading() as session:
        restored = session.scalar(
            select(func.max(AuditEvent.at)).where(AuditEvent.action == "database.restored")
        )
    times = {
        "left this machine": _ended_well(tasks.get(retention.AWAY)),
        "verified": _ended_well(tasks.get(retention.VERIFY)),
        "put back": restored,
    }
    told = ", ".join(f"last {what} {_local(at) if at else 'never'}" for what, at in times.items())
    if current_settings().backup_to is None:
        fix = "Set PMSAPP_BACKUP_TO and PMSAPP_BACKUP_PASSPHRASE in /etc/pmsapp.env, then restart pmsapp."
        return State.WARN, f"no backup leaves this machine; {told}", fix
    return State.OK, told, None


def _ended_well(task: task_table.TaskView | None) -> datetime | None:
    """When a task last did its work; None when it failed last or never did."""
    is_well = task is not None and not task.failures and task.last_result != away.NOWHERE
    return task.last_ended_at if task is not None and is_well else None


def _data() -> Finding:
    """Whether what people see is up to date, as the connection, the sheet and the alerts say it."""
    with reading() as session:
        stale = conditions.stale_connections(session, clock.now())
        names = session.scalars(
            select(PMSConnection.display_name).where(PMSConnection.id.in_(stale)).order_by(PMSConnection.id)
        ).all()
    if names:
        return State.WARN, f"no fresh data from {', '.join(names)}", "Look at the history for why."
    return State.OK, "no data is out of date", None


def _connections() -> Finding:
    """Each connection's state in its own words; one that waits for a person is a failure."""
    views = connections.list_connections()
    waiting = [view.display_name for view in views if view.state is ConnectionState.NEEDS_YOU]
    if waiting:
        return (
            State.FAIL,
            f"{', '.join(waiting)} waits for a person",
            "Open Integrations; its button says what to do.",
        )
    told = ", ".join(f"{view.display_name} {str(view.state).replace('_', ' ')}" for view in views)
    return State.OK, told or "no practice software is connected yet", None


def _jobs() -> Finding:
    """Jobs that failed with their retries; the runs they were for are closed and repeated by other means."""
    failed = run_queue.get_state().failed
    if not failed:
        return State.OK, "no job of the queue failed within a week", None
    last = max(job.failed_at for job in failed)
    runs = ", ".join(str(job.run_id) for job in failed[-5:])
    return (
        State.WARN,
        f"{len(failed)} jobs of the queue failed within a week, the last {_local(last)} (runs {runs})",
        "Look at these runs in the history and at the worker's log.",
    )


def _tasks() -> Finding:
    failing = [task.name for task in task_table.list_tasks() if task.failures]
    if failing:
        return State.WARN, f"regular tasks fail: {', '.join(failing)}", "Look at the scheduler's log."
    return State.OK, "every regular task works", None


def _channels() -> Finding:
    configured = alerts.channels()
    if not configured:
        return State.OK, "alerts are shown in the app only; PMSAPP_ALERT_URLS names no channel", None
    with reading() as session:
        failed = alerts.failed_channels(session)
    if failed:
        hint = "Open Settings, Alerts, and send a test message."
        return State.WARN, f"alerts do not get through to {', '.join(failed)}", hint
    return State.OK, f"alerts go to {', '.join(configured)}", None


def _clock() -> Finding:
    now = clock.now()
    with reading() as session:
        last = session.scalar(select(func.max(AuditEvent.at)))
    if now < _EARLIEST_NOW or (last is not None and last > now + _CLOCK_SLACK):
        return (
            State.FAIL,
            f"the clock says {_local(now)}, which lies in the past",
            online.SET_CLOCK,
        )
    ahead_s = running.seconds_ahead_of_database()
    if abs(ahead_s) > online.CLOCK_SLACK.total_seconds():
        return State.FAIL, f"this clock is {online.in_words(ahead_s)} the database's", online.SET_CLOCK
    return State.OK, f"the clock says {_local(now)}", None


def _disk() -> Finding:
    free = disk.free_bytes()
    text = f"{free // 1_000_000} MB free"
    fix = f"Free some space; what is large: du -xh {current_settings().instance_dir} / --max-depth=2 | sort -h | tail"
    if free < disk.NONE_BYTES:
        return State.FAIL, f"the disk is nearly full, {text}", fix
    if free < disk.LITTLE_BYTES:
        return State.WARN, f"little room on the disk, {text}", fix
    return State.OK, text, None


def _zone() -> Finding:
    here, ours = current_settings().clinic_time_zone, clinic.time_zone()
    if here != ours:
        hint = "Change the one or the other; the clinic's page wins."
        return State.WARN, f"PMSAPP_CLINIC_TIME_ZONE says {here}, the clinic's page {ours}", hint
    return State.OK, f"the clinic's zone is {ours}", None


def _pages() -> Finding:
    """What people would see: the pages everybody looks at can be drawn from what is stored."""
    wrong = health.why_pages_fail()
    if wrong is not None:
        return State.FAIL, wrong, 'The log names the place ("an error was recorded as BUG"); tell support.'
    return State.OK, "the run sheet and the connections can be shown", None


def _people() -> Finding:
    if not users.any_users():
        return State.WARN, "nobody may sign in yet", "Run: pmsapp users add EMAIL --role admin"
    return State.OK, "there is somebody who may sign in", None


def _way_in() -> Finding:
    settings = current_settings()
    if _is_loopback(settings.host):
        return State.OK, f"pages are served on {settings.host} alone", None
    if settings.trusted_proxies == 0:
        hint = "Put a proxy with TLS in front, listen on 127.0.0.1 and set PMSAPP_TRUSTED_PROXIES=1."
        return State.FAIL, f"pages are served on {settings.host} without TLS", hint
    if not settings.trusted_hosts:
        return State.FAIL, "no host name is allowed", "Set PMSAPP_TRUSTED_HOSTS to the clinic's host name."
    return State.OK, "pages are served behind a proxy", None


def _way_out() -> Finding:
    local = [entry for entry in current_settings().allowed_pms_hosts if _is_loopback(entry.rsplit(":", 1)[0])]
    if local and not clinic.get_clinic().is_training:
        hint = "Take it out of PMSAPP_ALLOWED_PMS_HOSTS unless this is a test."
        return State.WARN, f"a program on this machine may pose as a vendor ({local[0]})", hint
    return State.OK, "only vendors' hosts may be called" if not local else "this is a training clinic", None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _user() -> Finding:
    if os.getuid() == 0 and not clinic.get_clinic().is_training:
        return State.WARN, "pmsapp runs as root", "Run it as a user of its own."
    return State.OK, "pmsapp runs as an ordinary user" if os.getuid() else "this is a training clinic", None


_TABLES = "tables"
_BEFORE_TABLES: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("python", _python),
    ("folder", _folder),
    ("disk", _disk),
    ("way in", _way_in),
    ("queue", _queue),
    ("sqlite", _library),
    ("integrity", _whole),
    (_TABLES, _versions),
)
_IN_TABLES: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("pages", _pages),
    ("keys", _sealed),
    ("web", running.web),
    ("processes", running.processes),
    ("scheduler", running.beat_of(process_heartbeats.SCHEDULER, _local)),
    ("worker", running.beat_of(process_heartbeats.WORKER, _local)),
    ("proxy", running.proxy),
    ("hosts", running.hosts),
    ("connections", _connections),
    ("data", _data),
    ("jobs", _jobs),
    ("tasks", _tasks),
    ("alerts", _channels),
    ("clock", _clock),
    ("backup", _backup),
    ("downtime copy", _downtime),
    ("off site", _off_site),
    ("zone", _zone),
    ("people", _people),
    ("way out", _way_out),
    ("user", _user),
)
_ONLINE: tuple[tuple[str, Callable[[], Finding]], ...] = (("vendors", online.vendors),)
