"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import audit_triggers
from pmsapp.models import column_types as types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", types.UTCDateTime(), nullable=True),
        sa.Column("last_used_at", types.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("detail", types.JSONText(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("remote_addr", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index("ix_audit_at", ["at"], unique=False)

    op.create_table(
        "clinic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("hours", types.JSONText(), nullable=False),
        sa.Column("closed_days", types.JSONText(), nullable=False),
        sa.Column("jitter_s", sa.Integer(), nullable=False),
        sa.Column("is_training", types.Flag(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("updated_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "login_throttles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", types.UTCDateTime(), nullable=False),
        sa.Column("blocked_until", types.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_throttles")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_login_throttles_key_hash")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "metric_counters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("labels", types.JSONText(), nullable=False),
        sa.Column("value", types.Number(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_counters")),
        sa.UniqueConstraint("name", "labels", name=op.f("uq_metric_counters_name_labels")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_connections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pms_type", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("practice_name", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.Text(), nullable=True),
        sa.Column("practice_id", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=True),
        sa.Column("practice_fingerprint", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("time_zone_chosen", types.Flag(), nullable=False),
        sa.Column("secret_uid", sa.Text(), nullable=False),
        sa.Column("credentials_sealed", sa.Text(), nullable=True),
        sa.Column("token_sealed", sa.Text(), nullable=True),
        sa.Column("token_expires_at", types.UTCDateTime(), nullable=True),
        sa.Column("token_minted_at", types.UTCDateTime(), nullable=True),
        sa.Column("webhook_secret_sealed", sa.Text(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sync_enabled", types.Flag(), nullable=False),
        sa.Column("sync_frequency_minutes", sa.Integer(), nullable=False),
        sa.Column("sync_telehealth_only", types.Flag(), nullable=False),
        sa.Column("last_sync_at", types.UTCDateTime(), nullable=True),
        sa.Column("last_sync_status", sa.Text(), nullable=True),
        sa.Column("last_error_code", sa.Text(), nullable=True),
        sa.Column("last_error_message", sa.Text(), nullable=True),
        sa.Column("next_sync_at", types.UTCDateTime(), nullable=True),
        sa.Column("next_sync_reason", sa.Text(), nullable=True),
        sa.Column("not_before", types.UTCDateTime(), nullable=True),
        sa.Column("failures_in_row", sa.Integer(), nullable=False),
        sa.Column("paused_until", types.UTCDateTime(), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reference_read_at", types.UTCDateTime(), nullable=True),
        sa.Column("config_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("updated_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_connections")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_table(
        "process_beats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("started_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_beats")),
        sa.UniqueConstraint("name", name=op.f("uq_process_beats_name")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "run_sheet_clinicians",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("active", types.Flag(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_sheet_clinicians")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "run_sheets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("date", types.LocalDate(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("updated_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_sheets")),
        sa.UniqueConstraint("date", name=op.f("uq_run_sheets_date")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "scheduled_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_started_at", types.UTCDateTime(), nullable=True),
        sa.Column("last_ended_at", types.UTCDateTime(), nullable=True),
        sa.Column("last_result", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("data", types.JSONText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_tasks")),
        sa.UniqueConstraint("name", name=op.f("uq_scheduled_tasks_name")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("started_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("opened_at", types.UTCDateTime(), nullable=True),
        sa.Column("escalated_at", types.UTCDateTime(), nullable=True),
        sa.Column("ended_at", types.UTCDateTime(), nullable=True),
        sa.Column("snoozed_until", types.UTCDateTime(), nullable=True),
        sa.Column("snoozed_by", sa.Text(), nullable=True),
        sa.Column("snoozed_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_incidents_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index(
            "uq_incidents_open",
            ["subject"],
            unique=True,
            sqlite_where=sa.text("ended_at is null"),
            postgresql_where=sa.text("ended_at is null"),
        )

    op.create_table(
        "pms_appointment_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("pms_type_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("default_duration_minutes", sa.Integer(), nullable=True),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("active", types.Flag(), nullable=False),
        sa.Column("is_telehealth", types.Flag(), nullable=True),
        sa.Column("pms_is_telehealth", types.Flag(), nullable=True),
        sa.Column("sync_enabled", types.Flag(), nullable=False),
        sa.Column("suggested", types.Flag(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("first_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_appointment_types_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_appointment_types")),
        sa.UniqueConstraint(
            "connection_id", "pms_type_id", name=op.f("uq_pms_appointment_types_connection_id_pms_type_id")
        ),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_clinician_mappings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("pms_practitioner_id", sa.Text(), nullable=False),
        sa.Column("pms_practitioner_name", sa.Text(), nullable=False),
        sa.Column("active", types.Flag(), nullable=False),
        sa.Column("shown_in_appointment_book", types.Flag(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("clinician_id", sa.Integer(), nullable=True),
        sa.Column("first_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinician_id"], ["run_sheet_clinicians.id"], name=op.f("fk_pms_clinician_mappings_clinician_id")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_clinician_mappings_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_clinician_mappings")),
        sa.UniqueConstraint(
            "connection_id",
            "pms_practitioner_id",
            name=op.f("uq_pms_clinician_mappings_connection_id_pms_practitioner_id"),
        ),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_freshness",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("date", types.LocalDate(), nullable=False),
        sa.Column("pms_practitioner_id", sa.Text(), nullable=False),
        sa.Column("as_of", types.UTCDateTime(), nullable=False),
        sa.Column("read_state", types.JSONText(), nullable=True),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("not_shown", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_freshness_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_freshness")),
        sa.UniqueConstraint(
            "connection_id",
            "date",
            "pms_practitioner_id",
            name=op.f("uq_pms_freshness_connection_id_date_pms_practitioner_id"),
        ),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_sync_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("sync_type", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("dates", types.JSONText(), nullable=False),
        sa.Column("dry_run", types.Flag(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_at", types.UTCDateTime(), nullable=False),
        sa.Column("not_before", types.UTCDateTime(), nullable=True),
        sa.Column("started_at", types.UTCDateTime(), nullable=True),
        sa.Column("completed_at", types.UTCDateTime(), nullable=True),
        sa.Column("heartbeat_at", types.UTCDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=True),
        sa.Column("cancel_requested_at", types.UTCDateTime(), nullable=True),
        sa.Column("cancel_requested_by", sa.Text(), nullable=True),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("skipped_reasons", types.JSONText(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("progress", types.JSONText(), nullable=True),
        sa.Column("preview", types.JSONText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_sync_log_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_sync_log")),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    with op.batch_alter_table("pms_sync_log", schema=None) as batch_op:
        batch_op.create_index("ix_runs_connection", ["connection_id", "id"], unique=False)
        batch_op.create_index(
            "uq_runs_one_running",
            ["connection_id"],
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        )

    op.create_table(
        "pms_token_leases",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_token_leases_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_pms_token_leases")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_webhook_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("received_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_webhook_events_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_webhook_events")),
        sa.UniqueConstraint(
            "connection_id", "event_id", name=op.f("uq_pms_webhook_events_connection_id_event_id")
        ),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "run_sheet_appointments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_sheet_id", sa.Integer(), nullable=False),
        sa.Column("clinician_id", sa.Integer(), nullable=True),
        sa.Column("start_at", types.UTCDateTime(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("appointment_duration_minutes", sa.Integer(), nullable=True),
        sa.Column("duration_estimated", types.Flag(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=True),
        sa.Column("patient_dob", types.LocalDate(), nullable=True),
        sa.Column("patient_phone", sa.Text(), nullable=True),
        sa.Column("patient_email", sa.Text(), nullable=True),
        sa.Column("appointment_type_name", sa.Text(), nullable=True),
        sa.Column("appointment_status", sa.Text(), nullable=False),
        sa.Column("is_telehealth", types.Flag(), nullable=True),
        sa.Column("host_link_sealed", sa.Text(), nullable=True),
        sa.Column("patient_link_sealed", sa.Text(), nullable=True),
        sa.Column("pms_notes", sa.Text(), nullable=True),
        sa.Column("time_odd", types.Flag(), nullable=False),
        sa.Column("pms_connection_id", sa.Integer(), nullable=True),
        sa.Column("pms_appointment_id", sa.Text(), nullable=True),
        sa.Column("pms_patient_id", sa.Text(), server_default="", nullable=False),
        sa.Column("pms_practitioner_id", sa.Text(), nullable=True),
        sa.Column("pms_type_id", sa.Text(), nullable=True),
        sa.Column("pms_status_raw", sa.Text(), nullable=True),
        sa.Column("pms_date", types.LocalDate(), nullable=True),
        sa.Column("pms_digest", sa.Text(), nullable=True),
        sa.Column("pms_last_synced_at", types.UTCDateTime(), nullable=True),
        sa.Column("presence", sa.Text(), nullable=False),
        sa.Column("presence_reason", sa.Text(), nullable=True),
        sa.Column("presence_at", types.UTCDateTime(), nullable=True),
        sa.Column("acknowledged_at", types.UTCDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("moved_from_at", types.UTCDateTime(), nullable=True),
        sa.Column("moved_from_date", types.LocalDate(), nullable=True),
        sa.Column("moved_at", types.UTCDateTime(), nullable=True),
        sa.Column("returned_at", types.UTCDateTime(), nullable=True),
        sa.Column("removed_at", types.UTCDateTime(), nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_reason", sa.Text(), nullable=True),
        sa.Column("tombstone_start_at", types.UTCDateTime(), nullable=True),
        sa.Column("kept_digest", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="booked", nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("updated_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinician_id"], ["run_sheet_clinicians.id"], name=op.f("fk_run_sheet_appointments_clinician_id")
        ),
        sa.ForeignKeyConstraint(
            ["pms_connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_run_sheet_appointments_pms_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["run_sheet_id"], ["run_sheets.id"], name=op.f("fk_run_sheet_appointments_run_sheet_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_sheet_appointments")),
        sa.UniqueConstraint(
            "pms_connection_id",
            "pms_appointment_id",
            "pms_patient_id",
            name=op.f("uq_run_sheet_appointments_pms_connection_id_pms_appointment_id_pms_patient_id"),
        ),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    with op.batch_alter_table("run_sheet_appointments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_cards_scope", ["pms_connection_id", "pms_date", "pms_practitioner_id"], unique=False
        )
        batch_op.create_index("ix_cards_sheet", ["run_sheet_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_run_sheet_appointments_clinician_id"), ["clinician_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_run_sheet_appointments_moved_from_date"), ["moved_from_date"], unique=False
        )

    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("clinician_id", sa.Integer(), nullable=True),
        sa.Column("disabled_at", types.UTCDateTime(), nullable=True),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_login_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinician_id"], ["run_sheet_clinicians.id"], name=op.f("fk_users_clinician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("delivered", types.Flag(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_alert_deliveries_incident_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_deliveries")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("alert_deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_deliveries_incident_id"), ["incident_id"], unique=False)

    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("date", types.LocalDate(), nullable=True),
        sa.Column("clinician_id", sa.Integer(), nullable=True),
        sa.Column("appointment_ids", types.JSONText(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("ours", types.JSONText(), nullable=True),
        sa.Column("theirs", types.JSONText(), nullable=True),
        sa.Column("since", types.UTCDateTime(), nullable=False),
        sa.Column("marker", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("undo", types.JSONText(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinician_id"], ["run_sheet_clinicians.id"], name=op.f("fk_decisions_clinician_id")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_decisions_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pms_sync_log.id"], name=op.f("fk_decisions_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index("ix_decisions_state_date", ["state", "date"], unique=False)
        batch_op.create_index(
            "uq_decisions_open",
            ["subject"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "pms_former_cards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pms_type", sa.Text(), nullable=False),
        sa.Column("practice_key", sa.Text(), nullable=False),
        sa.Column("pms_appointment_id", sa.Text(), nullable=False),
        sa.Column("pms_patient_id", sa.Text(), nullable=False),
        sa.Column("pms_practitioner_id", sa.Text(), nullable=True),
        sa.Column("pms_type_id", sa.Text(), nullable=True),
        sa.Column("pms_date", types.LocalDate(), nullable=True),
        sa.Column("appointment_id", sa.Integer(), nullable=False),
        sa.Column("kept_values", types.JSONText(), nullable=True),
        sa.Column("left_at", types.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["run_sheet_appointments.id"],
            name=op.f("fk_pms_former_cards_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_former_cards")),
        sa.UniqueConstraint(
            "pms_type",
            "practice_key",
            "pms_appointment_id",
            "pms_patient_id",
            name=op.f("uq_pms_former_cards_pms_type_practice_key_pms_appointment_id_pms_patient_id"),
        ),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("pms_former_cards", schema=None) as batch_op:
        batch_op.create_index("ix_former_cards_card", ["appointment_id"], unique=False)

    op.create_table(
        "pms_quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("pms_appointment_id", sa.Text(), nullable=True),
        sa.Column("pms_practitioner_id", sa.Text(), nullable=True),
        sa.Column("date", types.LocalDate(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("first_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("resolved_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_quarantine_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pms_sync_log.id"], name=op.f("fk_pms_quarantine_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_quarantine")),
        sa.UniqueConstraint(
            "connection_id", "record_key", name=op.f("uq_pms_quarantine_connection_id_record_key")
        ),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    op.create_table(
        "pms_sync_scopes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("pms_practitioner_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("clinician_id", sa.Integer(), nullable=True),
        sa.Column("date", types.LocalDate(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("checked_at", types.UTCDateTime(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("matched", sa.Integer(), nullable=True),
        sa.Column("differences", types.JSONText(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name=op.f("fk_pms_sync_scopes_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pms_sync_log.id"], name=op.f("fk_pms_sync_scopes_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pms_sync_scopes")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("pms_sync_scopes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_scopes_fresh", ["connection_id", "date", "pms_practitioner_id", "checked_at"], unique=False
        )
        batch_op.create_index("ix_scopes_run", ["run_id"], unique=False)

    op.create_table(
        "run_sheet_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("data", types.JSONText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["run_sheet_appointments.id"],
            name=op.f("fk_run_sheet_events_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["pms_sync_log.id"], name=op.f("fk_run_sheet_events_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_sheet_events")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("run_sheet_events", schema=None) as batch_op:
        batch_op.create_index("ix_events_card", ["appointment_id", "id"], unique=False)
        batch_op.create_index("ix_events_run", ["run_id"], unique=False)

    op.create_table(
        "run_sheet_overrides",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", types.JSONText(), nullable=True),
        sa.Column("base_value", types.JSONText(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["run_sheet_appointments.id"],
            name=op.f("fk_run_sheet_overrides_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_sheet_overrides")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("run_sheet_overrides", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_sheet_overrides_appointment_id"), ["appointment_id"], unique=False
        )
        batch_op.create_index(
            "uq_overrides_in_force",
            ["appointment_id", "field"],
            unique=True,
            sqlite_where=sa.text("state in ('active', 'conflict')"),
            postgresql_where=sa.text("state in ('active', 'conflict')"),
        )

    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", types.UTCDateTime(), nullable=False),
        sa.Column("ended_at", types.UTCDateTime(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
        sqlite_autoincrement=False,
        sqlite_strict=True,
    )
    with op.batch_alter_table("user_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_sessions_user_id"), ["user_id"], unique=False)

    connection = op.get_bind()
    for statement in audit_triggers.create_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
