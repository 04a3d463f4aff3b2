"""A key for the log's chain, a beginning for it once old rows are purged, and patients who were erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import audit_triggers
from pmsapp.models import column_types as types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NEVER_REUSE_IDS = {"sqlite_strict": True, "sqlite_autoincrement": True}


def upgrade() -> None:
    """Rows already there keep the hash they have; the first row after this one begins the part with a key."""
    op.add_column("audit_events", sa.Column("key_id", sa.Integer(), nullable=True))
    op.create_index("ix_audit_subject", "audit_events", ["subject", "id"])
    op.create_table(
        "audit_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_keys"),
        **_NEVER_REUSE_IDS,
    )
    op.create_table(
        "audit_cuts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("through_id", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.Text(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_cuts"),
        **_NEVER_REUSE_IDS,
    )
    op.create_table(
        "erased_patients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_digest", sa.Text(), nullable=True),
        sa.Column("cards", sa.Integer(), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("erased_at", types.UTCDateTime(), nullable=False),
        sa.Column("scrubbed_at", types.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erased_patients"),
        sa.UniqueConstraint("patient_digest", name="uq_erased_patients_patient_digest"),
        **_NEVER_REUSE_IDS,
    )
    connection = op.get_bind()
    for statement in audit_triggers.statements_for_cuts(connection.dialect.name):
        connection.exec_driver_sql(statement)
