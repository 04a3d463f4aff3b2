"""Print the table: the sync job beside the floor, each ratio from this very run."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DAY = "2026-11-23"
SHAPES = {300: 10, 10_000: 40}
STEPS = (("first", 0), ("unchanged", 0), ("5 % changed", 5))
BUDGETS = {"first": 4.0, "unchanged": 3.0, "5 % changed": 3.0}


@contextmanager
def vendor(practitioners: int, each: int) -> Iterator[int]:
    """The fast fake vendor in its own process."""
    command = [sys.executable, "-m", "bench.fake_gentu", "0", str(practitioners), str(each), DAY]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().split()[1])
    finally:
        process.terminate()
        process.wait()


def set_vendor(port: int, share: int, delay_ms: int) -> None:
    url = f"http://127.0.0.1:{port}/_set?share={share}&delay_ms={delay_ms}"
    urllib.request.urlopen(urllib.request.Request(url, method="POST")).read()  # noqa: S310 - loopback


def run(*command: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    answer: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def measure(count: int, practitioners: int, delay_ms: int, rounds: int) -> list[str]:
    """Rows of the table for one size and latency; medians over `rounds` fresh databases."""
    timings: dict[tuple[str, str], list[float]] = {}
    peak = 0.0
    with vendor(practitioners, count // practitioners) as port:
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                for step, share in STEPS:
                    set_vendor(port, share, delay_ms)
                    floor = run(
                        "bench.floor", str(port), str(practitioners), DAY, str(Path(folder) / "floor.db")
                    )
                    orders = {"port": str(port), "folder": str(Path(folder) / "instance"), "day": DAY}
                    job = run("bench.job", json.dumps(orders))
                    if job["status"] != "success":
                        raise SystemExit(f"the run was {job['status']}: {job['counts']}")
                    timings.setdefault((step, "floor"), []).append(float(str(floor["seconds"])))
                    timings.setdefault((step, "job"), []).append(float(str(job["seconds"])))
                    peak = max(peak, float(str(job["peak_mb"])))
    rows = []
    for step, _ in STEPS:
        floor_s = statistics.median(timings[step, "floor"])
        job_s = statistics.median(timings[step, "job"])
        ratio = job_s / floor_s
        verdict = "within" if ratio <= BUDGETS[step] else "over"
        rows.append(
            f"| {count:,} | {delay_ms} ms | {step} | {floor_s:.2f} | {job_s:.2f} | {ratio:.1f} | "
            f"{BUDGETS[step]:.0f} ({verdict}) | {peak:.0f} |"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="300,10000")
    parser.add_argument("--delays", default="0,40")
    options = parser.parse_args()
    print("| appointments | latency | step | floor (s) | sync job (s) | ratio | budget | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for size in (int(one) for one in options.sizes.split(",")):
        practitioners = SHAPES.get(size, max(10, size // 250))
        for delay in (int(one) for one in options.delays.split(",")):
            for row in measure(size, practitioners, delay, options.rounds):
                print(row, flush=True)


if __name__ == "__main__":
    main()
