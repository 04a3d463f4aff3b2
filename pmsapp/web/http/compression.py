"""Smaller answers where they are large and nothing secret can be read off their length.

Compressed are our static files, and the run sheet as page, refresh and JSON: none of them repeats what a request
said, so nobody can try guesses against a secret beside it (BREACH); a gzip header of random length blurs the length
all the same. Every other page goes out as it is.
"""

from __future__ import annotations

import gzip
import io
import secrets
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request

SHEETS = frozenset({"runsheet.today", "runsheet.day", "api_run_sheet.get_run_sheet"})
WORTH_IT_BYTES = 1024
_TEXTS = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})
_PAGE_LEVEL, _FILE_LEVEL = 4, 9
_BLUR_BYTES = 100


def init_app(app: Flask) -> None:
    """Compress what may be. Register early: it sees an answer after everything else has."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    is_file = request.endpoint == "static" and response.mimetype in _TEXTS
    if not is_file and request.endpoint not in SHEETS:
        return response
    response.vary.add("Accept-Encoding")
    if (
        request.method != "GET"
        or response.status_code != 200
        or response.headers.get("Content-Encoding")
        or not request.accept_encodings["gzip"]
    ):
        return response
    body = _file(str(_path())) if is_file else _blurred(response.get_data())
    if body is None:
        return response
    if is_file:
        response.close()  # the open file that is not sent after all
    response.direct_passthrough = False
    response.set_data(body)
    response.headers["Content-Encoding"] = "gzip"
    tag, _ = response.get_etag()
    if tag:
        response.set_etag(tag, weak=True)
    return response


def _path() -> Path:
    return Path(str(current_app.static_folder)) / str((request.view_args or {})["filename"])


@lru_cache(maxsize=64)
def _file(path: str) -> bytes | None:
    """A static file, compressed once for the life of the process."""
    data = Path(path).read_bytes()
    return gzip.compress(data, _FILE_LEVEL, mtime=0) if len(data) >= WORTH_IT_BYTES else None


def _blurred(data: bytes) -> bytes | None:
    """A page, compressed to a length that tells little: the gzip header holds a file name of random length."""
    if len(data) < WORTH_IT_BYTES:
        return None
    out = io.BytesIO()
    name = "x" * (1 + secrets.randbelow(_BLUR_BYTES))
    with gzip.GzipFile(name, "wb", _PAGE_LEVEL, out, mtime=0) as zipped:
        zipped.write(data)
    return out.getvalue()
