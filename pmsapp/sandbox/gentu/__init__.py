"""Gentu's server (Magentus Healthcare API v1.0.0): token, pairing, tenants, practitioners, types, appointments, patients."""

from pmsapp.sandbox.gentu.server import GentuServer

SERVER = GentuServer

__all__ = ["SERVER", "GentuServer"]
