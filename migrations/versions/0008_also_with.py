"""Name the other practitioners of a joint consultation on its card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "run_sheet_appointments", sa.Column("also_practitioner_ids", sa.Text(), nullable=True)
    )
