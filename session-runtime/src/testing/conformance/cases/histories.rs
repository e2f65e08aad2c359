//! Histories of many clients that use a few sessions at random.

use crate::store::Store;
use crate::testing::conformance::{Fixture, linearizability};
use crate::untyped::Untyped;

/// What 32 concurrent clients see of a few sessions is what they could have seen if one operation had run after the
/// other.
pub async fn histories_of_sessions_are_linearizable<S: Store<Untyped>>(fixture: Fixture<S>) {
    linearizability::check(&fixture, 1..=2, false).await;
}

/// The same with logins of two subjects, their lists, and the ends of their sessions.
pub async fn histories_of_subjects_are_linearizable<S: Store<Untyped>>(fixture: Fixture<S>) {
    linearizability::check(&fixture, 1..=4, true).await;
}
