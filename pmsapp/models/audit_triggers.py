"""The statements that make `audit_events` append-only, for the migrations to run.

SQLite fires no delete trigger for INSERT OR REPLACE, so re-using an id is refused on its own. Rows up to the last cut
(`audit_cuts`) may go: the purge of the log writes the cut first, and the chain's key proves that it was the purge.
"""

from __future__ import annotations

_CUT = "COALESCE((SELECT max(through_id) FROM audit_cuts), 0)"

SQLITE_NO_DELETE = f"""
    CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events WHEN OLD.id > {_CUT}
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END
    """

POSTGRESQL_REFUSE = f"""
    CREATE OR REPLACE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF TG_OP = 'DELETE' THEN
        IF OLD.id <= {_CUT} THEN RETURN OLD; END IF;
      END IF;
      RAISE EXCEPTION 'audit_events is append-only';
    END $$
    """

SQLITE_CREATE = (
    """
    CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END
    """,
    """
    CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END
    """,
    """
    CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
    WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END
    """,
)

POSTGRESQL_CREATE = (
    """
    CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit_events is append-only'; END $$
    """,
    """
    CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()
    """,
    """
    CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()
    """,
)


def create_statements(dialect: str) -> tuple[str, ...]:
    """What to run after `audit_events` is made on `dialect` ("sqlite", "postgresql")."""
    return SQLITE_CREATE if dialect == "sqlite" else POSTGRESQL_CREATE


def statements_for_cuts(dialect: str) -> tuple[str, ...]:
    """What to run once `audit_cuts` is there: rows before the last cut may be deleted, no others."""
    if dialect == "sqlite":
        return ("DROP TRIGGER audit_events_no_delete", SQLITE_NO_DELETE)
    return (POSTGRESQL_REFUSE,)
