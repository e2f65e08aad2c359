//! Tests of behavior that the conformance kit does not cover.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test reports by panicking"
)]

mod eviction;
mod model;
mod subjects;
mod sweeping;
mod tombstones;
mod tools;
mod user_code;
mod wheel;

use crate::store::MemoryStore;
use crate::testing::FakeClock;
use crate::testing::conformance::{Harness, cases, run};

crate::store_conformance! {
    mod conformance, || async {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        Harness::new(store).with_clock(clock)
    }
}

crate::inspect_conformance! {
    mod inspect, || async {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        Harness::new(store).with_clock(clock)
    }
}

crate::subject_index_conformance! {
    mod subject_index, || async {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        Harness::new(store).with_clock(clock)
    }
}

/// With the system clock these cases sleep, so they run in parallel.
#[test]
fn the_timing_cases_pass_with_the_system_clock() {
    macro_rules! in_parallel {
        ($($case:ident)*) => {
            std::thread::scope(|scope| {$(
                scope.spawn(|| {
                    run(|| async { Harness::new(MemoryStore::new()) }, cases::$case);
                });
            )*});
        };
    }
    in_parallel! {
        an_idle_session_ends
        loads_extend_a_session_until_its_absolute_deadline
        changes_extend_a_session_until_its_absolute_deadline
        an_empty_change_extends_the_idle_deadline
        touches_are_coalesced
        a_lifetime_outlives_changes_and_touches
        a_shorter_lifetime_ends_earlier
        a_login_starts_the_deadlines_again
        expired_sessions_are_not_counted
        a_sweep_removes_only_expired_sessions
        now_is_the_clock_of_the_deadlines
        an_offer_is_made_when_it_is_due
        an_offered_secret_is_promoted_by_its_use
        a_promoted_secret_is_new
        an_unused_offer_is_replaced
    }
}
