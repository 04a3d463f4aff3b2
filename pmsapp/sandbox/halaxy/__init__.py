"""Halaxy's server (FHIR R4B): token, searches over bundles, single resources, and webhooks sent out."""

from pmsapp.sandbox.halaxy.server import HalaxyServer
from pmsapp.sandbox.halaxy.switches import register

SERVER = HalaxyServer

register()

__all__ = ["SERVER", "HalaxyServer"]
