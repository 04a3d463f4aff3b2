"""Names in rows follow the names in the code: the heartbeat ping's task, and the subject of a possible duplicate."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE scheduled_tasks SET name = 'heartbeat_ping' WHERE name = 'pulse'")
    op.execute("UPDATE decisions SET subject = 'duplicate:' || substr(subject, 6) WHERE subject LIKE 'twin:%'")
