"""The rows of docs/security.md: what holds, and the tests that fail when it does not. `make docs` writes the page.

Ids are those of the bar the project holds itself to; behind each stand the requirements of OWASP ASVS 5.0.0 it keeps.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One row. `tests` are names of test functions; a row without any says in `not_kept` why it does not apply.

    `missing` says what of the row no test shows yet.
    """

    id: str
    holds: str
    tests: tuple[str, ...] = ()
    not_kept: str = ""
    missing: str = ""


SECTIONS: dict[str, tuple[Row, ...]] = {
    "Who gets in": (
        Row(
            "A1",
            "no page answers without a session or token, but for the way in, health and static files",
            ("test_outsiders_get_nothing_but_the_way_in", "test_only_the_listed_endpoints_are_public"),
        ),
        Row(
            "A2",
            "passwords have 12 characters or more, any characters, compared byte for byte; leaked and common ones and the clinic's and product's names are refused",
            (
                "test_under_twelve_characters_is_refused",
                "test_common_passwords_are_refused",
                "test_everyday_passwords_are_refused",
                "test_the_clinic_the_product_and_the_person_are_refused",
                "test_a_password_is_compared_byte_for_byte",
            ),
        ),
        Row(
            "A3",
            "Argon2id at the documented cost; an older hash is renewed at sign-in",
            ("test_the_hash_is_argon2id_at_the_documented_cost", "test_an_old_hash_is_renewed_on_sign_in"),
        ),
        Row(
            "A4",
            "no account comes with the installation; the first is made with a code that expires and dies on use",
            (
                "test_a_fresh_installation_has_nobody",
                "test_the_setup_code_dies_on_use",
                "test_the_setup_code_expires",
            ),
        ),
        Row(
            "A5",
            "failures are counted per account, per address (IPv6 by /64) and overall; they delay and alert, and never hold up a browser the person signed in on before; only failures are stored, and the table is bounded",
            (
                "test_one_address_that_fails_again_and_again_shuts_nobody_out",
                "test_ten_thousand_addresses_shut_nobody_out",
                "test_a_known_browser_signs_in_at_once_while_a_new_one_waits",
                "test_ipv6_is_counted_by_its_64",
                "test_many_failures_are_an_attack_and_a_bad_day_is_not",
                "test_looking_and_waiting_write_nothing",
                "test_the_table_keeps_the_newest",
                "test_success_touches_no_counter",
                "test_the_first_failures_are_worth_a_line_then_those_that_double",
                "test_signing_in_leaves_a_mark_that_outlives_signing_out",
                "test_a_forgotten_browser_waits_like_any_other",
                "test_a_person_keeps_twenty_browsers",
            ),
        ),
        Row(
            "A6",
            "an unknown email and a wrong password get the same answer in the same time",
            (
                "test_wrong_unknown_and_disabled_get_the_same_answer",
                "test_an_unknown_email_takes_as_long_as_a_wrong_password",
            ),
        ),
        Row(
            "A7",
            "a second factor for everybody, required of administrators and where the clinic says so; each code works once, recovery codes are hashed and used once, guessing is slowed; nothing else opens before it is set up",
            (
                "test_the_password_alone_opens_nothing",
                "test_a_code_works_once",
                "test_an_earlier_code_is_refused_after_a_later_one",
                "test_a_recovery_code_works_once_in_any_spelling",
                "test_codes_guessed_are_slowed",
                "test_who_has_to_have_one",
                "test_secret_and_recovery_codes_are_not_in_the_database",
                "test_an_administrator_without_one_is_led_to_set_it_up_before_anything_else",
            ),
        ),
        Row(
            "A8",
            "a reset is a one-time link that leaves the second factor; no administrator learns a password, and one that somebody else chose is changed before anything else",
            (
                "test_a_reset_leaves_the_second_factor_and_ends_the_sessions",
                "test_a_link_works_once",
                "test_a_link_works_for_three_days",
                "test_only_the_hash_of_a_link_is_kept",
                "test_a_password_somebody_else_chose_opens_only_the_page_to_change_it",
            ),
        ),
        Row(
            "A9",
            "a session is a random token whose hash is stored; signing in brings a new one",
            (
                "test_a_token_is_256_random_bits_and_only_its_hash_is_kept",
                "test_signing_in_brings_a_new_token_and_ends_the_old_session",
                "test_a_planted_token_is_not_taken_over",
            ),
        ),
        Row(
            "A10",
            "signing out, being disabled, and a change of role, password or second factor end sessions at once; signing out clears the browser also when nothing can be stored",
            (
                "test_a_saved_cookie_is_dead_after_the_person_changed",
                "test_setting_up_ends_every_session_that_had_no_second_factor",
                "test_signing_out_clears_the_browser_also_when_nothing_can_be_stored",
            ),
        ),
        Row(
            "A11",
            "a session ends after 15 idle minutes and after 12 hours; timers of the page are no activity",
            (
                "test_fifteen_idle_minutes_end_it",
                "test_twelve_hours_end_it_however_busy",
                "test_a_timer_of_the_page_is_no_activity",
            ),
        ),
        Row(
            "A12",
            "people see and end their own sessions and browsers, an administrator ends anybody's",
            (
                "test_one_can_end_ones_own_other_browsers",
                "test_browsers_and_sessions_are_listed_and_forgotten",
                "test_an_administrator_signs_somebody_out_everywhere_and_takes_a_second_factor_away",
            ),
        ),
        Row(
            "A13",
            "people, second factors, patients' records and other delicate pages need a password given within 15 minutes",
            (
                "test_changing_it_needs_a_password_given_minutes_ago",
                "test_delicate_pages_ask_for_the_password_again",
                "test_a_delicate_form_sent_much_too_late_is_refused",
                "test_connections_want_a_fresh_password",
            ),
        ),
    ),
    "What they may do": (
        Row(
            "B1",
            "one table of roles and token roles for every route and method; what is not in it answers nobody",
            (
                "test_every_route_and_method_has_a_permission_and_the_other_way_round",
                "test_each_person_may_do_what_the_table_says_and_no_more",
                "test_each_token_may_do_what_the_table_says_and_no_more",
                "test_a_route_nobody_wrote_a_permission_for_answers_nobody",
            ),
        ),
        Row(
            "B2",
            "a clinician sees and edits their own column alone, whatever number is asked for",
            (
                "test_a_clinician_sees_no_patient_of_another",
                "test_a_clinician_sees_their_own_column_only",
                "test_a_clinician_edits_their_own_column_alone",
                "test_no_call_breaks_on_a_number_nobody_has",
            ),
        ),
        Row(
            "B3",
            "bodies that come in are closed: an unknown field is refused",
            ("test_bodies_that_come_in_are_closed", "test_an_unknown_parameter_is_422"),
        ),
        Row(
            "B4",
            "the interface answers in named shapes, never with the row; no shape has a secret",
            ("test_no_shape_that_goes_out_has_a_secret", "test_every_call_is_in_the_document"),
        ),
        Row(
            "B5",
            "API tokens are hashed, shown once, have a role and an end, are revocable, and never count in an address",
            (
                "test_a_key_is_shown_once_and_only_its_hash_is_kept",
                "test_a_token_in_the_address_is_401",
                "test_a_revoked_or_expired_token_is_401",
                "test_a_bearer_token_works_nowhere_else",
            ),
        ),
        Row(
            "B6",
            "the training clinic has a folder, keys, cookies and a database of its own and refuses a real clinic's",
            (
                "test_a_real_clinics_folder_is_refused",
                "test_the_demo_has_a_folder_beside_the_real_one",
                "test_two_installations_on_one_host_do_not_share_a_cookie",
            ),
        ),
        Row(
            "B7",
            "what two people change at once ends in a conflict, not in a loss",
            (
                "test_an_edit_of_an_older_version_is_refused_with_the_card_as_it_is",
                "test_nothing_is_stored_on_a_doubt",
            ),
        ),
        Row(
            "B8",
            "bodies, fields, days and calls a minute have bounds",
            (
                "test_more_than_a_megabyte_is_refused",
                "test_field_26_a_card_takes_no_value_out_of_bounds",
                "test_reads_beyond_the_limit_are_429_with_a_time",
                "test_writes_have_a_limit_of_their_own",
            ),
        ),
    ),
    "Browser": (
        Row(
            "C1",
            "a content policy without exceptions on every answer; no inline script, style or handler in any page",
            (
                "test_the_content_policy_is_closed_but_for_our_own_files",
                "test_pages_hold_no_inline_script_style_handler_or_foreign_address",
                "test_no_page_meets_the_policy_or_asks_anybody_else",
                "test_templates_hold_no",
            ),
        ),
        Row(
            "C2",
            "nosniff, referrer, opener, resource and permissions policies on every answer, HSTS over TLS",
            (
                "test_every_answer_carries_the_security_headers",
                "test_every_kind_of_answer_carries_the_headers",
                "test_the_servers_own_refusals_carry_the_same_headers",
                "test_over_tls_browsers_are_told_to_stay_on_it",
            ),
        ),
        Row(
            "C3",
            "the cookie is out of scripts' reach, `__Host-` and Secure but on this very machine",
            (
                "test_on_this_machine_the_cookie_is_out_of_scripts_reach",
                "test_anywhere_else_the_cookie_travels_only_over_tls",
            ),
        ),
        Row(
            "C4",
            "unsafe calls need the page's own token and must not come from another site",
            (
                "test_every_unsafe_call_needs_the_pages_own_token",
                "test_every_form_that_changes_something_carries_the_token",
                "test_a_request_another_site_made_is_refused_even_with_the_token",
                "test_only_webhooks_go_without_the_pages_token",
            ),
        ),
        Row("C5", "looking changes nothing but the log", ("test_looking_changes_nothing",)),
        Row(
            "C6",
            "htmx is the pinned release, keeps to this site and injects no style; Back after signing out shows nobody",
            (
                "test_htmx_is_the_pinned_release",
                "test_htmx_is_told_to_inject_no_style_and_to_stay_on_this_site",
                "test_going_back_after_signing_out_shows_no_patient",
            ),
        ),
        Row(
            "C7",
            "hostile text from vendors and staff stays text on every page",
            (
                "test_hostile_text_stays_text_on_every_page",
                "test_hostile_text_typed_into_sign_in_stays_text",
                "test_every_attribute_is_quoted",
                "test_names_with_markup_are_shown_as_text",
            ),
        ),
        Row(
            "C8",
            "a fragment opened directly is a whole page; nothing with patients is stored by a browser",
            (
                "test_a_sheet_opened_directly_is_a_whole_page",
                "test_every_answer_carries_the_security_headers",
            ),
        ),
        Row(
            "C9",
            "the way back leads to a page of this site only",
            (
                "test_the_next_page_never_leaves_this_site",
                "test_where_a_fragment_was_is_believed_only_for_our_own_site",
            ),
        ),
        Row(
            "C10",
            "only listed host names are answered, and only a configured proxy is believed",
            (
                "test_no_call_takes_a_foreign_host",
                "test_forwarding_headers_of_nobody_are_ignored",
                "test_only_the_configured_proxy_is_believed",
            ),
        ),
        Row(
            "C11",
            "no page asks anybody else for anything",
            ("test_no_page_meets_the_policy_or_asks_anybody_else",),
        ),
    ),
    "In, out, and outbound": (
        Row(
            "D1",
            "SQL has parameters only: pages and programs ask no database, and a fault repeats nothing a statement was given",
            (
                "test_screens_and_programs_ask_no_database",
                "test_an_sql_error_does_not_repeat_what_the_statement_was_given",
            ),
        ),
        Row(
            "D2",
            "no cell of a list is taken for a formula by a spreadsheet",
            (
                "test_field_24_the_history_opens_in_a_spreadsheet_as_the_screen_shows_it",
                "test_an_export_is_csv_that_no_spreadsheet_runs_and_leaves_a_row",
            ),
        ),
        Row(
            "D3",
            "names of downloads are the program's own",
            ("test_a_patient_is_found_read_put_right_and_erased",),
        ),
        Row(
            "D4",
            "what vendors answer is checked, bounded and cleaned before it is stored",
            (
                "test_what_is_no_json_is_refused_without_repeating_it",
                "test_nesting_is_bounded",
                "test_an_endless_answer_is_cut_off_at_the_ceiling",
                "test_a_bomb_is_put_down_before_it_is_unpacked",
            ),
        ),
        Row(
            "D5",
            "a job is one listed function with one number; anything else is refused and noted",
            (
                "test_a_pickled_job_is_not_even_read",
                "test_a_forged_job_is_refused_and_noted",
                "test_a_forged_callback_is_never_called",
                "test_only_a_listed_function_with_one_number_is_permitted",
            ),
        ),
        Row(
            "D6",
            "the queue server is this user's alone and on no network",
            (
                "test_it_is_this_users_alone_and_on_no_network",
                "test_a_folder_somebody_else_prepared_is_refused",
            ),
        ),
        Row(
            "D7",
            "only documented or listed hosts are called; the address is checked at connect; redirects are refused",
            (
                "test_everything_else_is_refused",
                "test_a_name_that_leads_to_a_private_address_is_refused",
                "test_the_address_that_was_checked_is_the_address_that_is_called",
                "test_a_name_that_turns_private_between_tries_is_refused",
                "test_a_redirect_is_refused_and_its_body_not_read",
            ),
        ),
        Row(
            "D8",
            "certificates are checked, every call has an end",
            (
                "test_a_server_whose_certificate_cannot_be_trusted_is_not_talked_to",
                "test_dripping_bytes_end_with_the_deadline",
                "test_silence_ends_with_the_read_timeout",
                "test_what_leaves_the_process_has_few_doors",
            ),
        ),
        Row(
            "D9",
            "a webhook proves itself, counts once, and teaches nobody anything",
            (
                "test_whoever_is_not_the_vendor_learns_nothing",
                "test_the_same_delivery_again_has_no_second_effect",
                "test_a_huge_body_is_not_even_looked_at",
            ),
        ),
        Row(
            "D10",
            "sign-in by redirect (OAuth code flow)",
            (),
            "none of the three vendors has it: logins are client credentials, a token, or a pairing code",
        ),
    ),
    "Secrets and data": (
        Row(
            "E1",
            "logins, tokens and links are sealed; the key is outside the database and its folder is its owner's alone",
            (
                "test_the_login_is_stored_sealed_only",
                "test_a_key_that_is_not_random_is_refused",
                "test_a_folder_open_to_others_fails",
            ),
        ),
        Row(
            "E2",
            "keys rotate in whole steps, resumed where they stopped, and an old one goes only when nothing needs it",
            (
                "test_every_sealed_column_of_the_models_is_known",
                "test_everything_is_sealed_anew_and_still_opens",
                "test_a_rotation_that_was_stopped_goes_on",
                "test_a_key_is_added_used_and_the_old_one_dropped",
            ),
        ),
        Row(
            "E3",
            "a sealed text opens in its own row and column only",
            (
                "test_a_login_copied_to_another_row_does_not_open",
                "test_a_login_moved_to_another_column_does_not_open",
                "test_a_link_is_bound_to_its_appointment_patient_and_kind",
            ),
        ),
        Row(
            "E4",
            "a lost key hurts the logins it sealed and nothing else",
            (
                "test_a_login_sealed_with_another_key_hurts_that_connection_only",
                "test_a_token_sealed_with_another_key_counts_as_none",
            ),
        ),
        Row(
            "E5",
            "secrets are never shown again and stand in no repr",
            (
                "test_nothing_secret_is_in_any_repr",
                "test_nothing_secret_shows_when_settings_or_people_are_printed",
                "test_a_refused_login_is_explained_beside_the_secret_and_never_shown_again",
            ),
        ),
        Row(
            "E6",
            "sessions are kept on the server, so a lost cookie key signs everybody out and opens nothing",
            ("test_a_token_is_256_random_bits_and_only_its_hash_is_kept",),
        ),
        Row(
            "E7",
            "each kind of data has a period, notes never under the law's minimum; a purge leaves receipts, takes nothing that is needed, and survives a kill",
            (
                "test_cards_nobody_wrote_on_go_after_their_period_with_a_receipt",
                "test_what_staff_wrote_about_a_patient_stays_for_the_laws_seven_years",
                "test_the_record_of_a_child_stays_until_the_25th_birthday",
                "test_notes_cannot_be_set_to_go_before_the_laws_minimum",
                "test_a_card_that_somebody_has_to_decide_about_stays",
                "test_old_copies_go_and_the_newest_never",
                "test_a_purge_killed_half_way_leaves_whole_steps_and_the_next_goes_on",
                "test_what_is_deleted_is_overwritten_in_the_file",
            ),
        ),
        Row(
            "E8",
            "a backup is whole, private, and can be put back; files are their owner's alone",
            (
                "test_a_backup_is_whole_private_and_the_oldest_go",
                "test_the_backup_is_in_force_and_what_was_done_since_is_listed_and_kept",
                "test_a_database_file_open_to_others_fails",
            ),
        ),
        Row(
            "E9",
            "everything kept on one patient is found, exported, put right and erased, and nobody else's; no update, reconnection or restored backup brings the patient back",
            (
                "test_two_people_of_one_name_are_two_references",
                "test_the_export_holds_everything_and_who_saw_it",
                "test_putting_a_name_right_is_an_edit_of_every_card_of_that_file",
                "test_erasing_takes_every_card_of_that_file_and_no_namesake",
                "test_the_erased_patient_is_nowhere_in_pages_logs_and_backups_made_after",
                "test_no_sync_no_recheck_and_no_other_day_brings_them_back",
                "test_connecting_the_practice_again_does_not_bring_them_back",
                "test_a_run_that_had_read_them_before_cannot_write_them_after",
                "test_a_patient_erased_since_is_erased_again_and_the_log_holds",
                "test_an_erasure_killed_half_way_is_whole_or_did_not_happen",
            ),
        ),
    ),
    "Log, errors, supply": (
        Row(
            "F1",
            "every change is logged in its own transaction, every look at a patient too",
            (
                "test_whatever_changes_something_is_audited",
                "test_a_change_that_fails_leaves_no_row",
                "test_whoever_is_given_a_patient_leaves_a_row_in_the_log",
                "test_a_page_looked_at_again_and_again_is_one_row_a_quarter_of_an_hour",
                "test_a_database_that_takes_no_writes_loses_no_look_and_stops_no_page",
                "test_looks_beyond_the_limit_are_counted_and_said",
            ),
        ),
        Row(
            "F2",
            "the log is append-only, chained with a key, and its end noted elsewhere; what was altered is named",
            (
                "test_the_database_refuses_to_change_a_row",
                "test_tampering_behind_the_triggers_is_named",
                "test_a_row_put_in_without_the_key_is_named",
                "test_a_log_rewritten_without_the_key_is_noticed",
                "test_a_head_noted_elsewhere_tells_of_a_cut_end",
                "test_old_rows_go_only_behind_a_cut_that_the_key_proves",
                "test_rows_from_before_the_key_hold_and_the_log_goes_on_with_it",
            ),
        ),
        Row(
            "F3",
            "no patient data or secret in logs, jobs, errors, addresses, titles, numbers",
            (
                "test_no_log_line_holds_a_patient_or_anything_typed",
                "test_the_audit_log_holds_no_patient_and_nothing_typed",
                "test_page_titles_name_no_patient",
                "test_a_job_holds_nothing_but_the_run_number",
                "test_a_search_is_noted_without_what_was_searched_for",
                "test_the_log_of_an_erasure_names_nobody",
            ),
        ),
        Row(
            "F4",
            "log lines are JSON of one line, whatever stands in them",
            ("test_line_breaks_and_escapes_cannot_forge_a_line",),
        ),
        Row(
            "F5",
            "errors say no more than an id; a broken error page still answers",
            (
                "test_every_fault_is_told_in_plain_words_without_its_inside",
                "test_a_broken_error_page_still_answers",
                "test_a_bug_is_500_without_a_trace",
            ),
        ),
        Row(
            "F6",
            "health without signing in is one word",
            (
                "test_anybody_may_ask_whether_it_lives_and_hears_one_word",
                "test_machines_health_pages_name_nobody",
            ),
        ),
        Row(
            "F7",
            "one command says who saw what between two times, one ends every way in",
            (
                "test_who_saw_names_people_and_pages",
                "test_who_saw_a_card_names_pages_and_people_within_the_times",
                "test_everything_that_opens_a_door_is_ended_at_once",
            ),
        ),
        Row("F8", "every library is locked with its hash", ("test_every_library_is_locked_with_its_hash",)),
        Row(
            "F9",
            "`pmsapp doctor` names what is unsafe about an installation and what to do",
            (
                "test_doctor_says_what_is_wrong_and_what_to_do",
                "test_a_lost_key_fails",
                "test_a_file_of_another_user_fails",
            ),
        ),
    ),
    "Storage": (
        Row(
            "S2",
            "what was saved survives a loss of power: every connection writes with `synchronous=FULL`",
            ("test_every_connection_is_opened_alike",),
        ),
        Row(
            "J2",
            "a run that stalled and wakes up writes nothing",
            ("test_a_stalled_run_that_wakes_up_is_fenced_out_and_writes_nothing",),
        ),
    ),
}
