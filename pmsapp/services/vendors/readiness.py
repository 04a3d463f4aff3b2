"""May this connection be read at all? Asked before updates are switched on and before a run is queued."""

from __future__ import annotations

from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import message_for
from pmsapp.models import PMSConnection
from pmsapp.services.base.errors import Conflict
from pmsapp.services.vendors import adapters as vendor_adapters


def require_ready(row: PMSConnection) -> None:
    """Raise Conflict NOT-PAIRED or NO-LOGIN, with what to do, while there is nothing to read with."""
    info = get_info(row.pms_type)
    if info.capabilities.pairing and row.tenant_id is None:
        raise Conflict("NOT-PAIRED", f"{message_for('NOT-PAIRED', info.label)}.")
    if not vendor_adapters.has_credentials(info, is_stored=row.credentials_sealed is not None):
        raise Conflict("NO-LOGIN", f"There is no {info.label} login yet; enter it first.")
