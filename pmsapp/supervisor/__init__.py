"""Runs pmsapp's processes as children of one foreground process: `pmsapp up` and `pmsapp demo`.

Lean on purpose: it imports no web framework and opens no database, so forking and restarting stay cheap and safe.
"""
