"""Logs and error reports, without patient data."""
