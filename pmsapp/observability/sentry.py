"""Reports of errors to a Sentry server, when PMSAPP_SENTRY_DSN names one: what a log line holds, and nothing else.

Nothing of the library's own collecting is used: no request, no cookie, no body, no query, no local variable, no text
of a foreign exception leaves this machine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from pmsapp import __version__
from pmsapp.domain.errors import ConfigurationError
from pmsapp.observability import logs
from pmsapp.settings import Settings

FLUSH_WITHIN_S = 2.0
_SENT = frozenset(
    {
        "event_id",
        "timestamp",
        "platform",
        "level",
        "logger",
        "logentry",
        "exception",
        "extra",
        "release",
        "sdk",
    }
)


def start(settings: Settings) -> None:
    """Report every error this process logs from now on; without a DSN do nothing. Call it after `logs.setup`.

    Raises ConfigurationError when the library is missing.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Reporter)]:
        root.removeHandler(handler)
    if settings.sentry_dsn is None:
        return
    try:
        import sentry_sdk
    except ImportError:
        raise ConfigurationError(
            "PMSAPP_SENTRY_DSN is set but its library is missing; install it: pip install 'sentry-sdk>=2,<3'."
        ) from None
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=f"pmsapp@{__version__}",
        server_name="pmsapp",
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=lambda event, hint: _only_ours(event),
    )
    root.addHandler(_Reporter())


def flush() -> None:
    """Wait a little for reports on their way; for a process that is about to end."""
    if any(isinstance(handler, _Reporter) for handler in logging.getLogger().handlers):
        import sentry_sdk

        sentry_sdk.flush(timeout=FLUSH_WITHIN_S)


class _Reporter(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        import sentry_sdk

        if record.name.startswith("sentry_sdk"):
            return
        try:
            sentry_sdk.capture_event(_event(logs.safe_event(record)))
        except Exception:
            self.handleError(record)


def _event(line: Mapping[str, Any]) -> Any:
    """A log line in the form Sentry takes."""
    named = {
        key: value
        for key, value in line.items()
        if key not in {"at", "level", "logger", "event", "exception"}
    }
    event = {
        "level": line["level"],
        "logger": line["logger"],
        "logentry": {"message": str(line["event"])},
        "extra": named,
    }
    if "exception" in line:
        # Sentry wants the first cause first.
        event["exception"] = {
            "values": [_value(error) for error in reversed(list(_chain(line["exception"])))]
        }
    return event


def _chain(described: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    error: Mapping[str, Any] | None = described
    while error is not None:
        yield error
        error = error.get("cause")


def _value(described: Mapping[str, Any]) -> dict[str, Any]:
    text = " ".join(str(described[key]) for key in ("code", "text") if key in described)
    return {
        "type": described["type"],
        "value": text,
        "stacktrace": {"frames": [_frame(place) for place in described["frames"]]},
    }


def _frame(place: str) -> dict[str, Any]:
    """ "pmsapp/web/http/errors.py:12 show" """
    where, _, function = place.partition(" ")
    filename, _, line = where.rpartition(":")
    return {"filename": filename, "function": function, "lineno": int(line) if line.isdigit() else None}


def _only_ours(event: Any) -> Any:
    """What the library added by itself (its scope, its machine) stays here."""
    return {key: value for key, value in event.items() if key in _SENT}
