"""Keyboard shortcuts per person, days handed over, and the passphrase of the downtime copy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STRICT = {"sqlite_strict": True, "sqlite_autoincrement": False}


def upgrade() -> None:
    """Nothing that is stored changes; everybody starts with the keys off."""
    op.add_column("users", sa.Column("shortcuts", types.Flag(), server_default="0", nullable=False))
    op.create_table(
        "hand_overs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("date", types.LocalDate(), nullable=False),
        sa.Column("closed_at", types.UTCDateTime(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reopened_at", types.UTCDateTime(), nullable=True),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hand_overs"),
        sa.UniqueConstraint("date", name="uq_hand_overs_date"),
        **_STRICT,
    )
    op.create_table(
        "downtime_passphrases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret_uid", sa.Text(), nullable=False),
        sa.Column("passphrase_sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("set_at", types.UTCDateTime(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_downtime_passphrases"),
        **_STRICT,
    )
