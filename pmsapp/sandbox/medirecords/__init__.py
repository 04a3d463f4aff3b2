"""MediRecords' server (Connect REST API v1): practice, providers, types, appointments, patients, interval codes."""

from pmsapp.sandbox.medirecords.server import MediRecordsServer
from pmsapp.sandbox.medirecords.switches import register

SERVER = MediRecordsServer

register()

__all__ = ["SERVER", "MediRecordsServer"]
