"""Try a login against the vendor before anything is stored. Network only, inside no transaction."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from pmsapp.adapters.base import ConnectionCheck
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import PMSError, RetryLaterError
from pmsapp.services.base.errors import Refused
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors.adapters import ConnectionValues

# A person waits for these answers.
INTERACTIVE_S = 25.0


def verify(values: ConnectionValues) -> ConnectionCheck | None:
    """Prove a login: fetch a token and ask who answers.

    None when the login is good but the practice is only learned by pairing. Raises Refused with the catalogue's
    code; then nothing is stored.
    """
    adapter = vendor_adapters.adapter_from(replace(values, time_zone=None), deadline=Deadline(INTERACTIVE_S))
    with closing(adapter.client):
        try:
            return adapter.check_connection()
        except PMSError as error:
            if error.code == "NOT-PAIRED":
                return None
            raise refusal(error) from error


def refusal(error: PMSError) -> Refused:
    """A vendor's no as the service's own refusal, with what to do next."""
    again_at = error.retry_at if isinstance(error, RetryLaterError) else None
    return Refused(error.code, error.message, error.advice, again_at)


def wrong_practice(pms_type: str, ours: str | None, theirs: str | None) -> Refused:
    """The login or code belongs to another practice than the connection; names both where they are known."""
    error = PMSError("AUTH-WRONG-PRACTICE", pms=get_info(pms_type).label)
    detail = f"{error.message}."
    if theirs or ours:
        detail += (
            f" It opened {theirs or 'another practice'}; this connection is for {ours or 'another one'}."
        )
    return Refused(error.code, detail, error.advice)
