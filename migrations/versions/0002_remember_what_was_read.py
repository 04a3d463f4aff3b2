"""Remember reference data between runs, when each card's patient was read, and which host asked us to wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pms_patient_reads",
        sa.Column("appointment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("read_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["run_sheet_appointments.id"],
            name=op.f("fk_pms_patient_reads_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appointment_id", name=op.f("pk_pms_patient_reads")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_vendor_memory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_for", sa.Text(), nullable=False),
        sa.Column("value", types.JSONText(), nullable=False),
        sa.Column("read_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_vendor_memory_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_vendor_memory")),
        sa.UniqueConstraint("connection_id", "name", name=op.f("uq_pms_vendor_memory_connection_id_name")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "vendor_blocks",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("until", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_vendor_blocks")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
