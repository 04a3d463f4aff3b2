"""Set-ups that are not finished are kept for two weeks, and a clinic says what becomes of types that appear later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = "pms_setup_drafts"


def upgrade() -> None:
    op.add_column("pms_connections", sa.Column("new_types", sa.Text(), server_default="ask", nullable=False))
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pms_type", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("secret_uid", sa.Text(), nullable=False),
        sa.Column("fields_sealed", sa.Text(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("found", types.JSONText(), nullable=True),
        sa.Column("choices", types.JSONText(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("touched_by", sa.Text(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("updated_at", types.UTCDateTime(), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=f"fk_{_TABLE}_connection_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("connection_id", name=f"uq_{_TABLE}_connection_id"),
        sqlite_strict=True,
        sqlite_autoincrement=False,
    )
    op.create_index(
        "uq_setup_drafts_one_before_connecting",
        _TABLE,
        ["pms_type"],
        unique=True,
        sqlite_where=sa.text("connection_id IS NULL"),
        postgresql_where=sa.text("connection_id IS NULL"),
    )
