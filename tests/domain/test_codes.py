"""The catalogue of codes: each says who acts, what to do, and the next step."""

from __future__ import annotations

import pytest

from pmsapp.domain.codes import (
    CATALOGUE,
    ActionOwner,
    Code,
    LeadsTo,
    StepKind,
)
from pmsapp.domain.errors import step_for

EVERY = pytest.mark.parametrize("code", CATALOGUE.values(), ids=list(CATALOGUE))
WAITS_OR_VENDOR = (ActionOwner.WAIT, ActionOwner.VENDOR)


@EVERY
def test_a_step_is_words_on_one_line_that_fit_a_button(code: Code) -> None:
    words = code.step.words.format(pms="MediRecords")
    assert words.isprintable()
    assert 0 < len(words) <= 30


@EVERY
def test_what_nobody_has_to_act_on_leads_to_the_history(code: Code) -> None:
    if code.actor in WAITS_OR_VENDOR:
        assert (code.step.kind, code.step.leads_to) == (StepKind.LOOK, LeadsTo.HISTORY)


@EVERY
def test_to_sign_in_leads_to_the_login_and_nothing_else_does(code: Code) -> None:
    assert (code.step.kind is StepKind.SIGN_IN) == (code.step.leads_to is LeadsTo.LOGIN)
    assert (code.step.kind is StepKind.PAIR) == (code.step.leads_to is LeadsTo.PAIRING)
    assert (code.step.kind is StepKind.ASK) == (code.step.leads_to is LeadsTo.HELP)


@pytest.mark.parametrize(
    "name", ["HOST-REFUSED", "APP-NOT-ENABLED", "ACCESS-WITHDRAWN", "AUTH-SCOPE", "UNSUPPORTED"]
)
def test_a_login_is_not_asked_for_where_it_would_not_help(name: str) -> None:
    assert step_for(name).kind is not StepKind.SIGN_IN


def test_an_unknown_code_is_a_fault_of_ours() -> None:
    assert step_for("NO-SUCH-CODE") == CATALOGUE["BUG"].step
