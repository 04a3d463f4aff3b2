"""Addresses of our own static files, versioned by their content so that browsers may keep them for a year."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request, url_for

from pmsapp import paths

YEAR_S = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Give every template `asset(path)` and let versioned answers be kept."""
    app.jinja_env.globals["asset"] = asset_url
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.after_request(_keep_versioned)


def asset_url(name: str) -> str:
    """The address of `static/<name>` with a short digest of what it holds now."""
    file = paths.STATIC / name
    return url_for("static", filename=name, v=_digest(file, file.stat().st_mtime_ns))


@lru_cache(maxsize=64)
def _digest(file: Path, _mtime_ns: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


def _keep_versioned(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code in {200, 304} and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response
