//! Tests that tombstones take only the room that sessions leave.

use std::num::NonZeroU32;
use std::time::Duration;

use super::tools::{block_on, id, insert, insert_record, key, minute, record, request, store};
use crate::record::{Lifetime, NewLogin, NewRecord, OnMaxSessions, SessionLimit};
use crate::sid::SessionId;
use crate::store::{LoadOutcome, MemoryStore, Store};
use crate::untyped::Untyped;

fn log_in(store: &MemoryStore<Untyped>, id: SessionId) {
    log_in_for(store, id, minute(600));
}

/// Logs a user in who may have one session.
fn log_in_for(store: &MemoryStore<Untyped>, id: SessionId, lives: Duration) {
    let login = NewLogin {
        limit: NonZeroU32::new(1).map(|max| SessionLimit {
            max,
            when_reached: OnMaxSessions::EndOldest,
        }),
        ..NewLogin::new("ada")
    };
    let record = NewRecord {
        login: Some(login),
        lifetime: Lifetime::new(minute(30), lives),
        ..record(Untyped::default())
    };
    insert_record(store, id, &record).expect("insert failed");
}

fn is_replaced(store: &MemoryStore<Untyped>, id: SessionId) -> bool {
    let outcome = block_on(store.load(key(id), &request())).expect("load failed");
    matches!(outcome, LoadOutcome::Replaced)
}

#[test]
fn sessions_push_the_oldest_tombstones_out() {
    let (store, _) = store(4);
    let logins = [id(1), id(2), id(3)];
    for login in logins {
        log_in(&store, login);
    }
    let [first, second, _] = logins;
    let unpresented = id(11);
    assert_eq!(insert(&store, unpresented), []);
    assert!(is_replaced(&store, first) && is_replaced(&store, second));
    assert_eq!(insert(&store, id(12)), [], "nothing is evicted");
    assert!(!is_replaced(&store, first) && is_replaced(&store, second));
    assert_eq!(insert(&store, id(13)), []);
    assert!(!is_replaced(&store, second));
    assert_eq!(store.records.tombstones.len(), 0);
    assert_eq!(insert(&store, id(14)), [unpresented], "the store is full");
}

#[test]
fn a_sweep_drops_tombstones_whose_time_is_over() {
    let (store, clock) = store(10_000);
    let logins: Vec<_> = (0..=1_000).map(id).collect();
    for &login in &logins {
        log_in(&store, login);
    }
    assert_eq!(store.records.tombstones.len(), 1_000);
    clock.advance(minute(599));
    assert_eq!(block_on(store.sweep(usize::MAX)).expect("swept"), 1);
    assert_eq!(store.records.tombstones.len(), 1_000);
    assert!(is_replaced(&store, logins[0]));
    clock.advance(minute(1));
    assert!(!is_replaced(&store, logins[0]));
    assert_eq!(block_on(store.sweep(usize::MAX)).expect("swept"), 0);
    assert_eq!(store.records.tombstones.len(), 0);
    assert_eq!(store.records.tombstones.room(), 0, "the memory is free");
}

#[test]
fn a_tombstone_ends_in_time_behind_one_that_lasts_longer() {
    let (store, clock) = store(10);
    let (long, short) = (id(1), id(2));
    log_in(&store, long);
    log_in_for(&store, short, minute(40));
    log_in(&store, id(3));
    clock.advance(minute(40));
    assert!(is_replaced(&store, long) && !is_replaced(&store, short));
    assert_eq!(store.records.tombstones.len(), 2);
}
