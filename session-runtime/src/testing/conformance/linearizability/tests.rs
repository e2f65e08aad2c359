//! Stores that break a promise, each in another way, are found.

mod broken;

use self::broken::{Broken, Fault};
use super::*;
use crate::testing::conformance::{Harness, run};

/// What the kit says of a store with this fault.
fn verdict(fault: Fault, with_subjects: bool) -> Option<String> {
    let checked = std::panic::catch_unwind(|| {
        let make = || async move { Harness::new(Broken::new(fault)) };
        run(make, |fixture| async move {
            check(&fixture, 1..=8, with_subjects).await;
        });
    });
    let panic = checked.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.expect("a message"))
}

fn is_found(fault: Fault, with_subjects: bool) {
    let report = verdict(fault, with_subjects);
    let report = report.unwrap_or_else(|| panic!("{fault:?} was not found"));
    println!("{fault:?}: {report}");
    assert!(report.contains("not linearizable"), "{report}");
    assert!(report.lines().count() < 60, "{report}");
}

#[test]
fn a_store_that_loses_answers_is_linearizable() {
    assert_eq!(verdict(Fault::LosesAnswers, true), None);
}

#[test]
fn a_commit_that_compares_nothing_is_found() {
    is_found(Fault::ComparesNoVersion, false);
    is_found(Fault::ComparesNoEpoch, false);
}

#[test]
fn an_end_that_forgets_is_found() {
    is_found(Fault::DestroysNothing, false);
    is_found(Fault::DestroysLater, false);
}

#[test]
fn a_load_of_an_earlier_state_is_found() {
    is_found(Fault::LoadsWhatItLoadedBefore, false);
}

#[test]
fn a_secret_that_stays_valid_is_found() {
    is_found(Fault::KeepsTheFirstSecret, false);
}

#[test]
fn an_end_of_all_that_misses_a_session_is_found() {
    is_found(Fault::EndsWhatItListed, true);
    is_found(Fault::EndsAllButTheLatest, true);
    is_found(Fault::EndsMoreThanItSays, true);
}

#[test]
fn an_end_that_asks_for_no_subject_is_found() {
    is_found(Fault::EndsAnySession, true);
}

#[test]
fn a_list_that_is_behind_is_found() {
    is_found(Fault::ListsWhatItListedBefore, true);
}

#[test]
fn a_fence_that_is_not_compared_is_found() {
    is_found(Fault::IgnoresFences, true);
}
