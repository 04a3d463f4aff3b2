"""Asking for runs, planning them, and their records."""
