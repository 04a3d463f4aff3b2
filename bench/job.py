"""The real sync job in a process of its own, as the worker does it: `python -m bench.job` reads its orders as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

from bench.fake_gentu import APP, TENANT
from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import key_ring
from pmsapp.factory import create_app
from pmsapp.models import PMSClinicianMapping, PMSConnection, RunSheetClinician
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import database
from pmsapp.services.matching import reference
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sync import execute, warm_up
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.settings import load_settings


def prepare(day: str) -> int:
    """A connection with everybody mapped, once."""
    database.upgrade()
    with reading() as session:
        found = session.query(PMSConnection.id).first()
    if found:
        return int(found[0])
    now = clock.now()
    with writing() as session:
        row = PMSConnection(
            pms_type="gentu",
            display_name="Bench",
            tenant_id=TENANT,
            time_zone="Australia/Melbourne",
            secret_uid=encrypted_columns.new_uid(),
            state="ok",
            created_at=now,
            updated_at=now,
        )
        encrypted_columns.seal_credentials(
            key_ring(), row, {"client_id": "bench", "client_secret": "bench", "app_id": APP}
        )
        session.add(row)
        session.flush()
        connection_id = row.id
    adapter = vendor_adapters.adapter_for(connection_id)
    people, kinds = adapter.list_practitioners(), adapter.list_appointment_types()
    adapter.client.close()
    with writing() as session:
        reference.store_practitioners(session, connection_id, people, now)
        reference.store_types(session, connection_id, kinds, now)
        for number, mapping in enumerate(session.query(PMSClinicianMapping)):
            column = RunSheetClinician(name=mapping.pms_practitioner_name, sort_order=number, created_at=now)
            session.add(column)
            session.flush()
            mapping.decision, mapping.run_sheet_clinician_id = "mapped", column.id
        session.get_one(PMSConnection, connection_id).reference_read_at = now
    return connection_id


def main(orders: dict[str, str]) -> dict[str, object]:
    settings = load_settings(
        {},
        instance_dir=Path(orders["folder"]),
        allowed_pms_hosts=("127.0.0.1",),
        lookahead_days=0,
        log_format="text",
        vendors={"GENTU": {"base_url": f"http://127.0.0.1:{orders['port']}/v1", "concurrency": 8}},
    )
    app = create_app(settings)
    with app.app_context():
        connection_id = prepare(orders["day"])
        request = run_requests.request_run(
            connection_id, trigger="manual", actor=COMMAND_LINE, day=date.fromisoformat(orders["day"])
        )
        warm_up.warm_up()
        began, cpu_began = time.perf_counter(), time.process_time()
        execute.execute_run(request.sync_id)
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        run = run_history.get_run(connection_id, request.sync_id)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "status": run.status,
        "counts": run.counts,
        "peak_mb": round(peak_mb, 1),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
