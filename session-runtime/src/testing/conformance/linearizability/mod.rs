//! Histories of concurrent clients, which must be linearizable: each operation on a session takes effect at one moment
//! between its call and its answer.
//!
//! [`clients`] use a store at random and record what they did in a [`history`]. For each session, [`search`] looks for
//! an order of the operations in which the [`model`] gives the same answers. Sessions are independent, so a history
//! is linearizable if that of each session is. What concerns several, such as an end of all, is promised for each of
//! them alone. A mark belongs to a subject, so it is part of the model of each session that logs in with a fence.
//!
//! Two operations take effect in more than one moment, and nobody is misled by it. The mark of an end of all may be seen
//! a little after its sessions have ended; meanwhile no login with a fence is stored. If the index is not on the server
//! of the record ([`Harness::with_index_in_steps`](super::Harness::with_index_in_steps)), a login is stored before it is
//! listed, and an end of all raises the mark before it ends one session after the other.

mod clients;
mod history;
mod model;
mod report;
mod search;
#[cfg(test)]
mod tests;

use self::clients::Plan;
use self::history::Event;
use self::search::{Verdict, search};
use crate::store::Store;
use crate::testing::conformance::Fixture;
use crate::untyped::Untyped;

/// The subjects of the clients.
const SUBJECTS: [&str; 2] = ["ada", "bob"];

/// The clients of one history, and the operations of each.
const CLIENTS: usize = 32;
const OPERATIONS: usize = 24;
/// The sessions that they use at the same time.
const SESSIONS: usize = 4;

/// Runs clients with each of these seeds, and checks what they did.
///
/// # Panics
/// If a history is not linearizable. The message has the seed and a short history; other runs with the same seed make
/// the same choices, but meet in other moments.
pub(super) async fn check<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    seeds: impl Iterator<Item = u64>,
    with_subjects: bool,
) {
    for seed in seeds {
        let plan = Plan {
            seed,
            clients: CLIENTS,
            operations: OPERATIONS,
            sessions: SESSIONS,
            with_subjects,
        };
        // Each history has subjects of its own.
        let fixture = fixture.within(&seed.to_string());
        let events = clients::run(&fixture, plan).await;
        if let Some(report) = violation(&events, fixture.is_in_steps) {
            panic!("seed {seed}: {report}");
        }
    }
}

/// The first session whose history is not linearizable, described.
fn violation(events: &[Event], in_steps: bool) -> Option<String> {
    history::sessions(events).into_iter().find_map(|session| {
        let part = history::of_session(events, session, in_steps);
        let ops: Vec<_> = part.iter().map(|own| own.op.clone()).collect();
        match search(model::State::default(), &ops) {
            Verdict::Linearizable => None,
            // Never seen; what is certain is more useful than what is not.
            Verdict::Undecided => {
                eprintln!("{session}: no decision about {} operations", ops.len());
                None
            }
            Verdict::Violated(_) => Some(report::describe(&part)),
        }
    })
}
