"""Which addresses a vendor client may call. The list of hosts is checked before, the addresses at the connect.

Documented vendor hosts may be called by https on port 443. Extra entries come from the server's settings as
`host` or `host:port`: https on the port written there (443 when none is). Loopback and private addresses are
refused unless that very address is listed. Only a listed loopback host may use http, then on any port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pmsapp.domain.errors import ReconnectRequiredError

HTTPS_PORT = 443

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Carrier-grade NAT: not "private" by the standard library's book, and not the public internet either.
_SHARED = ipaddress.ip_network("100.64.0.0/10")
# Ways to write an IPv4 address inside an IPv6 one, beside the mapped form the library unwraps itself.
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


@dataclass(frozen=True, slots=True)
class _Entry:
    host: str
    port: int | None


def _parse_entry(text: str) -> _Entry:
    """`host`, `host:port`, `[v6]`, `[v6]:port` or a bare v6 address. Raises ValueError."""
    text = text.strip().lower()
    if text.count(":") > 1 and not text.startswith("["):
        return _Entry(str(ipaddress.ip_address(text)), None)
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.path or parts.query or parts.username is not None:
        raise ValueError("not a host or host:port")
    return _Entry(_plain_host(parts.hostname), parts.port)


def _plain_host(host: str) -> str:
    """One spelling per host: lower case, no trailing dot, addresses in their normal form."""
    host = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _as_address(host: str) -> IPAddress | None:
    try:
        return _unwrapped(ipaddress.ip_address(host))
    except ValueError:
        return None


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one where there is one, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is not None:
        return inner
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in net for net in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IPAddress) -> bool:
    if isinstance(address, ipaddress.IPv4Address) and address in _SHARED:
        return False
    return address.is_global and not address.is_multicast


def is_loopback_host(host: str) -> bool:
    """True when a host name or address is this very machine's."""
    address = _as_address(host)
    return address.is_loopback if address is not None else host == "localhost"


class HostPolicy:
    """The hosts one vendor's client may call.

    `documented` are plain host names of the vendor; `extra` are `host[:port]` entries of the server's settings.
    Raises ValueError on an entry that cannot be read.
    """

    def __init__(self, documented: Iterable[str], extra: Iterable[str] = ()) -> None:
        self._documented = frozenset(_plain_host(host) for host in documented)
        self._extra = frozenset(_parse_entry(entry) for entry in extra)
        self._extra_hosts = frozenset(entry.host for entry in self._extra)

    def check_url(self, url: str, pms: str) -> None:
        """Raise ReconnectRequiredError HOST-REFUSED unless `url` may be called at all."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _refused(pms, "not an address") from None
        # Two parsers may disagree on where the host of an odd address ends: odd ones are refused.
        odd = not url.isascii() or not url.isprintable() or "\\" in url or " " in url
        if not host or odd or "@" in parts.netloc:
            raise _refused(pms, "not a plain host")
        host = _plain_host(host)
        if parts.scheme == "http":
            if host not in self._extra_hosts or not is_loopback_host(host):
                raise _refused(pms, "https only")
            return
        if parts.scheme != "https":
            raise _refused(pms, "https only")
        port = HTTPS_PORT if port is None else port
        if not self._may_use(host, port):
            raise _refused(pms, "host or port is not listed")

    def _may_use(self, host: str, port: int) -> bool:
        if host in self._documented and port == HTTPS_PORT:
            return True
        return any(entry.host == host and (entry.port or HTTPS_PORT) == port for entry in self._extra)

    def check_address(self, host: str, address: str, pms: str) -> None:
        """Raise HOST-REFUSED unless the resolved `address` of `host` is public or itself listed."""
        try:
            found = _unwrapped(ipaddress.ip_address(address.split("%")[0]))
        except ValueError:
            raise _refused(pms, "not an address") from None
        if _is_public(found) or str(found) in self._extra_hosts:
            return
        if found.is_loopback and _plain_host(host) == "localhost" and "localhost" in self._extra_hosts:
            return
        if _plain_host(host) == address and address in self._extra_hosts:
            return
        raise _refused(pms, "the host points to a private address")


def _refused(pms: str, why: str) -> ReconnectRequiredError:
    return ReconnectRequiredError("HOST-REFUSED", pms=pms, note=why)
