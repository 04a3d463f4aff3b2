"""Help for tests that connect to the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from sqlalchemy import func, select

from pmsapp.domain.actor import Actor
from pmsapp.models.base import Base
from pmsapp.sandbox.gentu.access import APP_ID, CLIENT_ID, CLIENT_SECRET, GentuAccess, PairingCode
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections import connections
from pmsapp.settings import VendorSettings
from tests.support import prepared

_T = TypeVar("_T")
Access = tuple[tuple[Any, ...], ...]
ADMIN = Actor(kind="user", name="Mel", id=1, role="admin")
LOGIN = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "app_id": APP_ID}
FAST = 6000


def vendor_settings(sandbox: SandboxServer) -> Mapping[str, VendorSettings]:
    """Every vendor at the sandbox, as fast as it will go."""
    return {
        vendor.upper(): VendorSettings(base_url=sandbox.base(vendor), requests_per_minute=FAST, concurrency=8)
        for vendor in ("gentu", "medirecords", "halaxy")
    }


def gentu_access(sandbox: SandboxServer) -> GentuAccess:
    """Tokens, codes and paired practices of the sandbox's Gentu."""
    server: Any = sandbox.sandbox.servers["gentu"]
    access: GentuAccess = server.access
    return access


def paired_gentu(sandbox: SandboxServer, **more: Any) -> int:
    """A Gentu connection paired with the sandbox's first clinic; its id."""

    def pair() -> int:
        view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN, **more)
        connections.pair(view.id, gentu_access(sandbox).make_code(), ADMIN)
        return view.id

    return connected_once(sandbox, ("paired", *sorted(more.items())), pair)


def connected_once(sandbox: SandboxServer, key: Hashable, build: Callable[[], _T]) -> _T:
    """As `prepared.once`, for what is connected to the sandbox's Gentu: that remembers the same as the database."""

    def connect() -> tuple[_T, Access]:
        return build(), remembered(sandbox)

    made, access = prepared.once((sandbox.url, remembered(sandbox), key), connect)
    remember(sandbox, access)
    return made


def remembered(sandbox: SandboxServer) -> Access:
    """What the sandbox's Gentu knows about tokens, codes and pairings, as plain data."""
    access, clinics = gentu_access(sandbox), sandbox.sandbox.clinics
    return (
        tuple(access._tokens.items()),
        tuple(access._withdrawn),
        tuple((code.code, clinics.index(code.clinic), code.state) for code in access._codes.values()),
        tuple((tenant, clinics.index(clinic)) for tenant, clinic in access._paired.items()),
        tuple(access._disabled),
    )


def remember(sandbox: SandboxServer, known: Access) -> None:
    """Let the sandbox's Gentu know that."""
    access, clinics = gentu_access(sandbox), sandbox.sandbox.clinics
    tokens, withdrawn, codes, paired, disabled = known
    access._tokens, access._withdrawn, access._disabled = dict(tokens), set(withdrawn), set(disabled)
    access._codes = {code: PairingCode(code, clinics[place], state) for code, place, state in codes}
    access._paired = {tenant: clinics[place] for tenant, place in paired}


def count(model: type[Base]) -> int:
    """How many rows a table has."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
