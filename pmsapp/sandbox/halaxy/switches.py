"""The switches only Halaxy's server has: what its documentation leaves open, each way it might turn out."""

from __future__ import annotations

from pmsapp.sandbox.core.fault_kinds import FAULT_KINDS, FaultKind


def _switch(name: str, explained: str, **options: object) -> FaultKind:
    return FaultKind(name, "access", explained, options, vendor="halaxy")


SWITCHES = (
    _switch(
        "location_place",
        "Where the location type stands: participant, modifier, coding, type, reference, display (else as the clinic says).",
        where="participant",
    ),
    _switch("hyphenated_statuses", "Statuses of two words come with hyphens: did-not-attend."),
    _switch("utc_dates", "A date without a time is a day in UTC, not at the clinic."),
    _switch("offsets", "The offset of every time: `mode` utc, local, mixed or no_seconds.", mode="local"),
    _switch("second_bound_ignored", "Of two `date` parameters only the first counts."),
    _switch("dates_ignored", "`date` does not count at all: the whole book comes."),
    _switch("paging_links", "Which links a bundle has besides self: `mode` next, last or none.", mode="next"),
    _switch("total_left_out", "Bundles have no total."),
    _switch(
        "foreign_link",
        "The next link leads to another host, `to`.",
        to="https://example.org/main/Appointment",
    ),
    _switch(
        "patients_hidden",
        "The key lacks Patients > Retrieve: includes are dropped, with a warning; 403 else.",
    ),
    _switch(
        "outcome_in_ok", "200 with an OperationOutcome of severity error and this `code`.", code="forbidden"
    ),
    _switch("outcome_entry", "A warning OperationOutcome stands among the rows."),
    _switch(
        "short_references", "References as `style`: path (/main/Patient/1) or bare (Patient/1).", style="path"
    ),
    _switch("throttle", "`limit` calls a minute are enforced, in a sliding window.", limit=500),
    _switch("webhook_twice", "Every webhook is delivered twice."),
    _switch(
        "webhook_reorder", "Webhooks wait for `count` of their kind and come in the opposite order.", count=2
    ),
)


def register() -> None:
    """Put the switches on the dial."""
    FAULT_KINDS.update({kind.name: kind for kind in SWITCHES})
