"""Tell apart when a visit was cancelled in the practice software and when that was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_sheet_appointments", sa.Column("pms_cancelled_at", types.UTCDateTime(), nullable=True))
