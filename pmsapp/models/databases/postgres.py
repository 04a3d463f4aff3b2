"""How PostgreSQL is opened: nothing waits for ever, neither for a lock, nor a statement, nor a machine that is gone.

Every machine that opens it keeps the database's time: leases, slots and waits mean the same to all of them.
"""

from __future__ import annotations

import importlib.util
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError

NOTE_TIMEOUT_MS = 100
# A statement may take longer than a lock, and so may a transaction in which nothing happens. Each holds locks that
# others wait for, so each ends by itself.
_STATEMENT_TIMES, _IDLE_TIMES = 8, 5
_PROBE_EVERY_S, _PROBES = 10, 3
_CLOCK_EVERY_S = 60.0


def options(url: URL, timeout_s: int) -> dict[str, Any]:
    """The engine's options: a lock is waited for `timeout_s` seconds, as is a connection.

    What a statement was given (patient data) stays out of its errors. What the URL itself says wins.
    Raises ConfigurationError, one sentence, where the driver is not installed.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise ConfigurationError(
            "PostgreSQL needs its driver; install it with: pip install 'pmsapp[postgres]'"
        )
    limits = {
        "lock_timeout": timeout_s,
        "statement_timeout": timeout_s * _STATEMENT_TIMES,
        "idle_in_transaction_session_timeout": timeout_s * _IDLE_TIMES,
    }
    said = url.query.get("options", "")
    given = said if isinstance(said, str) else " ".join(said)
    wanted = {
        "connect_timeout": timeout_s,
        "keepalives_idle": timeout_s,
        "keepalives_interval": _PROBE_EVERY_S,
        "keepalives_count": _PROBES,
        "tcp_user_timeout": timeout_s * _IDLE_TIMES * 1000,
    }
    return {
        "pool_pre_ping": True,
        "pool_timeout": timeout_s,
        "isolation_level": "READ COMMITTED",
        "hide_parameters": True,
        "connect_args": {
            **{name: value for name, value in wanted.items() if name not in url.query},
            "options": " ".join(
                [*(f"-c {name}={seconds * 1000}" for name, seconds in limits.items()), given]
            ).strip(),
        },
    }


def set_up(engine: Engine) -> None:
    """Read the database's clock now and then; a note that nobody has to wait for gives up almost at once, as on SQLite."""
    event.listen(engine, "begin", _on_begin)
    event.listen(engine, "checkout", ClockReader())


class ClockReader:
    """Asks the database for the time when a connection is taken, once a minute at most."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def __call__(self, dbapi_connection: Any, record: Any, proxy: Any) -> None:
        """The pool's `checkout` event."""
        now_s = clock.monotonic_s()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _CLOCK_EVERY_S
        with dbapi_connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            clock.follow(cursor.fetchone()[0].astimezone(UTC))
        dbapi_connection.rollback()


def without_limits(connection: Connection) -> None:
    """For the rest of this transaction a statement may take as long as it needs: a migration rewrites whole tables."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _on_begin(connection: Connection) -> None:
    if connection.get_execution_options().get("pmsapp_notes"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {NOTE_TIMEOUT_MS}")
