"""Notes how requests arrive, where that differs from the settings: `pmsapp doctor` says what to set.

A proxy nobody declared makes everybody seem to sit at this machine. A host name that is not allowed is refused, and
whoever runs the server would otherwise see nothing but an error page.
"""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import SecurityError

from pmsapp.extensions import current_settings
from pmsapp.observability import logs
from pmsapp.services.monitoring import running_processes

_PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
_MOST = 50
_log = logs.get(__name__)


def init_app(app: Flask) -> None:
    """Look at each request before anything refuses it."""
    told: set[str] = set()  # of this process: each once, and never without end

    def look() -> None:
        if isinstance(request.routing_exception, SecurityError):
            _note_refused(told)
        undeclared = not current_settings().trusted_proxies and any(
            name in request.headers for name in _PROXY_HEADERS
        )
        if undeclared and _PROXY_HEADERS[0] not in told:
            told.add(_PROXY_HEADERS[0])
            _log.warning("requests come through a proxy; set PMSAPP_TRUSTED_PROXIES=1")
            running_processes.note_request(current_settings().instance_dir, through_proxy=True)

    app.before_request(look)


def _note_refused(told: set[str]) -> None:
    host = request.environ.get("HTTP_HOST", "")[:100]
    if host not in told and len(told) < _MOST:
        told.add(host)
        _log.warning("a host name is not allowed and was refused; set PMSAPP_TRUSTED_HOSTS", host=host)
        running_processes.note_request(current_settings().instance_dir, refused_host=host)
