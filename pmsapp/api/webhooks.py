"""Deliveries of vendors' webhooks. The answer is quick and says nothing; the reading happens in a run."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from pmsapp.access.guard import webhook_actor
from pmsapp.services.connections import webhooks

bp = Blueprint("api_webhooks", __name__, url_prefix="/webhooks")


@bp.post("/<id:connection_id>/<event>")
def receive(connection_id: int, event: str) -> ResponseReturnValue:
    """Take a vendor's webhook as a nudge to read again: 202, or 401 when it is not authentic."""
    if (request.content_length or 0) > webhooks.MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    body = request.get_data()  # one that comes in pieces has no length; the app's own limit ends it
    if len(body) > webhooks.MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    webhooks.receive(connection_id, event, dict(request.headers), body, webhook_actor("webhook"))
    return "", 202
