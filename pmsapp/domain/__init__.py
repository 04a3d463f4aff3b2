"""Plain Python: what an appointment is and what a sync should do about it. Read this folder first."""
