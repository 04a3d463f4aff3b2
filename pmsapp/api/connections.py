"""Connections: list, add, change, take away, pair, test."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from pmsapp.access.guard import current_actor
from pmsapp.api.contract import Answered, call
from pmsapp.schemas.base import given
from pmsapp.schemas.connections import (
    Connection,
    ConnectionChange,
    ConnectionCreate,
    ConnectionList,
    ConnectionRemoval,
    ConnectionTest,
    PairingIn,
    PairingOut,
)
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import Pause

bp = Blueprint("api_connections", __name__, url_prefix="/api/pms/connections")
TAG = "Connections"


@bp.get("")
@call(answers={200: ConnectionList}, tag=TAG)
def list_connections() -> Answered:
    """List the connections."""
    zone = clinic.time_zone()
    return ConnectionList(items=[Connection.of(view, zone) for view in connections.list_connections()])


@bp.post("")
@call(answers={201: Connection}, refusals=(400, 409, 415, 422), tag=TAG)
def create_connection(json: ConnectionCreate) -> Answered:
    """Add a connection.

    It starts in state setup with updates off. A login that is given is tried live first: when the vendor refuses
    it, the answer is 422 with the vendor's code and nothing is stored. A practice, or a clinic of one, that is
    connected already is 409 PRACTICE-CONNECTED with that connection's `connection_id` and `link`.
    """
    view = connections.create_connection(
        current_actor(),
        pms_type=json.pms_type,
        display_name=json.display_name,
        credentials=json.credentials,
        practice_id=json.practice_id,
        organization_id=json.organization_id,
        time_zone=json.time_zone,
    )
    return _one(view), 201, {"Location": f"/api/pms/connections/{view.id}"}


@bp.get("/<id:connection_id>")
@call(answers={200: Connection}, refusals=(404,), tag=TAG)
def get_connection(connection_id: int) -> Answered:
    """Show one connection."""
    return _one(connections.get_connection(connection_id))


@bp.patch("/<id:connection_id>")
@call(answers={200: Connection}, refusals=(400, 404, 409, 415, 422), tag=TAG)
def change_connection(connection_id: int, json: ConnectionChange) -> Answered:
    """Change a connection.

    What is not mentioned stays. A new login is tried live and must open the same practice; one of a practice that
    another connection reads is 409 PRACTICE-CONNECTED. `sync_enabled: true` ends set-up and starts a run.
    """
    changes: dict[str, Any] = given(json)
    if "paused" in changes and json.paused is not None:
        changes["paused"] = Pause(json.paused.until, json.paused.reason)
    return _one(connections.update_connection(connection_id, current_actor(), **changes))


@bp.delete("/<id:connection_id>")
@call(answers={204: None}, refusals=(404, 422), tag=TAG)
def delete_connection(connection_id: int, query: ConnectionRemoval) -> Answered:
    """Take a connection away.

    `cards` says what becomes of its cards on sheets from today: keep them as manual cards, strike them through, or
    remove them. Earlier sheets stay as they were.
    """
    connections.delete_connection(connection_id, query.cards, current_actor())
    return "", 204


@bp.post("/<id:connection_id>/pair")
@call(answers={200: PairingOut}, refusals=(400, 404, 409, 415, 422), tag=TAG)
def pair_connection(connection_id: int, json: PairingIn) -> Answered:
    """Consume a pairing code.

    409 PAIR-USED when the code was used before, 409 PRACTICE-CONNECTED when another connection reads the practice, 422 when it is not accepted or opens another practice.
    """
    return PairingOut.of(connections.pair(connection_id, json.pairing_code, current_actor()))


@bp.post("/<id:connection_id>/test")
@call(answers={200: ConnectionTest}, refusals=(404,), tag=TAG)
def test_connection(connection_id: int) -> Answered:
    """Test a connection with its stored token.

    200 also when it is not healthy: `code` and `message` then say why.
    """
    return ConnectionTest.of(connections.check(connection_id, current_actor()))


def _one(view: connections.ConnectionView) -> Connection:
    return Connection.of(view, clinic.time_zone())
