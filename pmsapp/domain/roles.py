"""Who somebody is to pmsapp: the roles of people and of keys for programs."""

from __future__ import annotations

ADMIN, RECEPTION, CLINICIAN, VIEWER, STATUS = "admin", "reception", "clinician", "viewer", "status"


PEOPLE_ROLES = frozenset({ADMIN, RECEPTION, CLINICIAN, VIEWER})


TOKEN_ROLES = frozenset({ADMIN, RECEPTION, VIEWER, STATUS})
