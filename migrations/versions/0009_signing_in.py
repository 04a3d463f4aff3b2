"""Know browsers again, second factors, one-time links, and counters of failed sign-ins that never lock anybody out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STRICT = {"sqlite_strict": True, "sqlite_autoincrement": False}
_NEVER_REUSE_IDS = {"sqlite_strict": True, "sqlite_autoincrement": True}


def upgrade() -> None:
    """Nobody loses a password or a session; counted failures start anew."""
    op.add_column("users", sa.Column("must_change_password", types.Flag(), server_default="0", nullable=False))
    op.add_column("clinic", sa.Column("require_second_factor", types.Flag(), server_default="0", nullable=False))
    op.add_column("user_sessions", sa.Column("browser", sa.Text(), nullable=True))
    _browsers_and_links()
    _second_factors()
    _throttles()


def _of_user(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
        ),
    ]


def _browsers_and_links() -> None:
    op.create_table(
        "known_browsers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=True),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_used_at", types.UTCDateTime(), nullable=False),
        *_of_user("known_browsers"),
        sa.UniqueConstraint("user_id", "token_hash", name="uq_known_browsers_user_id_token_hash"),
        **_NEVER_REUSE_IDS,
    )
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(), nullable=False),
        sa.Column("used_at", types.UTCDateTime(), nullable=True),
        *_of_user("one_time_links"),
        sa.UniqueConstraint("token_hash", name="uq_one_time_links_token_hash"),
        **_STRICT,
    )
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"])


def _second_factors() -> None:
    op.create_table(
        "second_factors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret_uid", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("enabled_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=True),
        *_of_user("second_factors"),
        sa.UniqueConstraint("user_id", name="uq_second_factors_user_id"),
        **_STRICT,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", types.UTCDateTime(), nullable=True),
        *_of_user("recovery_codes"),
        **_STRICT,
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])


def _throttles() -> None:
    op.drop_table("login_throttles")
    op.create_table(
        "login_throttles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_throttles"),
        sa.UniqueConstraint("key_hash", name="uq_login_throttles_key_hash"),
        **_STRICT,
    )
    op.create_index("ix_login_throttles_last_failure_at", "login_throttles", ["last_failure_at"])
