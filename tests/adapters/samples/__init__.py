"""Synthetic vendor answers, and `load_sample` to read one. No patient here is real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load_sample(vendor: str, name: str) -> Any:
    """The JSON of `samples/<vendor>/<name>.json`."""
    return json.loads((FOLDER / vendor / f"{name}.json").read_text(encoding="utf-8"))
