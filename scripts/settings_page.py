"""Writes docs/settings.md from the settings themselves. Run by `make docs`; a test keeps both alike."""

from __future__ import annotations

import typing
from pathlib import Path

from pydantic.fields import FieldInfo

from pmsapp.adapters.registry import list_infos
from pmsapp.settings import PREFIX, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
EXAMPLE = PAGE.parent / "pmsapp.env.example"
_EXAMPLE_HEAD = """# Settings of pmsapp. Copy to /etc/pmsapp.env; owner root, group pmsapp, mode 0640.
# The systemd unit and every pmsapp command read it. Take the # away to change a default.
"""
_HEAD = """# Settings

Environment variables; lines `NAME=value` in the machine's settings file, which is `/etc/pmsapp.env` where it exists
(another with `PMSAPP_ENV_FILE`; a checkout has none by default); or the same names without the prefix in `settings.toml` in
the instance folder. The environment wins over the machine's file, and that over `settings.toml`. A wrong value, or a name
that is no setting, stops the start with one sentence that names it.

| Setting | Default | What it is |
|---|---|---|
"""
_VENDORS = """
## Per vendor

| Setting | Default | What it is |
|---|---|---|
"""
_TAIL = """
The vendor's own hosts may be called over https on port 443. Anything else must be listed in `PMSAPP_ALLOWED_PMS_HOSTS`;
loopback and private addresses are refused unless listed, and only a listed loopback host may use plain http.
"""


def render() -> str:
    """The whole page."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items() if name != "vendors"]
    return _HEAD + "".join(rows) + _VENDORS + "".join(_vendor_rows()) + _TAIL


def render_example() -> str:
    """The file that an administrator copies to /etc/pmsapp.env: every setting, commented out."""
    lines = [_EXAMPLE_HEAD]
    for name, field in Settings.model_fields.items():
        if name == "vendors":
            continue
        value = field.get_default(call_default_factory=name != "instance_dir", validated_data={})
        shown = "/var/lib/pmsapp" if name == "instance_dir" else "" if value in (None, ()) else str(value)
        mark = "" if name == "instance_dir" else "#"
        lines.append(f"\n# {field.description}{_limits(field)}.\n{mark}{PREFIX}{name.upper()}={shown}\n")
    lines += [
        f"\n# Where {info.label} is asked.\n#{PREFIX}{info.settings_prefix}_BASE_URL={info.default_base_url}\n"
        for info in list_infos()
    ]
    return "".join(lines)


def _row(name: str, field: FieldInfo) -> str:
    note = f"{field.description or ''}{_limits(field)}"
    return f"| `{PREFIX}{name.upper()}` | {_default(name, field)} | {note} |\n"


def _default(name: str, field: FieldInfo) -> str:
    if name == "instance_dir":
        return "`instance/` in a checkout, else `~/.local/share/pmsapp`"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value == ():
        return "none"
    return f"`{value}`"


def _limits(field: FieldInfo) -> str:
    bounds = {
        kind: getattr(mark, kind) for mark in field.metadata for kind in ("ge", "le") if hasattr(mark, kind)
    }
    if {"ge", "le"} <= set(bounds):
        return f" ({bounds['ge']} to {bounds['le']})"
    if typing.get_origin(field.annotation) is tuple:
        return " (comma between)"
    return ""


def _vendor_rows() -> list[str]:
    rows = []
    for info in list_infos():
        name = f"`{PREFIX}{info.settings_prefix}"
        rows += [
            f"| {name}_BASE_URL` | `{info.default_base_url}` | Where {info.label} is asked |\n",
            f"| {name}_REQUESTS_PER_MINUTE` | {info.default_requests_per_minute} | How often at most, per connection |\n",
            f"| {name}_CONCURRENCY` | {info.default_concurrency} | How many questions at once |\n",
        ]
    return rows


if __name__ == "__main__":
    EXAMPLE.write_text(render_example(), encoding="utf-8")
    PAGE.write_text(render(), encoding="utf-8")
