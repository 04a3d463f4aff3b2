"""What machines ask: is it alive, may it take requests, and numbers for monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from pmsapp.services import health

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """One word for anybody: ok or degraded. Always 200 while the process answers, so nobody restarts it in vain."""
    return jsonify(status="ok" if health.is_well() else "degraded")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """200 when requests can be served, else 503."""
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

    def __init__(self, measured: health.Health) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        yield from _connections(self._measured)
        runs = GaugeMetricFamily("pmsapp_sync_runs", "Runs kept in the history, by status", labels=["status"])
        for status, count in sorted(self._measured.runs_by_status.items()):
            runs.add_metric([status], count)
        yield runs
        yield GaugeMetricFamily(
            "pmsapp_open_decisions", "Questions only a person can settle", value=self._measured.open_decisions
        )
        ages = GaugeMetricFamily(
            "pmsapp_process_silence_seconds", "Since a process's last sign of life", labels=["process"]
        )
        for name, age_s in sorted(self._measured.beat_age_s.items()):
            ages.add_metric([name], age_s)
        yield ages


def _connections(measured: health.Health) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "pmsapp_connection_state", "1 for the state a connection is in", labels=["connection", "pms", "state"]
    )
    ages = GaugeMetricFamily(
        "pmsapp_connection_data_age_seconds", "Since everybody was last read", labels=["connection", "pms"]
    )
    for one in measured.connections:
        states.add_metric([str(one.id), one.pms_type, one.state], 1)
        if one.data_age_s is not None:
            ages.add_metric([str(one.id), one.pms_type], one.data_age_s)
    yield states
    yield ages
