"""The rows of docs/reliability.md: what holds, and the tests that fail when it does not. `make docs` writes the page."""

from __future__ import annotations

from tests.support.security_rows import Row

SECTIONS: dict[str, tuple[Row, ...]] = {
    "Nothing saved is lost": (
        Row(
            "S1",
            "a saved edit outlives the end of any process, at any moment",
            (
                "test_each_part_killed_in_turn_is_back_in_ten_seconds_and_nobody_loses_anything",
                "test_one_web_process_killed_costs_nobody_more_than_the_page_on_its_way",
            ),
        ),
        Row(
            "S2",
            "and a loss of power: every connection writes with `synchronous=FULL`",
            ("test_every_connection_is_opened_alike",),
            missing="no test drops the bytes that were not yet flushed",
        ),
        Row(
            "S3",
            "an edit, its version and its line in the log are stored together or not at all",
            ("test_every_statement_may_be_the_last_one", "test_whatever_changes_something_is_audited"),
        ),
        Row(
            "S4",
            "every connection is set up alike, and every table is strict",
            (
                "test_every_connection_is_opened_alike",
                "test_tables_of_sqlite_are_strict_and_never_use_an_id_twice",
            ),
        ),
        Row(
            "S5",
            "with a full disk an edit is refused in words and what was typed is kept; little room is told before",
            (
                "test_a_full_disk_is_named_and_nothing_is_lost",
                "test_an_edit_that_could_not_be_stored_says_so_after_one_wait_and_keeps_what_was_typed",
                "test_a_full_disk_is_noticed",
            ),
            missing="no test fills a real disk for an hour, and little room does not change `/readyz`",
        ),
        Row(
            "S6",
            "of two people who change one card the second sees both values, and nothing is overwritten in silence",
            (
                "test_an_edit_of_an_older_version_is_refused_with_the_card_as_it_is",
                "test_a_conflict_is_decided_in_the_panel_with_both_values_and_what_is_typed_is_kept",
            ),
        ),
        Row(
            "S7",
            "a backup is a whole copy that restores",
            (
                "test_a_backup_is_whole_private_and_the_oldest_go",
                "test_verify_reads_the_newest_backup_and_changes_nothing",
            ),
            missing="no test makes many of them while people write",
        ),
        Row(
            "S8",
            "after a restore nothing of the lost time is believed, and what was done since is listed",
            (
                "test_after_a_restore_everybody_signs_in_again_and_no_fence_goes_back",
                "test_the_backup_is_in_force_and_what_was_done_since_is_listed_and_kept",
                "test_no_page_program_or_worker_of_the_lost_time_is_believed",
            ),
        ),
        Row(
            "S9",
            "an upgrade copies first, changes all or nothing, and never touches a newer database",
            (
                "test_an_upgrade_copies_the_file_first_and_keeps_every_row",
                "test_an_upgrade_killed_half_way_changes_nothing",
                "test_a_database_of_a_newer_program_is_refused_and_left_alone",
            ),
        ),
        Row(
            "S10",
            "damage to the file is noticed",
            ("test_a_damaged_file_fails",),
            missing="a damaged database is not switched to reading alone",
        ),
        Row(
            "S11",
            "PostgreSQL keeps the same promises: `make test-postgres` runs the tests on it, and moving there loses no row",
            ("test_every_row_of_every_table_is_kept",),
            missing="no test checks the recorded history of many writers",
        ),
    ),
    "Runs and the schedule": (
        Row(
            "J1",
            "each connection is read once per slot; missed slots are made up once",
            (
                "test_j1_four_schedulers_at_one_moment_take_a_slot_once",
                "test_three_hours_of_sleep_are_made_up_once",
            ),
        ),
        Row(
            "J2",
            "one writer per connection, also when an earlier one wakes up",
            (
                "test_j2_a_stalled_worker_that_wakes_up_writes_nothing",
                "test_j2_a_child_that_is_stopped_is_ended_and_its_run_repeated",
            ),
        ),
        Row(
            "J3",
            "a run that was killed anywhere is made good by the next",
            (
                "test_j3_a_run_killed_anywhere_is_made_good_by_the_next",
                "test_the_failpoints_of_the_source_are_all_tried",
            ),
        ),
        Row(
            "J4",
            "within two minutes",
            ("test_j4_a_run_whose_worker_was_killed_is_interrupted_and_repeated_within_two_minutes",),
        ),
        Row(
            "J5",
            "a queue server that is away, empty, full or stuck costs no page and no run",
            (
                "test_j5_a_queue_server_that_fails_costs_no_page_and_no_run",
                "test_a_full_queue_server_is_as_good_as_none",
            ),
        ),
        Row(
            "J6",
            "stopping hands the run in progress to the next process",
            (
                "test_j6_a_stop_hands_a_run_that_cannot_end_to_the_next_process",
                "test_j6_two_askings_end_the_run_at_once_and_the_next_process_repeats_it",
            ),
        ),
        Row(
            "J7",
            "every run has a record, also one that ended badly",
            ("test_j7_every_run_says_when_it_began_and_ended_what_it_did_and_why_not",),
        ),
        Row(
            "J8",
            "a run that hangs is ended",
            (
                "test_j8_a_vendor_that_never_answers_does_not_hold_a_run_beyond_its_ceiling",
                "test_j8_the_queue_kills_what_outlives_even_that",
            ),
            missing="memory of a run has no ceiling",
        ),
        Row(
            "J9",
            "a clock that steps breaks no lease and repeats no run",
            ("test_j9_a_clock_that_steps_in_the_middle_of_a_run_breaks_nothing",),
        ),
    ),
    "The sheet is the practice software's truth and the staff's": (
        Row(
            "P1",
            "what staff typed is never changed by a run; where both changed, both are kept",
            (
                "test_c21_a_typed_phone_survives_and_where_both_changed_both_are_kept",
                "test_any_order_of_events_keeps_every_promise",
            ),
        ),
        Row("P2", "reading the same twice writes nothing", ("test_a_second_sync_writes_nothing",)),
        Row(
            "P3",
            "the size, the order and the overlap of pages change nothing",
            (
                "test_pages_that_are_short_lose_nothing_and_double_nothing",
                "test_a_row_that_comes_on_two_pages_is_handed_out_once",
                "test_field_07_a_list_that_shifted_between_two_pages_is_read_once_more",
            ),
        ),
        Row(
            "P4",
            "only what was read to its end counts as fresh",
            ("test_freshness_is_kept_only_for_lists_read_to_their_end",),
        ),
        Row(
            "P5",
            "absence from a list that did not end removes nobody",
            (
                "test_c4_a_read_that_did_not_finish_removes_nothing",
                "test_a_list_without_an_end_mark_removes_nothing",
            ),
        ),
        Row(
            "P6",
            "when very many are gone at once all are kept, and a person is asked",
            (
                "test_c4_many_at_once_are_held_and_one_prompt_explains",
                "test_c5_the_prompt_names_counts_and_keep_or_apply_settle_it",
            ),
        ),
        Row(
            "P7",
            "what could not be read is told beside what could",
            ("test_c9_what_could_be_read_is_told_beside_what_could_not",),
        ),
        Row(
            "P8",
            "one bad record stops no other, and can be tried again",
            ("test_c7_one_odd_record_stops_nobody_else_and_can_be_tried_again",),
        ),
        Row(
            "P9",
            "two connections with the same ids never meet",
            ("test_two_connections_with_the_same_ids_never_touch_each_other",),
        ),
        Row(
            "P10",
            "a run that was broken off and repeated ends as one that was not",
            (
                "test_a_process_killed_at_any_point_leaves_what_the_next_run_repairs",
                "test_a_database_that_fails_at_any_statement_is_recorded_and_repaired",
            ),
        ),
    ),
    "Pages under load": (
        Row(
            "W1",
            "clients that are slow on purpose take no page from others",
            (
                "test_pages_are_answered_beside_two_hundred_slow_clients",
                "test_a_connection_that_never_says_anything_is_closed",
            ),
            missing="the ratio of their times is not measured by `make bench`",
        ),
        Row(
            "W2",
            "clients that break off, at any moment, end no process",
            ("test_clients_that_break_off_end_no_process",),
        ),
    ),
}
