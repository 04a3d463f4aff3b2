"""Say on a card that its patient is recorded as deceased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_sheet_appointments", sa.Column("patient_has_died", types.Flag(), nullable=True))
