"""One token request however many ask: threads, processes, expired and refused tokens, faults and crashes."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, current_app
from sqlalchemy import update

from pmsapp import clock
from pmsapp.adapters.client.tokens import Token
from pmsapp.domain.errors import PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.extensions import key_ring
from pmsapp.factory import create_app
from pmsapp.models import PMSConnection, TokenLease
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import connections
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import token_store
from pmsapp.services.vendors.token_store import FixedTokens, StoredTokens
from pmsapp.settings import Settings, load_settings
from tests.support.connecting import ADMIN, LOGIN, count, gentu_access, paired_gentu, vendor_settings

pytestmark = pytest.mark.usefixtures("app")
# How long a busy machine may take to start threads and processes; nobody waits that long on a quiet one.
PATIENCE_S = 120


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def connection_id(app: Flask, sandbox: SandboxServer) -> int:
    return paired_gentu(sandbox)


class Mint:
    """Counts how often a token is fetched; every token is another one."""

    def __init__(self, error: PMSError | None = None) -> None:
        self.calls = 0
        self.error = error
        self._lock = threading.Lock()
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> Token:
        with self._lock:
            self.calls += 1
            number = self.calls
        self.inside.set()
        self.go_on.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return Token(f"token-{number}", clock.now() + timedelta(hours=1))


def source(connection_id: int, mint: Callable[[], Token]) -> StoredTokens:
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return StoredTokens(connection_id, mint, app_context=app.app_context, pms="Gentu")


def forget_token(connection_id: int, expires_at: datetime | None = None) -> None:
    """Let the stored token be over, or be gone."""
    with writing() as session:
        row = session.get_one(PMSConnection, connection_id)
        token = Token("old", expires_at) if expires_at else None
        encrypted_columns.seal_token(key_ring(), row, token, clock.now())


def stored(connection_id: int) -> Token | None:
    with reading() as session:
        return encrypted_columns.open_token(key_ring(), session.get_one(PMSConnection, connection_id))


def ask_in_threads(ask: Callable[[], Token], threads: int) -> list[str]:
    barrier = threading.Barrier(threads)

    def ask_once() -> str:
        barrier.wait(PATIENCE_S)
        return ask().access_token

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(ask_once) for _ in range(threads)]
        return [future.result(PATIENCE_S) for future in futures]


def test_twenty_threads_with_an_expired_token_make_one_request(connection_id: int) -> None:
    forget_token(connection_id, clock.now() - timedelta(seconds=1))
    mint = Mint()
    tokens = source(connection_id, mint)
    assert set(ask_in_threads(tokens.get, 20)) == {"token-1"}
    assert mint.calls == 1
    assert count(TokenLease) == 0


def test_twenty_threads_with_a_refused_token_make_one_request(
    sandbox: SandboxServer, connection_id: int
) -> None:
    gentu_access(sandbox).expire_all()
    before = sandbox.requests.count(endpoint="token")
    adapter = vendor_adapters.adapter_for(connection_id)
    barrier = threading.Barrier(20)

    def read() -> int:
        barrier.wait(PATIENCE_S)
        return len(adapter.list_practitioners())

    with closing(adapter.client), ThreadPoolExecutor(20) as pool:
        found = {future.result(PATIENCE_S) for future in [pool.submit(read) for _ in range(20)]}
    assert len(found) == 1
    assert sandbox.requests.count(endpoint="token") == before + 1


def _read_in_another_process(instance: Path, sandbox_url: str, connection_id: int, start: object) -> None:
    settings = load_settings(
        {
            "PMSAPP_GENTU_BASE_URL": sandbox_url,
            "PMSAPP_ALLOWED_PMS_HOSTS": "127.0.0.1",
            "PMSAPP_GENTU_REQUESTS_PER_MINUTE": "6000",
        },
        instance_dir=instance,
    )
    with create_app(settings).app_context():
        adapter = vendor_adapters.adapter_for(connection_id)
        start.wait(PATIENCE_S)  # type: ignore[attr-defined]
        with closing(adapter.client):
            assert adapter.list_practitioners()


def test_two_processes_with_an_expired_token_make_one_request(
    sandbox: SandboxServer, connection_id: int, settings: Settings
) -> None:
    forget_token(connection_id, clock.now() - timedelta(seconds=1))
    sandbox.faults.set("slow", vendor="gentu", endpoint="token", seconds=0.4)
    before = sandbox.requests.count(endpoint="token")
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    args = (settings.instance_dir, sandbox.gentu_base, connection_id, start)
    processes = [spawn.Process(target=_read_in_another_process, args=args) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(2 * PATIENCE_S)
    assert [process.exitcode for process in processes] == [0, 0]
    assert sandbox.requests.count(endpoint="token") == before + 1


def test_a_token_is_committed_before_it_is_used(connection_id: int) -> None:
    forget_token(connection_id)
    token = source(connection_id, Mint()).get()
    kept = stored(connection_id)
    assert kept is not None
    assert kept.access_token == token.access_token


def test_a_good_token_is_taken_from_the_database(connection_id: int) -> None:
    forget_token(connection_id, clock.now() + timedelta(minutes=5))
    mint = Mint()
    assert source(connection_id, mint).get().access_token == "old"
    assert mint.calls == 0


def test_a_token_somebody_else_just_renewed_is_taken(connection_id: int) -> None:
    forget_token(connection_id, clock.now() + timedelta(minutes=5))
    mint = Mint()
    assert source(connection_id, mint).renew(Token("older", None)).access_token == "old"
    assert mint.calls == 0
    assert source(connection_id, mint).renew(Token("old", None)).access_token == "token-1"


def test_a_network_fault_is_passed_on_as_it_is_and_frees_the_lease(connection_id: int) -> None:
    forget_token(connection_id)
    mint = Mint(RetryLaterError("PMS-DOWN", pms="Gentu"))
    with pytest.raises(RetryLaterError) as fault:
        source(connection_id, mint).get()
    assert fault.value.code == "PMS-DOWN"
    assert count(TokenLease) == 0
    assert connections.get_connection(connection_id).last_sync_error is None
    mint.error = None
    assert source(connection_id, mint).get().access_token == "token-2"


def test_those_who_queued_behind_a_refusal_do_not_ask_again(connection_id: int) -> None:
    forget_token(connection_id)
    mint = Mint(ReconnectRequiredError("AUTH-REFUSED", pms="Gentu"))
    mint.go_on.clear()
    tokens = source(connection_id, mint)
    codes: list[str] = []

    def ask() -> None:
        try:
            tokens.get()
        except PMSError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    assert mint.inside.wait(PATIENCE_S)
    mint.go_on.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert codes == ["AUTH-REFUSED"] * 10
    assert mint.calls < 10


def test_a_fetch_that_has_just_failed_is_not_begun_again_for_the_next_list_of_a_run(
    connection_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_token(connection_id)
    mint = Mint(RetryLaterError("PMS-DOWN", pms="Gentu"))
    tokens = source(connection_id, mint)
    for _ in range(2):
        with pytest.raises(RetryLaterError):
            tokens.get()
    assert mint.calls == 1
    later_s = clock.monotonic_s() + token_store.FAILED_S + 1
    monkeypatch.setattr(clock, "monotonic_s", lambda: later_s)
    mint.error = None
    assert tokens.get().access_token == "token-2"


def test_a_crash_between_reply_and_commit_is_overcome_when_the_lease_lapses(connection_id: int) -> None:
    forget_token(connection_id)
    with writing() as session:
        session.add(
            TokenLease(
                connection_id=connection_id,
                holder="a process that died",
                expires_at=clock.now() + timedelta(milliseconds=300),
            )
        )
    mint = Mint()
    assert source(connection_id, mint).get().access_token == "token-1"
    assert count(TokenLease) == 0


def test_a_token_for_a_login_that_was_replaced_meanwhile_is_dropped(connection_id: int) -> None:
    forget_token(connection_id)
    mint = Mint()
    mint.go_on.clear()
    got: list[str] = []
    tokens = source(connection_id, mint)
    thread = threading.Thread(target=lambda: got.append(tokens.get().access_token))
    thread.start()
    assert mint.inside.wait(PATIENCE_S)
    connections.update_connection(connection_id, ADMIN, credentials={"client_secret": LOGIN["client_secret"]})
    mint.go_on.set()
    thread.join(PATIENCE_S)
    assert got == ["token-2"]


def test_a_connection_that_is_gone_gives_no_token(connection_id: int) -> None:
    tokens = source(connection_id, Mint())
    connections.delete_connection(connection_id, "strike", ADMIN)
    with pytest.raises(ReconnectRequiredError):
        tokens.get()


def test_a_new_login_is_used_by_an_adapter_that_was_there_before(
    sandbox: SandboxServer, connection_id: int
) -> None:
    adapter = vendor_adapters.adapter_for(connection_id)
    with writing() as session:
        row = session.get_one(PMSConnection, connection_id)
        encrypted_columns.seal_credentials(
            key_ring(), row, {**LOGIN, "client_secret": "changed at the vendor"}
        )
        encrypted_columns.seal_token(key_ring(), row, None, None)
    with closing(adapter.client):
        with pytest.raises(ReconnectRequiredError) as refused:
            adapter.list_practitioners()
        assert refused.value.code == "AUTH-REFUSED"
        connections.update_connection(connection_id, ADMIN, credentials=LOGIN)
        assert adapter.list_practitioners()


def test_the_vendors_refusals_need_somebody(sandbox: SandboxServer, connection_id: int) -> None:
    sandbox.faults.set("unauthorized", vendor="gentu", endpoint="practitioners")
    before = sandbox.requests.count(endpoint="token")
    adapter = vendor_adapters.adapter_for(connection_id)
    with closing(adapter.client), pytest.raises(ReconnectRequiredError) as refused:
        adapter.list_practitioners()
    assert refused.value.code == "AUTH-EXPIRED"
    assert sandbox.requests.count(endpoint="token") == before + 1, "renewed once, not for ever"


def test_a_fixed_token_is_replaced_by_a_person_only() -> None:
    current, asked = ["one"], []
    tokens = FixedTokens(lambda: asked.append(1) or Token(current[0], None), pms="MediRecords")  # type: ignore[func-returns-value]
    assert [tokens.get().access_token for _ in range(3)] == ["one"] * 3
    assert len(asked) == 1, "read once, not for each request"
    with pytest.raises(ReconnectRequiredError) as refused:
        tokens.renew(Token("one", None))
    assert refused.value.code == "AUTH-EXPIRED"
    current[0] = "two"
    assert tokens.renew(Token("one", None)).access_token == "two"
    assert tokens.get().access_token == "two"


def test_a_token_that_does_not_open_is_fetched_again(connection_id: int) -> None:
    with writing() as session:
        session.execute(update(PMSConnection).values(access_token="v1.nokey.AAAA"))
    assert source(connection_id, Mint()).get().access_token == "token-1"
