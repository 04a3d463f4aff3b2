"""What machines ask: is it alive, may it take requests, and numbers for monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from pmsapp.services.base.metrics import BUCKETS_S, Count
from pmsapp.services.monitoring import health
from pmsapp.services.monitoring.health import Health

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """One word for anybody: ok or degraded. Always 200 while the process answers, so nobody restarts it in vain."""
    return jsonify(status="ok" if health.is_well() else "degraded")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 when requests can be served with data one may rely on, else 503."""
    ready = health.is_ready()
    return jsonify(status="ready" if ready else "not ready"), 200 if ready else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Numbers in Prometheus's text format, for people and tokens of any role."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(health.measure()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Collector:
    """Hands one measurement to the library."""

    def __init__(self, measured: Health) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        yield from _connections(self._measured)
        yield from _now(self._measured)
        yield from _ever(self._measured.counts)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pmsapp_{name}", about, value=value)


def _gauges(name: str, about: str, label: str, values: dict[str, float]) -> Metric:
    found = GaugeMetricFamily(f"pmsapp_{name}", about, labels=[label])
    for key, value in sorted(values.items()):
        found.add_metric([key], value)
    return found


def _connections(measured: Health) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "pmsapp_connection_state", "1 for the state a connection is in", labels=["connection", "pms", "state"]
    )
    ages = GaugeMetricFamily(
        "pmsapp_connection_data_age_seconds", "Since everybody was last read", labels=["connection", "pms"]
    )
    nexts = GaugeMetricFamily(
        "pmsapp_connection_next_run_seconds", "Until the next run is due", labels=["connection", "pms"]
    )
    for connection in measured.connections:
        states.add_metric([str(connection.id), connection.pms_type, connection.state], 1)
        if connection.data_age_s is not None:
            ages.add_metric([str(connection.id), connection.pms_type], connection.data_age_s)
        if connection.next_run_in_s is not None:
            nexts.add_metric([str(connection.id), connection.pms_type], connection.next_run_in_s)
    yield from (states, ages, nexts)


def _now(measured: Health) -> Iterator[Metric]:
    yield _gauges("sync_runs", "Runs kept in the history, by status", "status", {**measured.runs_by_status})
    yield _gauge("runs_waiting", "Runs asked for and not begun", measured.runs_waiting)
    yield _gauge("open_decisions", "Questions only a person can settle", measured.open_decisions)
    yield _gauges(
        "open_incidents",
        "Open incidents people were told of, by severity",
        "severity",
        {**measured.open_incidents},
    )
    yield _gauge("alerts_waiting", "Messages not delivered yet", measured.alerts_waiting)
    yield _gauges(
        "process_silence_seconds", "Since a process's last sign of life", "process", measured.beat_age_s
    )
    yield _gauges("task_failures", "Failures in a row of periodic tasks", "task", {**measured.task_failures})
    yield _gauge("queue_up", "1 when the queue server answers", float(measured.queue.answers))
    yield _gauge("queue_depth", "Jobs that no worker has taken yet", measured.queue.waiting)
    yield _gauge("failed_jobs", "Jobs that failed within a week", len(measured.queue.failed))
    yield _gauge("disk_free_bytes", "Room left on the disk of the instance folder", measured.disk_free_bytes)
    if measured.backup_age_s is not None:
        yield _gauge("backup_age_seconds", "Since the last backup", measured.backup_age_s)


# Stored name -> (name shown, what it says, labels).
_COUNTERS = {
    "runs": ("sync_runs_ended", "Runs that ended", ("pms", "status", "trigger")),
    "scopes": ("sync_scopes", "Lists read, by outcome", ("pms", "outcome")),
    "vendor_requests": (
        "vendor_requests",
        "Requests to vendors, status 0 for no answer",
        ("pms", "kind", "status"),
    ),
    "vendor_request_seconds": ("vendor_request_seconds", "Time vendors took to answer", ("pms",)),
    "vendor_waits": ("vendor_waits", "Requests that waited for their turn", ("pms",)),
    "vendor_wait_seconds": ("vendor_wait_seconds", "Time spent waiting for a turn", ("pms",)),
}


def _ever(counts: tuple[Count, ...]) -> Iterator[Metric]:
    """What only grows. A process that ends keeps its numbers in the database."""
    for name, (shown, about, labels) in _COUNTERS.items():
        found = CounterMetricFamily(f"pmsapp_{shown}", about, labels=labels)
        for counter in counts:
            if counter.name == name:
                found.add_metric([counter.labels.get(label, "") for label in labels], counter.value)
        yield found
    yield _durations(counts)


def _durations(counts: tuple[Count, ...]) -> Metric:
    found = HistogramMetricFamily("pmsapp_sync_run_duration_seconds", "How long runs took", labels=["pms"])
    sums = {counter.labels["pms"]: counter.value for counter in counts if counter.name == "run_seconds_sum"}
    for pms, total in sorted(sums.items()):
        by_limit = {
            counter.labels["le"]: counter.value
            for counter in counts
            if counter.name == "run_seconds" and counter.labels["pms"] == pms
        }
        limits = [*(str(limit) for limit in BUCKETS_S), "+Inf"]
        found.add_metric([pms], [(limit, by_limit.get(limit, 0.0)) for limit in limits], total)
    return found
