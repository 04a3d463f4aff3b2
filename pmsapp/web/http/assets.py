"""Addresses of our own static files, versioned by their content so that browsers may keep them for a year."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from pathlib import Path

from flask import Flask, Response, request, url_for

from pmsapp import paths

YEAR_S = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Give every template `asset(path)` and let versioned answers be kept."""
    app.jinja_env.globals["asset"] = partial(asset_url, app)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.after_request(_keep_versioned)


def asset_url(app: Flask, name: str) -> str:
    """The address of `static/<name>` with a short digest of what it holds.

    A page of 300 cards asks a thousand times, so the answer is kept for the life of the process; a file that changes
    under a running server is seen at its next start (at once while templates reload).
    """
    if app.jinja_env.auto_reload:
        _address.cache_clear()
    return _address(name)


@lru_cache(maxsize=64)
def _address(name: str) -> str:
    return url_for("static", filename=name, v=_digest(paths.STATIC / name))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


def _keep_versioned(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code in {200, 304} and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response
