"""Lists functions, classes, methods and imports of pmsapp that nothing in pmsapp, its templates or its migrations uses.

Tests do not count as use. What a framework calls by name is listed here, with its framework.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
KINDS = {"function", "class", "method", "property", "import"}
# A decorator that hands the function to a framework: routes, commands, handlers, validators.
DECORATORS = [
    "@*.route",
    "@*.get",
    "@*.post",
    "@*.put",
    "@*.patch",
    "@*.delete",
    "@*.command",
    "@*.group",
    "@*.errorhandler",
    "@*.before_request",
    "@*.after_request",
    "@*.teardown_request",
    "@*.app_errorhandler",
    "@*.app_template_filter",
    "@*.template_filter",
    "@field_validator",
    "@model_validator",
    "@event.listens_for",
    "@click.command",
    "@command",
    "@callback",
    "@operation",
]
CALLED_BY_NAME = [
    # urllib3 and requests
    "readable", "_new_conn", "get_redirect_target", "increment", "sleep", "new",
    # limits
    "acquire_entry", "get_moving_window",
    # Jinja
    "get_source", "list_templates",
    # Werkzeug, http.server
    "to_url", "send_response",
    # spectree
    "to_python", "register_route", "find_routes", "request_validation",
    # click, gunicorn, waitress
    "list_commands", "get_command", "format_epilog", "load_config", "error_task_class", "channel_class", "accepting",
    "will_close", "content_length", "write_soon", "received", "handle_close", "handle_exit", "_flush_some",
    # RQ
    "success_callback", "failure_callback", "stopped_callback", "send_webhooks", "wait_for_messages",
    "handle_warm_shutdown_request", "handle_exception",
    # the registry of adapters and the queue: by dotted name
    "GentuAdapter", "MediRecordsAdapter", "HalaxyAdapter", "run_sync",
    # SQLAlchemy
    "load_dialect_impl", "process_bind_param", "process_result_value", "result_processor",
]  # fmt: skip

# What stays although only tests call it today, with the reason.
ALLOWED = {
    "authenticate": "a password alone, for whom no code is asked of; the tests of people sign in with it",
    "get_sheet": "one day's sheet as every test of the sync reads it",
    "get_decision": "one question, open or not, as the tests of decisions read it",
    "list_events": "the audit log as the tests of every change read it",
    "open_card_link": "shows that a stored link still opens, after a change of keys among others",
    "prose_time": "how a time is said in a sentence",
    "revoke_all": "the answer to a leak: every API token at once",
    "end_everybody": "the answer to a leak: every session at once",
    "gentu_base": "the sandbox's address for one vendor",
    "medirecords_base": "the sandbox's address for one vendor",
    "halaxy_base": "the sandbox's address for one vendor",
    "set_patient_status": "an action of the sandbox, called by its name in a request",
    "merge_patient": "an action of the sandbox, called by its name in a request",
    "book_anew": "an action of the sandbox, called by its name in a request",
    "set_links": "an action of the sandbox, called by its name in a request",
    "join_practitioner": "an action of the sandbox, called by its name in a request",
}


def main() -> int:
    """Print what is unused; 1 when there is something."""
    checker = Vulture(ignore_names=[*CALLED_BY_NAME, *ALLOWED], ignore_decorators=DECORATORS)
    checker.scavenge([str(ROOT / "pmsapp"), str(ROOT / "migrations"), str(ROOT / "bench")])
    templates = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    templates += " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "pmsapp").rglob("*.html"))
    in_templates = set(re.findall(r"\w+", templates))
    unused = [
        f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno}: unused {item.typ} {item.name}"
        for item in checker.get_unused_code(min_confidence=60)
        if item.typ in KINDS
        and Path(item.filename).is_relative_to(ROOT / "pmsapp")
        and item.name not in in_templates
    ]
    print("\n".join(unused) or "No unused code.")
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main())
