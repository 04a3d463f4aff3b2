"""What the queue may call. Ids in, nothing out; each is safe to run twice, at once or again."""

from __future__ import annotations

import threading

from pmsapp.services.sync import execute

# Set when this process has to end; a run that goes on then is left to the next process.
PROCESS_ENDS = threading.Event()


def run_sync(run_id: int) -> None:
    """Do one queued run."""
    execute.execute_run(run_id, process_ends=PROCESS_ENDS)
