"""The guard of `tests/support/network.py` itself."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import NetworkRefusedError


def test_an_address_outside_is_refused() -> None:
    with socket.socket() as sock, pytest.raises(NetworkRefusedError):
        sock.connect(("192.0.2.1", 80))


def test_a_name_outside_is_not_looked_up() -> None:
    with pytest.raises(NetworkRefusedError):
        socket.getaddrinfo("example.org", 443)


def test_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        sock.connect(server.getsockname())
