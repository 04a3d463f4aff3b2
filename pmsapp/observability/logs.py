"""One line of JSON per event, without patient data, secrets, query strings or exception texts.

`get(__name__).info("sync run ended", run_id=7)`: a fixed sentence and named ids, counts, codes, durations. Library
records keep their sentence but not what was filled into it. An exception leaves its type and where it happened; its
text only when it is one of ours, whose texts are made to be shown.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings

_OWN = ("pmsapp",)
_PACKAGE = Path(__file__).parents[1]
QUIET = {
    "werkzeug": logging.ERROR,
    "urllib3": logging.ERROR,
    "requests": logging.ERROR,
    "gunicorn.access": logging.CRITICAL,
    "waitress": logging.WARNING,
    "waitress.queue": logging.ERROR,
    "rq": logging.WARNING,
    "rq.worker": logging.WARNING,
    "sqlalchemy": logging.ERROR,
    "alembic": logging.WARNING,
    "apprise": logging.ERROR,
    "flask_wtf": logging.ERROR,
    "flask-limiter": logging.ERROR,
    "redis": logging.ERROR,
}
_SECRET_NAMES = re.compile(
    r"patient|password|passwd|secret|token|authori[sz]ation|cookie|credential|e_?mail|phone|dob|birth|body|notes?$|args$|query",
    re.IGNORECASE,
)
_SAFE_NAMES = frozenset({"token_id", "tokens", "patient_count", "has_credentials"})
_EMAIL = re.compile(r"[^\s<>\"'@]+@[^\s<>\"'@]+\.[^\s<>\"'@]+")
_QUERY = re.compile(r"\?[^\s\"'<>]*")
_API_TOKEN = re.compile(r"pms_[A-Za-z0-9_\-]{6,}")
_RECORD_KEYS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_REMOVED = "[removed]"
_MAX_CHARS = 500
_MAX_FRAMES = 30

EventDict = MutableMapping[str, Any]


def get(name: str) -> Any:
    """The logger of a module. Methods debug, info, warning, error take one fixed sentence and named values."""
    return structlog.stdlib.get_logger(name)


def setup(settings: Settings, *, level: int = logging.INFO, stream: Any = None) -> None:
    """Send every log record of this process through the one formatter, to `stream` (standard error by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(as_json=settings.log_format == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name, quiet_level in QUIET.items():
        library = logging.getLogger(name)
        library.handlers[:] = []
        library.propagate = True
        library.setLevel(max(level, quiet_level))


def record_bug(error: Exception, doing: str, **named: Any) -> None:
    """Log an error that is about to be recorded as BUG: what was being done, its type, file and line; never its text."""
    get(__name__).error(
        "an error was recorded as BUG",
        doing=doing,
        error=type(error).__name__,
        place=place_of(error),
        **named,
    )


def place_of(error: BaseException) -> str:
    """Where in our own code an error came up ("pmsapp/services/sync/execute.py:64"); elsewhere if it never passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _PACKAGE in Path(frame.filename).parents]
    if own:
        return f"{Path(own[-1].filename).relative_to(_PACKAGE.parent).as_posix()}:{own[-1].lineno}"
    return f"{_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else "unknown"


class _Formatter(logging.Formatter):
    """Any record, ours or a library's, as one safe line."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._render: Any = (
            structlog.processors.JSONRenderer(ensure_ascii=True)
            if as_json
            else structlog.processors.KeyValueRenderer(
                key_order=["at", "level", "event"], repr_native_str=True
            )
        )

    def format(self, record: logging.LogRecord) -> str:
        line = self._render(None, record.levelname, safe_event(record))
        return str(line).translate(_CONTROL)


def safe_event(record: logging.LogRecord) -> EventDict:
    """Any record as named values that may leave this process."""
    event: dict[str, Any] = {
        "at": clock.now().isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    event |= structlog.contextvars.get_contextvars()
    event |= _said(record)
    if record.exc_info and record.exc_info[0] is not None:
        event["exception"] = describe(record.exc_info[1], record.exc_info[2])
    return scrub(event)


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}


def _said(record: logging.LogRecord) -> dict[str, Any]:
    """The sentence and the named values of a record."""
    if isinstance(record.msg, dict):  # ours, by way of structlog
        return {key: value for key, value in record.msg.items() if key not in {"at", "level", "logger"}}
    if record.name.split(".")[0] in _OWN:
        named = {key: value for key, value in vars(record).items() if key not in _RECORD_KEYS}
        return {"event": record.getMessage(), **named}
    # A library's own sentence is fixed only while it is still a template; a finished one may hold anything.
    return {"event": record.msg if record.args and isinstance(record.msg, str) else "library message"}


def describe(error: BaseException | None, trace: TracebackType | None) -> dict[str, Any]:
    """Type and place of an exception and its causes; its text only when the text is ours."""
    described: dict[str, Any] = {"type": type(error).__name__}
    code = getattr(error, "code", None)
    if type(error).__module__.startswith("pmsapp."):
        if isinstance(code, str):
            described["code"] = code
        if isinstance(code, str) or isinstance(error, ConfigurationError):
            described["text"] = str(error)
    frames = traceback.extract_tb(trace)[-_MAX_FRAMES:]
    described["frames"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ if error is not None else None
    if cause is not None:
        described["cause"] = describe(cause, cause.__traceback__)
    return described


def scrub(event: EventDict) -> EventDict:
    """Blank values under telling names, and what looks like an address, a token or a query in any text."""
    return {key: _REMOVED if _is_secret(key) else _scrub_value(value) for key, value in event.items()}


def _is_secret(key: str) -> bool:
    return key not in _SAFE_NAMES and bool(_SECRET_NAMES.search(key))


def _scrub_value(value: Any) -> Any:
    if isinstance(value, str):
        text = value[:_MAX_CHARS]
        for pattern in (_EMAIL, _API_TOKEN, _QUERY):
            text = pattern.sub(_REMOVED, text)
        return text
    if isinstance(value, dict):
        return scrub(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrub_value(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, int | float):
        return value
    return f"<{type(value).__name__}>"  # the repr of anything else may hold anything


def _short(filename: str) -> str:
    parts = filename.replace("\\", "/").split("/")
    return "/".join(parts[-3:])


def _stdlib_event(logger: Any, method: str, event: EventDict) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Hand structlog's named values to the standard library as the record's message."""
    exc_info = event.pop("exc_info", None)
    return (dict(event),), {"exc_info": exc_info} if exc_info else {}


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        _stdlib_event,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=False,
)
