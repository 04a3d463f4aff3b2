"""The web server's listening socket, opened once by the supervisor and handed to the web process.

So a restarted web process keeps its port, and a port that is taken is one clear sentence before anything starts.
"""

from __future__ import annotations

import errno
import socket

from pmsapp import paths
from pmsapp.domain.errors import ConfigurationError

_BACKLOG = 256


def open_socket(host: str, port: int) -> socket.socket:
    """Listen on `host`:`port` (0: any free port). Raises ConfigurationError in one sentence."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except socket.gaierror:
        raise ConfigurationError(f"PMSAPP_HOST is wrong: {host!r} is no address of this machine.") from None
    except OSError as error:
        raise ConfigurationError(_sentence(error.errno, host, port)) from error


def _sentence(number: int | None, host: str, port: int) -> str:
    if number == errno.EADDRINUSE:
        by_make = f" (make run PORT={port + 1})" if paths.IN_CHECKOUT else ""
        return f"Port {port} is taken by another program; choose another, e.g. --port {port + 1}{by_make}."
    if number in {errno.EACCES, errno.EPERM}:
        return f"This user may not listen on port {port}; choose one above 1023, e.g. --port 8080."
    if number == errno.EADDRNOTAVAIL:
        return f"PMSAPP_HOST is wrong: {host!r} is no address of this machine."
    return f"Port {port} on {host} cannot be opened."


def address(listener: socket.socket) -> str:
    """The address to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
