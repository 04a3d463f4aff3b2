"""What the queue may call. Ids in, nothing out; each is safe to run twice, at once or again."""

from __future__ import annotations

from pmsapp.services import sync


def run_sync(run_id: int) -> None:
    """Do one queued run."""
    sync.execute_run(run_id)
