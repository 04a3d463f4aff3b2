"""The sandbox's page of documentation names everything there is."""

from __future__ import annotations

from pathlib import Path

from pmsapp.sandbox.app import create_sandbox
from pmsapp.sandbox.clinic.actions import ACTIONS
from pmsapp.sandbox.core.fault_kinds import ENDPOINT_KINDS, FAULT_KINDS

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def test_every_action_fault_option_and_endpoint_is_documented() -> None:
    create_sandbox()
    page = PAGE.read_text("utf-8")
    for action in ACTIONS:
        assert f"| `{action}` |" in page, action
    for kind in FAULT_KINDS.values():
        line = next((line for line in page.splitlines() if line.startswith(f"| `{kind.name}` |")), "")
        assert line, kind.name
        assert all(f"`{name}=" in line for name in kind.options), kind.name
    assert ", ".join(ENDPOINT_KINDS) in page


def test_every_route_of_the_control_page_is_documented() -> None:
    page = PAGE.read_text("utf-8")
    for rule in create_sandbox().url_map.iter_rules():
        path = rule.rule
        if path.startswith("/_sandbox/") and path.count("/") == 2 and "<" not in path:
            screens = ("/_sandbox/", "/_sandbox/clinic", "/_sandbox/dial", "/_sandbox/connect")
            assert path in screens or f"`{path}" in page, path
