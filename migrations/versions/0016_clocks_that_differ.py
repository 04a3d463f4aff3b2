"""Keep how far the vendor's clock was from ours in the last update."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pms_connections", sa.Column("clock_skew_s", types.Number(), nullable=True))
