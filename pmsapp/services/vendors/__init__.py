"""Adapters put together with stored logins, tokens, waits and reference data."""
