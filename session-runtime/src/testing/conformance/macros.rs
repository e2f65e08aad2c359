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
                what_is_inserted_is_loaded
                an_empty_session_is_a_session
                hostile_keys_are_plain_data
                large_data_is_kept
                data_over_its_size_is_refused
                data_that_is_nested_too_deep_is_refused
                the_deepest_data_is_kept
                many_fields_are_kept
                an_unknown_id_is_no_session
                a_wrong_secret_neither_reads_nor_keeps_alive
                a_sid_is_known_only_the_way_it_travels
                a_record_is_unknown_in_another_namespace
                a_living_record_is_never_replaced
                an_ended_record_gives_its_id_free
                destroying_twice_is_no_error
                what_has_ended_is_not_counted
                a_sweep_takes_only_what_has_ended
                now_is_the_clock_of_the_deadlines
                a_change_is_applied
                a_new_session_is_changed_without_a_load
                a_change_without_data_leaves_the_data
                a_change_is_applied_once
                a_repeated_rotation_is_applied_once
                a_stale_change_writes_nothing
                a_conflict_shows_what_to_go_on_from
                different_fields_both_land
                data_without_a_base_replaces_all
                a_change_never_creates
                a_rotation_kills_the_old_secret
                a_rotation_with_data_is_one_change
                an_older_epoch_changes_no_secret
                data_land_across_a_rotation
                nothing_lands_across_a_login
                a_subject_is_set_kept_and_removed
                a_login_starts_the_deadlines_again
                an_idle_session_ends
                reading_keeps_alive_until_the_absolute_deadline
                changing_keeps_alive_until_the_absolute_deadline
                an_empty_change_keeps_alive
                touches_are_coalesced
                a_lifetime_outlives_changes_and_touches
                a_shorter_lifetime_ends_earlier
                a_life_beyond_all_time_is_a_life
                at_its_deadline_a_session_is_gone
                an_offer_is_made_when_it_is_due
                an_offered_secret_is_promoted_by_its_use
                a_promotion_needs_no_renewal
                a_promoted_secret_is_new
                the_previous_secret_is_offered_none
                an_unused_offer_is_replaced
                a_rotation_kills_every_secret
                a_wrong_secret_is_offered_none
                loads_at_once_make_one_offer
                changes_of_different_fields_are_all_there
                changes_of_one_field_all_count
                one_change_sent_at_once_is_applied_once
                a_destroyed_session_never_comes_back
                insertions_at_once_are_all_there
                one_id_is_inserted_once
                one_rotation_lands
                a_dropped_change_is_whole_or_nothing
                a_load_never_shows_half_a_change
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
