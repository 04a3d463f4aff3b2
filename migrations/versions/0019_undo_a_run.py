"""How cards stood before a run is kept for a day, so that it can be undone; a run counts its calls to the vendor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLE = "run_sheet_before"


def upgrade() -> None:
    op.add_column("pms_sync_log", sa.Column("requests_made", sa.Integer(), nullable=True))
    op.add_column("pms_sync_log", sa.Column("undone", types.JSONText(), nullable=True))
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.Integer(), nullable=False),
        sa.Column("before", types.JSONText(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pms_sync_log.id"], name=f"fk_{_TABLE}_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["run_sheet_appointments.id"],
            name=f"fk_{_TABLE}_appointment_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("run_id", "appointment_id", name=f"uq_{_TABLE}_run_id_appointment_id"),
        sqlite_strict=True,
        sqlite_autoincrement=False,
    )
    op.create_index("ix_before_card", _TABLE, ["appointment_id"])
