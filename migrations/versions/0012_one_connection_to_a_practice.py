"""A practice is connected once: who claims it, and the ids by which its vendor knows it.

Where a practice is connected twice already, the older connection claims it and the younger one stays as it is, unclaimed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PRACTICE = "coalesce({row}.practice_fingerprint, {row}.tenant_id, {row}.practice_id)"
_CLAIM = "lower(" + _PRACTICE + ") || '|' || lower(coalesce({row}.organization_id, ''))"


def upgrade() -> None:
    op.add_column("pms_connections", sa.Column("practice_marks", types.JSONText(), nullable=True))
    op.add_column("pms_connections", sa.Column("practice_claim", sa.Text(), nullable=True))
    mine, theirs = _CLAIM.format(row="pms_connections"), _CLAIM.format(row="older")
    op.execute(
        f"UPDATE pms_connections SET practice_claim = {mine} WHERE NOT EXISTS ("
        "SELECT 1 FROM pms_connections older WHERE older.id < pms_connections.id "
        f"AND older.pms_type = pms_connections.pms_type AND {theirs} = {mine})"
    )
    op.create_index(
        "uq_connections_practice",
        "pms_connections",
        ["pms_type", "practice_claim"],
        unique=True,
        sqlite_where=sa.text("practice_claim IS NOT NULL"),
        postgresql_where=sa.text("practice_claim IS NOT NULL"),
    )
