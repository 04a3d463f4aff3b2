"""Every fault the dial knows: what it does, at which level, and its options with their defaults.

Levels: `answer` replaces the answer, `body` spoils a good one, `record` changes single appointments in it, `paging` and
`access` are carried out by the vendor's server, `clock` moves the Date header.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["answer", "body", "record", "paging", "access", "clock"]

# Kinds of endpoint a fault can be limited to; each vendor's server says which of its calls is which.
ENDPOINT_KINDS = (
    "token",
    "pairing",
    "tenant",
    "practitioners",
    "types",
    "appointments",
    "appointment",
    "patient",
    "other",
)


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault. `options` holds the names it takes and their defaults."""

    name: str
    level: Level
    help: str
    options: dict[str, object] = field(default_factory=dict)
    # Only that vendor has it.
    vendor: str | None = None
    # About the token a request carries: the call that fetches one is not meant.
    about_token: bool = False
    # How many requests it hits unless told; None = until cleared.
    usual_times: int | None = None


_KINDS = (
    FaultKind(
        "expire_token",
        "access",
        "The token in use has expired: 401, a new one works. Once, unless `times` says otherwise.",
        about_token=True,
        usual_times=1,
    ),
    FaultKind(
        "revoke_token",
        "access",
        "The token in use is no longer valid: 401. Each new one too.",
        about_token=True,
    ),
    FaultKind(
        "unauthorized", "answer", "401 whatever is sent; at the token call: the credentials are refused."
    ),
    FaultKind("forbidden", "answer", "403; `permission` names what the key lacks.", {"permission": ""}),
    FaultKind("not_found", "answer", "404."),
    FaultKind(
        "rate_limited",
        "answer",
        "429. `retry_after`: seconds, `date` (an HTTP date `seconds` ahead), `absent`, `huge`, or any text.",
        {"retry_after": "30", "seconds": 90},
    ),
    FaultKind("server_error", "answer", "A vendor's own 5xx; `status` is 500, 503, 504 ...", {"status": 500}),
    FaultKind(
        "unresolved_variable", "answer", "500: the app is not enabled for this product.", vendor="gentu"
    ),
    FaultKind("bad_gateway", "answer", "502 with an HTML page."),
    FaultKind("html_ok", "answer", "200 with an HTML page."),
    FaultKind("empty_body", "answer", "200 with nothing in it."),
    FaultKind(
        "redirect",
        "answer",
        "A redirect to another host (`to`, else this server under its other name).",
        {"to": "", "status": 302},
    ),
    FaultKind(
        "slow",
        "answer",
        "The answer waits `seconds`; `when`: before the work is done, or after.",
        {"seconds": 5, "when": "before"},
    ),
    FaultKind(
        "hang",
        "answer",
        "No answer until released; `when`: before the work is done, or after.",
        {"when": "before"},
    ),
    FaultKind("cut", "body", "The connection ends in the middle of the body."),
    FaultKind("truncated_json", "body", "The body ends half way, as if whole."),
    FaultKind("wrong_content_type", "body", "The body is right, its type is not.", {"type": "text/plain"}),
    FaultKind("duplicate_keys", "body", "An object names its first key twice."),
    FaultKind("nan", "body", "A number is NaN."),
    FaultKind("deep_nesting", "body", "Lists in lists, `depth` deep.", {"depth": 5000}),
    FaultKind("oversized", "body", "The body is `megabytes` large.", {"megabytes": 64}),
    FaultKind("clock_skew", "clock", "The server's clock is `seconds` off.", {"seconds": 600}),
    FaultKind("repeated_cursor", "paging", "The next page is the same page again."),
    FaultKind("endless_next", "paging", "There is always a next page."),
    FaultKind("short_pages", "paging", "Pages hold half of what was asked for, with more to come."),
    FaultKind(
        "drifting_pages",
        "paging",
        "Rows move between pages: `by` -1 repeats a row at each page border, 1 drops one.",
        {"by": -1},
    ),
    FaultKind("empty_day", "record", "The list is complete and empty."),
    FaultKind("patient_left_out", "record", "The patients that should come with the list do not."),
    FaultKind("tenant_disabled", "access", "The practice has switched the app off."),
    FaultKind(
        "tenant_withdrawn", "access", "The practice has withdrawn its consent: it is not known any more."
    ),
    FaultKind(
        "status_spelling",
        "record",
        "Statuses are spelt another way. `style`: upper, title, spaces, hyphens.",
        {"style": "upper", "count": 0, "first": 0},
    ),
    FaultKind(
        "unknown_status",
        "record",
        "A status nobody has heard of.",
        {"word": "teleported", "count": 1, "first": 0},
    ),
    FaultKind(
        "malformed_time", "record", "A start that is no time.", {"text": "soon", "count": 1, "first": 0}
    ),
    FaultKind("missing_id", "record", "An appointment without its id.", {"count": 1, "first": 0}),
    FaultKind("null_patient", "record", "A patient reference that is null.", {"count": 1, "first": 0}),
    FaultKind(
        "hostile_text",
        "record",
        "Texts full of markup, control characters and formulas.",
        {"count": 0, "first": 0},
    ),
)

FAULT_KINDS: dict[str, FaultKind] = {kind.name: kind for kind in _KINDS}

# Put into every free text by `hostile_text`.
HOSTILE_TEXT = (
    '"><img src=x onerror=alert(1)> </script><script>alert(2)</script> {{7*7}} =cmd|"/C calc"!A0 '
    "\u202egnp.exe\u202c \u0000\u0007 ' hx-get=/x hx-trigger=load x='"
)
