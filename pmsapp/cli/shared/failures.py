"""Every failure of a command as one clear sentence and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from pmsapp.domain.errors import ConfigurationError, PMSError

FAILED = 1
BAD_SETTING = 2
BUG = 70


def exit_code_and_sentences(error: Exception) -> tuple[int, list[str]]:
    """What to print on standard error, and the exit code."""
    from pmsapp.services.base.errors import (  # heavy; a supervisor that is well needs none
        Invalid,
        Refused,
        ServiceError,
    )

    if isinstance(error, ConfigurationError):
        return BAD_SETTING, [f"Error: {error}"]
    if isinstance(error, Invalid):
        return FAILED, [f"Error: {sentence}" for sentence in error.errors.values()]
    if isinstance(error, ServiceError):
        advice = error.advice if isinstance(error, Refused) else None
        return FAILED, [f"Error: {error.message}" + (f" {advice}" if advice else "")]
    if isinstance(error, PMSError):
        return FAILED, [f"Error: {error.message}. {error.advice} ({error.code})"]
    if _is_of_the_database(error):
        return FAILED, ["Error: The database could not be used; run: pmsapp doctor"]
    from pmsapp.observability.logs import place_of  # heavy too

    place, _, line = place_of(error).rpartition(":")
    where = f"in {Path(place).name}, line {line}" if place else "somewhere"
    return BUG, [f"Error: Something in pmsapp went wrong ({type(error).__name__} {where})."]


def _is_of_the_database(error: Exception) -> bool:
    library = sys.modules.get("sqlalchemy.exc")  # not loaded for commands that open no database
    return library is not None and isinstance(error, library.DBAPIError)
