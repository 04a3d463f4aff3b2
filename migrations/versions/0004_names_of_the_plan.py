"""Give the PMS tables the column names of the plan, and fill what is new in them."""

from __future__ import annotations

import json
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RENAMED = (
    ("pms_connections", "token_sealed", "access_token"),
    ("pms_connections", "last_error_message", "last_sync_error"),
    ("pms_clinician_mappings", "connection_id", "pms_connection_id"),
    ("pms_clinician_mappings", "clinician_id", "run_sheet_clinician_id"),
    ("pms_appointment_types", "connection_id", "pms_connection_id"),
    ("pms_appointment_types", "name", "pms_type_name"),
    ("pms_sync_log", "connection_id", "pms_connection_id"),
    ("pms_sync_log", "fetched", "appointments_fetched"),
    ("pms_sync_log", "created", "appointments_created"),
    ("pms_sync_log", "updated", "appointments_updated"),
    ("pms_sync_log", "skipped", "appointments_skipped"),
)
_STRICT = {"sqlite_strict": True, "sqlite_autoincrement": False}
_NEVER_REUSE_IDS = {"sqlite_strict": True, "sqlite_autoincrement": True}
_RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    """Sealed texts move as they are: what they are bound to is not the column's name of today."""
    for table, old, new in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.add_column("pms_connections", sa.Column("refresh_token", sa.Text(), nullable=True))
    for table in ("pms_clinician_mappings", "pms_appointment_types", "pms_sync_log"):
        op.add_column(table, sa.Column("updated_at", types.UTCDateTime(), nullable=True))
    op.add_column("pms_clinician_mappings", sa.Column("auto_created", types.Flag(), nullable=True))
    op.add_column("pms_sync_log", sa.Column("error_details", types.JSONText(), nullable=True))
    _fill()
    _finish_mappings()
    _finish_types()
    _finish_runs()


def _fill() -> None:
    op.execute(
        "UPDATE pms_clinician_mappings SET updated_at = CASE WHEN decided_at > last_seen_at THEN decided_at "
        "ELSE last_seen_at END"
    )
    # A column that a decision made was made in the same instant.
    op.execute(
        "UPDATE pms_clinician_mappings SET auto_created = EXISTS (SELECT 1 FROM run_sheet_clinicians AS made "
        "WHERE made.id = run_sheet_clinician_id AND made.created_at = decided_at)"
    )
    op.execute("UPDATE pms_appointment_types SET updated_at = last_seen_at")
    op.execute(
        "UPDATE pms_sync_log SET updated_at = coalesce(completed_at, heartbeat_at, started_at, requested_at)"
    )
    _fill_error_details()


def _fill_error_details() -> None:
    """The run's code, and how many of its lists ended with which code."""
    connection = op.get_bind()
    details: dict[int, dict] = defaultdict(lambda: {"code": None, "scopes": {}})
    for run_id, code in connection.exec_driver_sql(
        "SELECT id, error_code FROM pms_sync_log WHERE error_code IS NOT NULL"
    ).all():
        details[run_id]["code"] = code
    for run_id, code, lists in connection.exec_driver_sql(
        "SELECT run_id, error_code, count(*) FROM pms_sync_scopes WHERE error_code IS NOT NULL "
        "GROUP BY run_id, error_code"
    ).all():
        details[run_id]["scopes"][code] = lists
    if details:
        connection.execute(
            sa.text("UPDATE pms_sync_log SET error_details = :details WHERE id = :run_id"),
            [
                {"run_id": run_id, "details": json.dumps(detail, separators=(",", ":"), sort_keys=True)}
                for run_id, detail in details.items()
            ],
        )


def _finish_mappings() -> None:
    table = "pms_clinician_mappings"
    with op.batch_alter_table(table, table_kwargs=_STRICT) as batch:
        batch.drop_constraint(f"uq_{table}_connection_id_pms_practitioner_id", type_="unique")
        batch.drop_constraint(f"fk_{table}_connection_id", type_="foreignkey")
        batch.drop_constraint(f"fk_{table}_clinician_id", type_="foreignkey")
        batch.alter_column("updated_at", existing_type=types.UTCDateTime(), nullable=False)
        batch.alter_column("auto_created", existing_type=types.Flag(), nullable=False)
        batch.add_column(
            sa.Column("sync_enabled", types.Flag(), sa.Computed("decision = 'mapped'", persisted=True), nullable=False)
        )
        batch.add_column(_created_at("first_seen_at"))
        batch.create_unique_constraint(
            f"uq_{table}_pms_connection_id_pms_practitioner_id", ["pms_connection_id", "pms_practitioner_id"]
        )
        batch.create_foreign_key(
            f"fk_{table}_pms_connection_id", "pms_connections", ["pms_connection_id"], ["id"], ondelete="CASCADE"
        )
        batch.create_foreign_key(
            f"fk_{table}_run_sheet_clinician_id", "run_sheet_clinicians", ["run_sheet_clinician_id"], ["id"]
        )


def _finish_types() -> None:
    table = "pms_appointment_types"
    with op.batch_alter_table(table, table_kwargs=_STRICT) as batch:
        batch.drop_constraint(f"uq_{table}_connection_id_pms_type_id", type_="unique")
        batch.drop_constraint(f"fk_{table}_connection_id", type_="foreignkey")
        batch.alter_column("updated_at", existing_type=types.UTCDateTime(), nullable=False)
        batch.add_column(_created_at("first_seen_at"))
        batch.create_unique_constraint(
            f"uq_{table}_pms_connection_id_pms_type_id", ["pms_connection_id", "pms_type_id"]
        )
        batch.create_foreign_key(
            f"fk_{table}_pms_connection_id", "pms_connections", ["pms_connection_id"], ["id"], ondelete="CASCADE"
        )


def _finish_runs() -> None:
    """Ids of runs that were deleted must not come back: SQLite forgets them when a table is made anew."""
    table = "pms_sync_log"
    connection = op.get_bind()
    given = None
    if connection.dialect.name == "sqlite":
        given = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'pms_sync_log'").scalar()
    op.drop_index("ix_runs_connection", table_name=table)
    op.drop_index("uq_runs_one_running", table_name=table)
    with op.batch_alter_table(table, table_kwargs=_NEVER_REUSE_IDS) as batch:
        batch.drop_constraint(f"fk_{table}_connection_id", type_="foreignkey")
        batch.alter_column("updated_at", existing_type=types.UTCDateTime(), nullable=False)
        batch.add_column(_created_at("requested_at"))
        batch.create_foreign_key(
            f"fk_{table}_pms_connection_id", "pms_connections", ["pms_connection_id"], ["id"], ondelete="CASCADE"
        )
    op.create_index("ix_runs_connection", table, ["pms_connection_id", "id"])
    op.create_index(
        "uq_runs_one_running",
        table,
        ["pms_connection_id"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    if given is not None:
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'pms_sync_log'")
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('pms_sync_log', ?)", (given,))


def _created_at(same_as: str) -> sa.Column:
    return sa.Column(
        "created_at", types.UTCDateTime(), sa.Computed(same_as, persisted=True), nullable=False
    )
