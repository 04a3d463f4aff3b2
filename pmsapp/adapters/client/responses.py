"""What an answer means: a reply, an error to raise, or an error worth another try. Pure: it sends nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pmsapp.adapters.client import strict_json
from pmsapp.adapters.client.error_mapping import date_of, error_for_status, retry_after_s
from pmsapp.adapters.client.messages import Answer, Call, Outcome, Refusal, Reply
from pmsapp.adapters.client.rate_limit import LONG_WAIT_S
from pmsapp.domain.errors import BadVendorDataError, RetryLaterError

# Worth another try; a vendor's own reading of a 500 may say otherwise.
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_JSON_TYPES = frozenset({"application/json", "application/fhir+json"})


@dataclass(frozen=True, slots=True)
class ResponseReader:
    """Reads the answers of one vendor; `pms` is its label for error texts."""

    pms: str

    def read(self, call: Call, answer: Answer, *, had_token: bool) -> Outcome:
        """A reply for a 2xx with strict JSON; otherwise the vendor's own reading first, then the usual one."""
        if 200 <= answer.status < 300:
            return self._success(call, answer)
        data = _decoded_or_none(answer)
        status = answer.status
        if call.is_expired is not None and call.is_expired(status, data):
            status = 401
        refined = call.refine(Refusal(status, data, call.kind)) if call.refine is not None else None
        error = refined or error_for_status(status, self.pms, call.kind, had_token=had_token)
        if status == 401 and had_token:
            return Outcome(error=error, expired=True)
        if refined is not None or status not in RETRIED_STATUSES:
            return Outcome(error=error)
        wait_s = retry_after_s(answer.headers, answer.at)
        if wait_s is None:
            return Outcome(error=error, again=True)
        until = answer.at + timedelta(seconds=wait_s)
        if wait_s > LONG_WAIT_S:
            error = RetryLaterError("RATE-WAIT", pms=self.pms, note=error.note, retry_at=until)
            return Outcome(error=error, blocked_until=until)
        return Outcome(error=error, again=True, blocked_until=until)

    def _success(self, call: Call, answer: Answer) -> Outcome:
        if not answer.body.strip():
            if call.empty_ok:
                return Outcome(reply=_reply(None, answer))
            return self._garbled(call, "an empty answer")
        if not _is_json(answer.headers):
            return self._garbled(call, "not JSON")
        try:
            data = strict_json.loads(answer.body)
        except strict_json.JSONRefusedError as exc:
            return self._garbled(call, str(exc))
        if call.is_expired is not None and call.is_expired(answer.status, data):
            return Outcome(error=error_for_status(401, self.pms, call.kind, had_token=True), expired=True)
        return Outcome(reply=_reply(data, answer))

    def _garbled(self, call: Call, note: str) -> Outcome:
        return Outcome(error=BadVendorDataError(pms=self.pms, note=f"{call.kind}: {note}"))


def _is_json(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type in _JSON_TYPES or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _decoded_or_none(answer: Answer) -> Any:
    if not answer.body or not _is_json(answer.headers):
        return None
    try:
        return strict_json.loads(answer.body)
    except strict_json.JSONRefusedError:
        return None


def _reply(data: Any, answer: Answer) -> Reply:
    their_now = date_of(answer.headers, "Date")
    return Reply(
        data=data,
        status=answer.status,
        headers=answer.headers,
        digest=hashlib.blake2b(answer.body, digest_size=16).hexdigest(),
        clock_skew_s=(their_now - answer.at).total_seconds() if their_now is not None else None,
    )
