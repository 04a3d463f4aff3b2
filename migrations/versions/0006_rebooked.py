"""Link a cancelled card with the one booked anew, and say from whom a card moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (
        ("moved_from_clinician_id", sa.Integer()),
        ("rebooked_from_id", sa.Integer()),
        ("rebooked_to_id", sa.Integer()),
        ("taken_over_at", types.UTCDateTime()),
    ):
        op.add_column("run_sheet_appointments", sa.Column(name, kind, nullable=True))
