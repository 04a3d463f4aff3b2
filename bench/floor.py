"""The floor: what a small hand-tuned loop needs for the same reading and storing. Not a product: no merge, no trace.

`python -m bench.floor PORT PRACTITIONERS DAY DATABASE` prints the seconds of its work, in process, as JSON.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson

from bench.fake_gentu import TENANT, name_of

THREADS = 8
_local = threading.local()
COLUMNS = "id, practitioner, patient, start_at, end_at, status, type, name, dob, phone, email"
UPSERT = (
    f"INSERT INTO appointments ({COLUMNS}) VALUES ({', '.join('?' * 11)}) ON CONFLICT (id) DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ")[1:])
)


def fetch(port: int, path: str) -> bytes:
    if not hasattr(_local, "connection"):
        _local.connection = http.client.HTTPConnection("127.0.0.1", port)
    _local.connection.request("GET", path, headers={"Authorization": "Bearer bench"})
    answer: bytes = _local.connection.getresponse().read()
    return answer


def read(port: int, practitioner: int, start: str, end: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    cursor = ""
    base = (
        f"/v1/tenants/{TENANT}/appointments?practitionerId={name_of(3, practitioner)}&fromDate={quote(start)}"
        f"&toDate={quote(end)}&limit=100&include=patients"
    )
    while True:
        page = orjson.loads(fetch(port, base + cursor))
        people = {patient["id"]: patient for patient in page["patients"]}
        for appointment in page["appointments"]:
            who = people[appointment["participant"][0]["referenceId"]]
            rows.append(
                (
                    appointment["id"],
                    appointment["participant"][1]["referenceId"],
                    who["id"],
                    appointment["startAt"],
                    appointment["endAt"],
                    appointment["status"],
                    appointment["appointmentType"]["reference"],
                    f"{who['extension'][0]['valueString']} {who['name']['family']}",
                    who["birthDate"],
                    who["contact"][0]["value"],
                    who["contact"][1]["value"],
                )
            )
        if page["pagination"]["next"] is None:
            return rows
        cursor = f"&cursor={page['pagination']['next']}"


def main(port: int, practitioners: int, day: str, database: str) -> dict[str, float]:
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Australia/Melbourne"))
    bounds = start.isoformat(), (start + timedelta(days=1)).isoformat()
    began, cpu_began = time.perf_counter(), time.process_time()
    store = sqlite3.connect(database, isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute(
        "CREATE TABLE IF NOT EXISTS appointments (id TEXT PRIMARY KEY, practitioner, patient, start_at, end_at, "
        "status, type, name, dob, phone, email)"
    )
    with ThreadPoolExecutor(THREADS) as pool:
        pages = list(pool.map(lambda number: read(port, number, *bounds), range(practitioners)))
    store.execute("BEGIN IMMEDIATE")
    store.executemany(UPSERT, [row for rows in pages for row in rows])
    store.execute("COMMIT")
    return {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - cpu_began}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])))
