//! The macro that generates a test for each case.

/// Generates a module with one `#[test]` for each conformance case.
///
/// See [`testing::conformance`](crate::testing::conformance) for its arguments.
#[macro_export]
macro_rules! store_conformance {
    ($(#[$attribute:meta])* mod $name:ident, $make:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may use nothing of the outer module")]
            use super::*;
            $crate::store_conformance! { @each [$(#[$attribute])*] $make;
                a_load_returns_the_inserted_record
                a_session_without_data_can_be_stored
                hostile_keys_are_plain_data
                large_data_is_kept
                data_over_its_size_is_refused
                data_that_is_nested_too_deep_is_refused
                the_deepest_data_is_kept
                many_fields_are_kept
                no_operation_finds_an_unknown_id
                a_wrong_secret_neither_reads_nor_extends
                a_sid_is_unknown_in_another_transport
                a_record_is_unknown_in_another_namespace
                a_live_record_is_never_replaced
                the_id_of_an_ended_record_can_be_inserted_again
                a_second_destroy_returns_false
                expired_sessions_are_not_counted
                a_sweep_removes_only_expired_sessions
                now_is_the_clock_of_the_deadlines
                a_change_is_applied
                a_new_session_is_changed_without_a_load
                a_change_without_data_leaves_the_data
                a_change_is_applied_once
                a_repeated_rotation_is_applied_once
                a_conflicting_change_writes_nothing
                a_change_can_be_based_on_a_conflict
                changes_of_different_fields_are_both_applied
                data_without_a_base_replaces_all_fields
                a_change_never_creates
                a_rotation_invalidates_the_old_secret
                a_rotation_with_data_is_one_change
                an_older_epoch_changes_no_secret
                data_loaded_before_a_rotation_is_applied
                changes_loaded_before_a_login_are_ended
                a_subject_is_set_kept_and_removed
                a_login_starts_the_deadlines_again
                earlier_data_is_migrated
                newer_data_is_never_written
                a_change_sets_the_version_that_it_writes
                an_idle_session_ends
                loads_extend_a_session_until_its_absolute_deadline
                changes_extend_a_session_until_its_absolute_deadline
                an_empty_change_extends_the_idle_deadline
                touches_are_coalesced
                a_lifetime_outlives_changes_and_touches
                a_shorter_lifetime_ends_earlier
                a_lifetime_of_a_century_is_valid
                a_session_ends_at_its_deadline
                a_session_that_is_never_loaded_ends_early
                the_first_load_ends_the_wait_for_it
                a_wrong_secret_is_no_first_use
                no_change_moves_the_end_of_an_unused_session
                a_shorter_lifetime_ends_an_unused_session
                an_offer_is_made_when_it_is_due
                an_offered_secret_is_promoted_by_its_use
                a_promotion_needs_no_renewal
                a_promoted_secret_is_new
                the_previous_secret_gets_no_offer
                an_unused_offer_is_replaced
                a_rotation_invalidates_every_secret
                a_wrong_secret_gets_no_offer
                a_replaced_secret_after_its_grace_is_a_reuse
                an_ended_session_has_no_reuse
                concurrent_loads_make_one_offer
                concurrent_changes_of_different_fields_are_all_stored
                concurrent_changes_of_one_field_all_count
                one_change_sent_concurrently_is_applied_once
                a_destroyed_session_never_comes_back
                concurrent_inserts_are_all_stored
                an_id_is_inserted_once
                one_of_several_concurrent_rotations_is_applied
                a_canceled_change_is_applied_whole_or_not_at_all
                a_load_never_shows_half_a_change
                histories_of_sessions_are_linearizable
            }
        }
    };
    (@each $attributes:tt $make:expr; $($case:ident)*) => {
        $($crate::store_conformance! { @one $attributes $make; $case })*
    };
    (@one [$($attribute:tt)*] $make:expr; $case:ident) => {
        $($attribute)*
        #[test]
        fn $case() {
            $crate::testing::conformance::run($make, $crate::testing::conformance::cases::$case);
        }
    };
}

/// Generates a module with one `#[test]` for each conformance case of a
/// [`SubjectIndex`](crate::store::SubjectIndex).
///
/// See [`testing::conformance`](crate::testing::conformance) for its arguments. The store must also pass
/// [`store_conformance!`].
#[macro_export]
macro_rules! subject_index_conformance {
    ($(#[$attribute:meta])* mod $name:ident, $make:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may use nothing of the outer module")]
            use super::*;
            $crate::store_conformance! { @each [$(#[$attribute])*] $make;
                logins_are_listed_the_latest_first
                a_list_shows_only_sessions_that_the_subject_has_now
                a_list_has_pages
                a_list_shows_the_label
                a_list_shows_when_an_unused_session_ends
                another_proof_changes_the_level_and_not_the_login
                any_text_is_a_subject
                a_subject_of_a_megabyte_is_kept
                one_session_is_ended_by_its_subject_only
                all_sessions_of_a_subject_are_ended
                all_sessions_but_one_are_ended
                a_login_from_before_an_end_of_all_is_refused
                a_login_with_a_forgotten_mark_is_accepted
                a_mark_is_kept_without_sessions
                a_repeated_login_is_applied_once
                the_earliest_logins_end_beyond_the_limit
                a_login_beyond_the_limit_is_refused
                sessions_that_have_ended_do_not_count
                a_login_that_is_not_applied_ends_no_session
                hundreds_of_sessions_are_listed_and_ended
                logins_at_the_same_time_as_an_end_of_all_do_not_survive
                a_session_that_was_replaced_says_so_to_its_secrets
                a_replaced_session_counts_as_ended
                the_id_of_a_replaced_session_can_be_inserted_again
                a_tombstone_is_kept_until_the_absolute_deadline
                a_session_that_ends_otherwise_leaves_no_tombstone
                concurrent_logins_keep_the_limit
                concurrent_logins_are_refused_beyond_the_limit
                a_session_that_changes_its_subject_is_never_lost
                histories_of_subjects_are_linearizable
                the_index_holds_all_that_lives
            }
        }
    };
}

/// Generates a module with one `#[test]` for each conformance case of a store that implements
/// [`Inspect`](crate::store::Inspect) and is a [`SubjectIndex`](crate::store::SubjectIndex).
///
/// See [`testing::conformance`](crate::testing::conformance) for its arguments. The store must also pass
/// [`store_conformance!`].
#[macro_export]
macro_rules! inspect_conformance {
    ($(#[$attribute:meta])* mod $name:ident, $make:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may use nothing of the outer module")]
            use super::*;
            $crate::store_conformance! { @each [$(#[$attribute])*] $make;
                a_session_is_shown_by_its_id
                a_session_without_a_user_is_shown
                a_session_that_has_ended_is_not_shown
                a_look_at_a_session_is_no_use_of_it
                what_is_shown_prints_nothing_personal
                the_living_sessions_are_counted
            }
        }
    };
}
