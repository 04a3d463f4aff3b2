"""Ids as each vendor writes them, derived from the seed so that every run of the sandbox gives the same ones.

Gentu: UUIDs. MediRecords: GUIDs with a version-1 look. Halaxy: bare numbers for patients, appointments and types, and
prefixed numbers for the rest. Halaxy practitioner and role numbers overlap on purpose: PR-4000002 names one person as
a practitioner and another person's role as a role.
"""

from __future__ import annotations

import hashlib
import uuid

from pmsapp.sandbox.clinic.model import Vendor

_HALAXY_BASE = {
    "appointment": ("", 0),
    "patient": ("", 200_000_000),
    "type": ("", 700_000),
    "practitioner": ("PR-", 4_000_000),
    "role": ("PR-", 4_000_001),
    "site": ("CL-", 600_000),
    "practice": ("PG-", 500_000),
    "organization": ("OG-", 550_000),
}


def make_uuid(text: str, version: int = 4) -> str:
    """A UUID of the given look that depends on nothing but `text`."""
    digest = hashlib.sha256(text.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=version))


def vendor_id(seed: int, vendor: Vendor, kind: str, key: str, number: int) -> str:
    """The id of one object at one vendor. `number` must be unique within (seed, kind)."""
    if vendor == "halaxy":
        prefix, base = _HALAXY_BASE[kind]
        step = 100_000_000_000 if kind == "appointment" else 1_000
        return f"{prefix}{base + (seed % 100) * step + number}"
    return make_uuid(f"{seed}/{vendor}/{kind}/{key}", version=1 if vendor == "medirecords" else 4)
