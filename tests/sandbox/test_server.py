"""The sandbox as a server: ports, clocks, threads, and that it imports nothing of the product."""

from __future__ import annotations

import ast
import sys
import threading
from pathlib import Path

import pytest
import requests

import pmsapp.sandbox
from pmsapp.sandbox.app import create_sandbox
from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import SandboxError
from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import GentuClient, StandingClock


def test_it_takes_a_free_port_and_closes_it(now: StandingClock) -> None:
    with (
        SandboxServer(now=now, vendors=("gentu",)) as first,
        SandboxServer(now=now, vendors=("gentu",)) as two,
    ):
        assert first.port != two.port
        address = f"{first.url}/_sandbox/state"
        assert requests.get(address, timeout=5).status_code == 200
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(address, timeout=5)


def test_one_that_was_never_started_can_be_stopped(now: StandingClock) -> None:
    SandboxServer(now=now, vendors=("gentu",)).stop()


def test_a_clinic_and_faults_can_be_given(now: StandingClock) -> None:
    clinic = Clinic(7, "Australia/Perth", now)
    with SandboxServer(clinic, vendors=("gentu",), faults=("server_error:endpoint=types",)) as server:
        gentu = GentuClient(server).connect()
        assert gentu.tenant("").json()["timezone"] == "Australia/Perth"
        assert gentu.tenant("/appointment-types").status_code == 500


def test_a_paired_clinic_needs_no_code(now: StandingClock) -> None:
    with SandboxServer(now=now, vendors=("gentu",), paired=True) as server:
        gentu = GentuClient(server)
        gentu.token()
        assert [tenant["tenantAccess"] for tenant in gentu.get("/tenants").json()] == ["enabled"]


def test_all_three_vendors_are_served_unless_told_otherwise(now: StandingClock) -> None:
    with SandboxServer(now=now) as server:
        state = requests.get(f"{server.url}/_sandbox/state", timeout=5).json()
        assert {slug: about["base_url"] for slug, about in state["vendors"].items()} == {
            "gentu": server.gentu_base,
            "medirecords": server.medirecords_base,
            "halaxy": server.halaxy_base,
        }
        page = requests.get(f"{server.url}/_sandbox/connect", timeout=5).text
        for about in state["vendors"].values():
            assert about["base_url"] in page
            assert all(value in page for value in about["credentials"].values())


def test_every_generic_fault_works_at_every_vendor(now: StandingClock) -> None:
    with SandboxServer(now=now) as server:
        for slug, base in ((slug, server.base(slug)) for slug in server.sandbox.servers):
            for name, status in (
                ("rate_limited", 429),
                ("server_error", 500),
                ("bad_gateway", 502),
                ("html_ok", 200),
            ):
                server.faults.set(name, vendor=slug, times=1)
                assert requests.get(f"{base}/anything", timeout=5).status_code == status


def test_an_unknown_vendor_is_refused(now: StandingClock) -> None:
    with pytest.raises(SandboxError):
        create_sandbox(now=now, vendors=("nobody",))


def test_the_date_header_is_the_sandboxs_clock_and_comes_once(server: SandboxServer) -> None:
    answer = requests.get(f"{server.gentu_base}/tenants", timeout=5)
    assert answer.headers["Date"] == "Mon, 23 Nov 2026 00:30:00 GMT"
    assert "Werkzeug" not in str(answer.headers)


def test_requests_under_way_at_once_are_counted(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("hang")
    threads = [threading.Thread(target=gentu.day) for _ in range(4)]
    for thread in threads:
        thread.start()
    while server.requests.count(endpoint="appointments") < 4:
        threads[0].join(0.01)
    server.faults.clear()
    for thread in threads:
        thread.join(5)
    assert server.requests.peak("gentu") == 4
    server.requests.clear()
    assert server.requests.peak("gentu") == 0


def test_many_clients_at_once_read_the_same_day(server: SandboxServer, gentu: GentuClient) -> None:
    read: list[str] = []
    threads = [
        threading.Thread(target=lambda: read.append(gentu.day(include="patients").text)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(read) == 8
    assert len(set(read)) == 1


def test_an_oversized_request_is_refused(server: SandboxServer) -> None:
    answer = requests.post(f"{server.url}/_sandbox/actions", data={"action": "x" * 1_100_000}, timeout=5)
    assert answer.status_code == 413


def test_the_sandbox_imports_nothing_but_itself_flask_and_werkzeug() -> None:
    folder = Path(pmsapp.sandbox.__file__).parent
    allowed = {"flask", "werkzeug", *sys.stdlib_module_names}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                inside = name == "pmsapp.sandbox" or name.startswith("pmsapp.sandbox.")
                assert inside or name.split(".")[0] in allowed, f"{file.name}: {name}"
