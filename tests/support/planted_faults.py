"""Faults that would break a promise of docs/security.md, each with the test that has to notice it.

`scripts/planted_faults.py` plants one after the other in a copy of the project and runs that test.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """`before` stands once in `file`; `after` takes its place. `where` is the file of the test."""

    what: str
    file: str
    before: str
    after: str
    where: str
    test: str


FAULTS = (
    Fault(
        "`synchronous=OFF`: what was saved may be gone after a loss of power",
        "pmsapp/models/databases/sqlite.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        "tests/services/base/test_sqlite.py",
        "test_every_connection_is_opened_alike",
    ),
    Fault(
        "deleted data stay in the file",
        "pmsapp/models/databases/sqlite.py",
        "PRAGMA secure_delete = ON",
        "PRAGMA secure_delete = OFF",
        "tests/services/base/test_sqlite.py",
        "test_every_connection_is_opened_alike",
    ),
    Fault(
        "a cell of a list is not guarded",
        "pmsapp/services/base/spreadsheet.py",
        'return f"\'{text}" if',
        "return text if",
        "tests/cli/records/test_records.py",
        "test_an_export_is_csv_that_no_spreadsheet_runs_and_leaves_a_row",
    ),
    Fault(
        "an edit leaves no row in the log",
        "pmsapp/services/editing/overrides.py",
        'audit.record(session, actor, "card.edit", f"card:{card_id}", {"fields": sorted(changes)})',
        "pass",
        "tests/services/editing/test_overrides.py",
        "test_every_change_is_audited_without_what_was_typed",
    ),
    Fault(
        "a run writes without looking at its fence",
        "pmsapp/services/runs/lease.py",
        'if row is None or row.fence != self.fence or row.status != "running":',
        "if row is None:",
        "tests/services/sync/test_runs.py",
        "test_a_stalled_run_that_wakes_up_is_fenced_out_and_writes_nothing",
    ),
    Fault(
        "a look at a card is not noted",
        "pmsapp/web/cards/pages.py",
        "    looking.at_card(card.id)\n",
        "",
        "tests/web/records/test_pages.py",
        "test_a_look_at_the_sheet_and_a_card_stands_in_the_log_without_a_name",
    ),
    Fault(
        "a row without the key is taken for a good one",
        "pmsapp/services/base/audit_chain.py",
        'return "it was made without the key"',
        "pass",
        "tests/services/base/test_audit_key.py",
        "test_a_row_put_in_without_the_key_is_named",
    ),
    Fault(
        "a sync does not ask who was erased",
        "pmsapp/domain/sync/reconcile.py",
        "if rules.is_erased(key[1]):",
        "if False:",
        "tests/services/records/test_erase.py",
        "test_no_sync_no_recheck_and_no_other_day_brings_them_back",
    ),
    Fault(
        "the purge takes a card that somebody has to decide about",
        "pmsapp/services/maintenance/purge.py",
        "if row.id not in waiting\n",
        "if row.id\n",
        "tests/services/maintenance/test_purge.py",
        "test_a_card_that_somebody_has_to_decide_about_stays",
    ),
    Fault(
        "a timer of the page keeps a session alive",
        "pmsapp/access/guard.py",
        "active = not (rule.poll or request.headers.get(POLL_HEADER))",
        "active = True",
        "tests/web/account/test_pages.py",
        "test_a_timer_of_the_page_is_no_activity",
    ),
    Fault(
        "a request that another site made is taken",
        "pmsapp/access/guard.py",
        "    if _is_cross_site():\n",
        "    if False:\n",
        "tests/web/test_safety.py",
        "test_a_request_another_site_made_is_refused_even_with_the_token",
    ),
    Fault(
        "a token in an address counts",
        "pmsapp/access/guard.py",
        "        _refuse_token_in_query()\n",
        "        pass\n",
        "tests/web/test_safety.py",
        "test_a_token_in_the_address_is_401",
    ),
    Fault(
        "a name that leads to a private address is called",
        "pmsapp/adapters/client/hosts.py",
        "return address.is_global and not address.is_multicast",
        "return True",
        "tests/adapters/client/test_hosts.py",
        "test_a_name_that_leads_to_a_private_address_is_refused",
    ),
    Fault(
        "a sealed text opens in any row",
        "pmsapp/crypto/cipher.py",
        'return f"{_VERSION}|{kid}|{context}".encode()',
        'return f"{_VERSION}|{kid}".encode()',
        "tests/services/base/test_encrypted_columns.py",
        "test_a_login_copied_to_another_row_does_not_open",
    ),
)
