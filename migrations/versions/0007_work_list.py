"""Keep reception's steps with their times, who looked at what, and how late a clinician runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OF_CARD = (
    ("state_since", types.UTCDateTime()),
    ("waiting_since", types.UTCDateTime()),
    ("attempts", types.JSONText()),
    ("identity_check", types.JSONText()),
    ("claimed_key", sa.Text()),
    ("claimed_by", sa.Text()),
    ("claimed_at", types.UTCDateTime()),
)
_NUMBERS_OF_CLINICIAN = (
    ("notice_after_minutes", "10"),
    ("warn_after_minutes", "15"),
    ("urgent_after_minutes", "30"),
    ("running_late_minutes", "0"),
)


def upgrade() -> None:
    for name, kind in _OF_CARD:
        op.add_column("run_sheet_appointments", sa.Column(name, kind, nullable=True))
    for name, default in _NUMBERS_OF_CLINICIAN:
        op.add_column(
            "run_sheet_clinicians", sa.Column(name, sa.Integer(), nullable=False, server_default=default)
        )
    op.add_column("run_sheet_clinicians", sa.Column("running_late_on", types.LocalDate(), nullable=True))
    op.add_column("run_sheet_clinicians", sa.Column("running_late_by", sa.Text(), nullable=True))
    op.add_column("run_sheet_clinicians", sa.Column("running_late_at", types.UTCDateTime(), nullable=True))
    op.add_column("users", sa.Column("sheet_view", sa.Text(), nullable=True))
    op.create_table(
        "run_sheet_looks",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_sheet_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_run_sheet_looks_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_sheet_id"],
            ["run_sheets.id"],
            name=op.f("fk_run_sheet_looks_run_sheet_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "run_sheet_id", name=op.f("pk_run_sheet_looks")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "run_sheet_card_looks",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("appointment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_run_sheet_card_looks_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["run_sheet_appointments.id"],
            name=op.f("fk_run_sheet_card_looks_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "appointment_id", name=op.f("pk_run_sheet_card_looks")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
