"""Who may call what: one table, endpoint -> method -> Rule, put together from one file per area.

A route without a row answers nobody (403). GET's row also covers HEAD and OPTIONS. A row without a route, or one
endpoint in two areas, is a mistake that the tests and the start refuse.
"""

from __future__ import annotations

from pmsapp.access import api, operations, people, screens
from pmsapp.access.rules import Rule, Table
from pmsapp.domain.roles import PEOPLE_ROLES, TOKEN_ROLES

__all__ = ["PEOPLE_ROLES", "PERMISSIONS", "TOKEN_ROLES", "Rule", "Table", "put_together"]


def put_together(*areas: Table) -> Table:
    """One table of several. Raises ValueError when two areas claim one endpoint."""
    table: Table = {}
    for area in areas:
        for endpoint, rules in area.items():
            if endpoint in table:
                raise ValueError(f"Two areas give permissions for {endpoint}.")
            table[endpoint] = rules
    return table


PERMISSIONS: Table = put_together(people.TABLE, screens.TABLE, api.TABLE, operations.TABLE)
