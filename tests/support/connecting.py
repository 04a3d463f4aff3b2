"""Help for tests that connect to the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from pmsapp.domain.actor import Actor
from pmsapp.models.base import Base
from pmsapp.sandbox.gentu.access import APP_ID, CLIENT_ID, CLIENT_SECRET, GentuAccess
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections import connections
from pmsapp.settings import VendorSettings

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
    view = connections.create_connection(ADMIN, pms_type="gentu", credentials=LOGIN, **more)
    connections.pair(view.id, gentu_access(sandbox).make_code(), ADMIN)
    return view.id


def count(model: type[Base]) -> int:
    """How many rows a table has."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
