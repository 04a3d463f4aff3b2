"""What a press came to, said on the page it leads to: a word in the address stands for one of the sentences here.

So every button answers with words, with scripts or without. The address never holds text of anybody's.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from flask import Flask, has_request_context, redirect
from werkzeug.wrappers import Response

from pmsapp.web.ui import forms

_KEY = "said"
SENTENCES = {
    "alert-silent": "No messages about this until then.",
    "alert-told-again": "Messages about this go out again.",
    "day-closed": "The day is closed.",
    "day-opened": "The day is open again.",
    "decided": "Decided.",
    "decision-open": "Taken back. The question is open again.",
    "disconnected": "Disconnected. It can be undone for 24 hours.",
    "disconnect-undone": "The connection is back.",
    "disconnected-seen": "The cards of the disconnected practice software are acknowledged.",
    "disconnected-back": "The cards of the disconnected practice software are back in view.",
    "downtime-forgotten": "No more copies are made, and those there were are gone.",
    "draft-gone": "The set-up is given up. Nothing of it is kept.",
    "factor-away": "The second factor is taken away.",
    "factor-everybody": "Everybody has to have a second factor now.",
    "factor-administrators": "Only administrators have to have a second factor now.",
    "late": "Saved. Expected times have moved.",
    "passphrase-kept": "The passphrase is kept. Copies made from now on open with it.",
    "matching-undone": "Undone. The cards are back where they stood, with what staff typed.",
    "paused": "Updates are paused.",
    "person-let-in": "This person may sign in again.",
    "person-kept-out": "This person is kept out from now on.",
    "person-no-factor": "This person's second factor is taken away.",
    "person-role": "The role is changed. This person signs in anew.",
    "person-signed-out": "This person is signed out everywhere.",
    "receipt-asked": "Asked for. It is made as soon as no update is under way; open this page again in a minute.",
    "receipt-read-again": "An update was asked for that writes these cards anew; the day is compared again after it.",
    "resumed": "Updates go on.",
    "run-undone": "The update is undone, as far as that was possible.",
    "run-cancelled": "The update was asked to stop.",
    "seen": "Everything is marked as seen.",
    "sync": "An update was asked for. Open this page again to see what it brings.",
    "token-revoked": "The token is revoked. It stopped working at once.",
}


def init_app(app: Flask) -> None:
    """Give every template `said`: the sentence the address asks for, if any."""
    app.context_processor(lambda: {"said": _asked_for()})


def _asked_for() -> str | None:
    """Nothing where no address was asked for: the downtime copy is drawn by a job."""
    return SENTENCES.get(forms.asked().get(_KEY, "")) if has_request_context() else None


def lead_to(path: str, word: str) -> Response:
    """Lead to a page of ours, which says the sentence of that word."""
    if word not in SENTENCES:
        raise ValueError("no such sentence")
    parts = urlsplit(path)
    query = "&".join(filter(None, [parts.query, f"{_KEY}={word}"]))
    return redirect(urlunsplit(parts._replace(query=query)), 303)
