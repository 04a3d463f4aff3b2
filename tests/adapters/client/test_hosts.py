"""Which addresses may be called: the list of hosts, and the addresses behind their names at the connect."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.domain.errors import PMSError, ReconnectRequiredError, RetryLaterError
from tests.support.cases import check_each

DOCUMENTED = ("api.vendor.example",)


def _code_for(policy: HostPolicy, url: str) -> str | None:
    try:
        policy.check_url(url, "Testsoft")
    except ReconnectRequiredError as exc:
        return exc.code
    return None


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vendor.example/v1",
        "https://API.Vendor.Example:443/v1",
        "https://api.vendor.example./v1",
        "https://extra.example/v1",
        "https://ports.example:8443/v1",
        "http://127.0.0.1:5001/v1",
        "http://127.0.0.1/v1",
        "http://localhost:80/v1",
        "https://10.1.2.3/v1",
        "https://[fd00::1]:9443/v1",
    ],
)
def test_what_is_documented_or_listed_may_be_called(url: str) -> None:
    policy = HostPolicy(
        DOCUMENTED,
        ["extra.example", "ports.example:8443", "127.0.0.1", "localhost:1234", "10.1.2.3", "[fd00::1]:9443"],
    )
    assert _code_for(policy, url) is None


REFUSED = [
    "http://api.vendor.example/v1",
    "http://extra.example/v1",
    "http://10.1.2.3/v1",
    "https://api.vendor.example:8443/v1",
    "https://ports.example/v1",
    "https://other.example/v1",
    "https://api.vendor.example.evil.example/v1",
    "https://evil.example/api.vendor.example",
    "https://api.vendor.example@evil.example/v1",
    "https://user:secret@api.vendor.example/v1",
    "https://127.0.0.1/v1",
    "https://127.1/v1",
    "https://0x7f.1/v1",
    "https://2130706433/v1",
    "https://0177.0.0.1/v1",
    "https://[::1]/v1",
    "https://[::ffff:10.0.0.1]/v1",
    "https://169.254.169.254/latest/meta-data",
    "https://xn--pi-yia.vendor.example/v1",
    "https://аpi.vendor.example/v1",
    "ftp://api.vendor.example/v1",
    "file:///etc/passwd",
    "//api.vendor.example/v1",
    "https:///v1",
    "https://api.vendor.example:99999/v1",
    "https://[api.vendor.example/v1",
    "https://evil.example\\@api.vendor.example/v1",
    "https://api.vendor.example\t.evil.example/v1",
    "https://api.vendor.example /v1",
    "",
]


def test_everything_else_is_refused() -> None:
    policy = HostPolicy(DOCUMENTED, ["ports.example:8443", "10.1.2.3", "extra.example"])

    def check(url: str) -> None:
        assert _code_for(policy, url) == "HOST-REFUSED"

    check_each(REFUSED, check, repr)


@pytest.mark.parametrize(
    "entry", ["", "https://a.example", "a.example/path", "a.example:x", "::zz", "a@b.example"]
)
def test_an_entry_that_cannot_be_read_is_told(entry: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HostPolicy((), [entry])


PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",  # noqa: S104 - an address to refuse, not one to bind
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:0a00:0001::",
    "not an address",
]


def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    def check(address: str) -> None:
        with pytest.raises(ReconnectRequiredError) as caught:
            HostPolicy(DOCUMENTED).check_address("api.vendor.example", address, "Testsoft")
        assert caught.value.code == "HOST-REFUSED"

    check_each(PRIVATE, check)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_a_public_address_may_be_called(address: str) -> None:
    HostPolicy(DOCUMENTED).check_address("api.vendor.example", address, "Testsoft")


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost", "::1"),
        ("localhost:5000", "localhost", "127.0.0.1"),
        ("10.1.2.3", "pms.example", "10.1.2.3"),
        ("[fd00::1]:443", "fd00::1", "fd00::1"),
    ],
)
def test_a_private_address_may_be_called_when_it_is_listed_itself(
    entry: str, host: str, address: str
) -> None:
    HostPolicy((), [entry]).check_address(host, address, "Testsoft")


@pytest.mark.parametrize(("entry", "address"), [("pms.example", "10.1.2.3"), ("localhost", "10.0.0.1")])
def test_listing_a_name_does_not_list_the_private_addresses_behind_it(entry: str, address: str) -> None:
    with pytest.raises(ReconnectRequiredError):
        HostPolicy((), [entry]).check_address(entry, address, "Testsoft")


# At the connect


def _client(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> tuple[HTTPClient, list[str]]:
    """A client of the documented host whose name resolves to `answers` in turn; and what it connected to."""
    left = list(answers)
    called: list[str] = []

    def look_up(
        host: str, port: int, *_: object, **__: object
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("pmsapp.adapters.client.transport.urllib3_connection.create_connection", connect)
    return (
        HTTPClient(
            "https://api.vendor.example",
            label="Testsoft",
            user_agent="t",
            hosts=HostPolicy(DOCUMENTED),
            retries=1,
            backoff_s=0,
        ),
        called,
    )


def _code(client: HTTPClient) -> str:
    with pytest.raises(PMSError) as caught:
        client.get("things", kind="things")
    return caught.value.code


def test_the_address_that_was_checked_is_the_address_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    client, called = _client(monkeypatch, ["93.184.216.34", "93.184.216.35"])
    assert _code(client) == "PMS-DOWN"
    assert called == ["93.184.216.34", "93.184.216.35"] * 2


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    client, called = _client(monkeypatch, ["93.184.216.34", "::ffff:10.0.0.1"])
    assert _code(client) == "HOST-REFUSED"
    assert called == []


def test_a_name_that_turns_private_between_tries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client, called = _client(monkeypatch, ["93.184.216.34"], ["192.168.0.1"])
    assert _code(client) == "HOST-REFUSED"
    assert called == ["93.184.216.34"]


def test_a_base_address_that_is_not_listed_is_refused_before_any_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look_up(*_: object, **__: object) -> object:
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = HTTPClient(
        "https://evil.example", label="Testsoft", user_agent="t", hosts=HostPolicy(DOCUMENTED)
    )
    assert _code(client) == "HOST-REFUSED"


def test_a_refused_host_is_not_the_vendor_being_down() -> None:
    with pytest.raises(ReconnectRequiredError):
        HostPolicy(()).check_url("https://api.vendor.example", "Testsoft")
    assert not issubclass(ReconnectRequiredError, RetryLaterError)
