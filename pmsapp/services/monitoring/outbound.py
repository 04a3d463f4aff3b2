"""Every host this server may call, and what for: from the vendors and the server's settings. No secret in it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from pmsapp.adapters.client.hosts import is_loopback_host
from pmsapp.adapters.registry import list_infos
from pmsapp.extensions import current_settings
from pmsapp.services.monitoring import alerts


@dataclass(frozen=True, slots=True)
class OutboundHost:
    """A host, and why it may be called."""

    host: str
    reasons: tuple[str, ...]


def list_hosts() -> list[OutboundHost]:
    """The hosts, vendors' first; nothing else is ever called but the channels of `list_channels`."""
    found: dict[str, list[str]] = {}
    for host, reason in _known():
        reasons = found.setdefault(host, [])
        if reason not in reasons:
            reasons.append(reason)
    return [OutboundHost(host, tuple(reasons)) for host, reasons in found.items()]


def list_channels() -> list[str]:
    """The alert channels by kind; their addresses hold secrets, so the host is not told."""
    return alerts.channels()


def _known() -> list[tuple[str, str]]:
    settings = current_settings()
    found = []
    for info in list_infos():
        found += [(host, f"{info.label}, documented") for host in info.hosts]
        chosen = settings.vendor(info.settings_prefix).base_url
        if chosen and (host := urlsplit(chosen).netloc.rpartition("@")[2]) and host not in info.hosts:
            found.append((host, f"{info.label}, set by {info.settings_prefix}_BASE_URL"))
    found += [(entry, "listed in ALLOWED_PMS_HOSTS") for entry in settings.allowed_pms_hosts]
    for address, reason in (
        (settings.heartbeat_url, "the watcher outside, which is pinged"),
        (settings.sentry_dsn, "errors are reported to it, without patient data"),
    ):
        watcher = urlsplit(address).hostname if address else None
        if watcher:
            found.append((watcher, reason))
    for address, reason in ((settings.database_url, "the database"), (settings.redis_url, "the queue")):
        server = make_url(address).host if address else None
        if server and not is_loopback_host(server):
            found.append((server, reason))
    return found
