"""An adapter's reference cache between runs, in the connection's own rows: reference data only, never a patient.

It is good for one practice as read by one version of this program; another login's practice starts without it.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import __version__
from pmsapp.adapters.base import Adapter
from pmsapp.adapters.reference_cache import ReferenceCache
from pmsapp.models import VendorReference
from pmsapp.models.upsert import upsert
from pmsapp.services.base.transaction import reading


def load(connection_id: int, adapter: Adapter) -> None:
    """Give an adapter what an earlier one kept about the same practice."""
    with reading() as session:
        rows = session.scalars(
            select(VendorReference).where(
                VendorReference.connection_id == connection_id, VendorReference.made_for == _made_for(adapter)
            )
        ).all()
    adapter.reference_cache = ReferenceCache({row.name: (row.value, row.read_at) for row in rows})


def store(session: Session, connection_id: int, adapter: Adapter) -> None:
    """Store what an adapter has read since, in the caller's write transaction."""
    rows = [
        {
            "connection_id": connection_id,
            "name": name,
            "made_for": _made_for(adapter),
            "value": value,
            "read_at": read_at,
        }
        for name, (value, read_at) in adapter.reference_cache.fresh().items()
    ]
    upsert(
        session,
        VendorReference,
        rows,
        keys=["connection_id", "name"],
        update=["made_for", "value", "read_at"],
    )


def _made_for(adapter: Adapter) -> str:
    config = adapter.config
    parts = (
        __version__,
        adapter.info.slug,
        config.base_url,
        config.tenant_id,
        config.practice_id,
        config.organization_id,
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:24]
