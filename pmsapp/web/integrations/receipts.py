"""Whether the sheet matches the practice software: the last receipt, asking for another, and its names."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from pmsapp.access import guard, looking
from pmsapp.services.connections import connections
from pmsapp.services.matching import mappings
from pmsapp.services.sheet import cards, columns
from pmsapp.services.sync import receipts
from pmsapp.services.sync.receipts import DIFFERS
from pmsapp.web.integrations import receipt_view
from pmsapp.web.integrations.contexts import ReceiptPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell
from pmsapp.web.ui.said import lead_to

bp = Blueprint("receipts", __name__)


@bp.get("/integrations/<id:connection_id>/receipt")
def show(connection_id: int) -> ResponseReturnValue:
    """The last receipt, its differences by time and clinician."""
    return _page(connection_id)


@bp.post("/integrations/<id:connection_id>/receipt")
def ask(connection_id: int) -> ResponseReturnValue:
    """Compare today's sheet now."""
    receipts.ask(connection_id, guard.current_actor())
    return lead_to(f"/integrations/{connection_id}/receipt", "receipt-asked")


@bp.post("/integrations/<id:connection_id>/receipt/names")
def show_names(connection_id: int) -> ResponseReturnValue:
    """The differences with names, which goes into the log."""
    connections.get_connection(connection_id)
    receipts.note_names_shown(connection_id, guard.current_actor())
    return _page(connection_id, names_shown=True)


@bp.post("/integrations/<id:connection_id>/receipt/read-again")
def read_again(connection_id: int) -> ResponseReturnValue:
    """Have the cards that differ written anew by an update, and compare once more."""
    receipts.read_again(connection_id, guard.current_actor())
    return lead_to(f"/integrations/{connection_id}/receipt", "receipt-read-again")


def _page(connection_id: int, *, names_shown: bool = False) -> str:
    view, now = connections.get_connection(connection_id), shell.page_status()
    found = receipts.latest(connection_id)
    ids = [line["card_id"] for line in (found.differences if found else ()) if line["card_id"] is not None]
    names = cards.names_of(ids) if ids else {}
    if names:
        looking.at_receipt(connection_id, names.keys())
    page = ReceiptPage(
        id=view.id,
        name=view.display_name,
        pms=view.pms_label,
        line=receipt_view.line(
            found,
            is_waiting=receipts.is_waiting(connection_id),
            pms=view.pms_label,
            now=now.now,
            zone=view.time_zone,
        ),
        day=fmt.long_day(found.date) if found else None,
        explained=receipt_view.explained(found, view.pms_label) if found else None,
        apart=receipt_view.apart(found) if found else (),
        rows=receipt_view.rows(
            found,
            names=names,
            columns={column.id: column.name for column in columns.list_clinicians()},
            people=mappings.known_names(connection_id),
            zone=view.time_zone,
            names_shown=names_shown,
        )
        if found
        else (),
        names_shown=names_shown or not names,
        can_ask=guard.may("receipts.ask", "POST"),
        can_mend=found is not None and found.outcome == DIFFERS,
    )
    return shell.render("integrations/receipt.html", "integrations", now, page=page)
