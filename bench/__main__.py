"""Print the tables: the sync job beside the floor, each ratio from this very run; and what the run sheet costs."""

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

from bench.check import check_rows
from bench.fake_gentu import World, first_instant
from bench.sheet import table

DAY = "2026-11-23"
SHAPES = {300: 10, 10_000: 40}
STEPS = (("first", 0), ("unchanged", 0), ("5 % changed", 5))
BUDGETS = {"first": 4.0, "unchanged": 3.0, "5 % changed": 3.0}
BUDGET_WITH_LATENCY, BUDGET_TYPICAL_DAY, TYPICAL_DAY = 1.5, 2.0, 300
HEAD = (
    "| appointments | latency | step | floor (s) | sync job (s) | ratio | ratio of CPU time | budget "
    "| job, µs per appointment | job, peak MB |"
)

Sample = dict[str, float]


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
    each = count // practitioners
    world = World(practitioners, each, first_instant(DAY))
    samples: dict[str, list[Sample]] = {step: [] for step, _ in STEPS}
    with vendor(practitioners, each) as port:
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                for step, share in STEPS:
                    set_vendor(port, share, delay_ms)
                    samples[step].append(_both(port, practitioners, Path(folder)))
                    check_rows(
                        world, share, Path(folder) / "floor.db", Path(folder) / "job" / "pmsapp.sqlite3"
                    )
    return [_row(count, delay_ms, step, samples[step]) for step, _ in STEPS]


def _both(port: int, practitioners: int, folder: Path) -> Sample:
    """The floor and the job, one after the other, each in a process of its own."""
    floor = run("bench.floor", str(port), str(practitioners), DAY, str(folder / "floor.db"))
    job = run("bench.job", json.dumps({"port": str(port), "folder": str(folder / "job"), "day": DAY}))
    if job["status"] != "success":
        raise SystemExit(f"the run was {job['status']}: {job['counts']}")
    named = {f"floor_{name}": floor[name] for name in ("seconds", "cpu_s")}
    named |= {f"job_{name}": job[name] for name in ("seconds", "cpu_s", "peak_mb")}
    return {name: float(str(value)) for name, value in named.items()}


def _row(count: int, delay_ms: int, step: str, samples: list[Sample]) -> str:
    middle = {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}
    ratio = middle["job_seconds"] / middle["floor_seconds"]
    cpu_ratio = middle["job_cpu_s"] / middle["floor_cpu_s"]
    budget = BUDGETS[step]
    if delay_ms:
        budget = BUDGET_TYPICAL_DAY if count <= TYPICAL_DAY else BUDGET_WITH_LATENCY
    verdict = "within" if ratio <= budget else "over"
    return (
        f"| {count:,} | {delay_ms} ms | {step} | {middle['floor_seconds']:.2f} | {middle['job_seconds']:.2f} | "
        f"{ratio:.1f} | {cpu_ratio:.1f} | {budget:g} ({verdict}) | "
        f"{middle['job_seconds'] / count * 1e6:.0f} | {middle['job_peak_mb']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="fresh databases per line; medians are printed")
    parser.add_argument(
        "--sizes", default="300,10000", help="appointments of a day; growth: 300,10000,100000"
    )
    parser.add_argument("--delays", default="0,40", help="the vendor's latency in milliseconds")
    parser.add_argument("--parts", default="job,sheet", help="what is measured: job, sheet, or both")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if "job" in parts:
        measure_job(options)
    if "sheet" in parts:
        for row in table(max(options.rounds, 3)):
            print(row, flush=True)


def measure_job(options: argparse.Namespace) -> None:
    """The table of the sync job beside the floor."""
    print(HEAD)
    print("|---" * HEAD.count(" | ") + "|---|")
    for size in (int(size) for size in options.sizes.split(",")):
        practitioners = SHAPES.get(size, max(10, size // 250))
        for delay in (int(delay) for delay in options.delays.split(",")):
            for row in measure(size, practitioners, delay, options.rounds):
                print(row, flush=True)


if __name__ == "__main__":
    main()
