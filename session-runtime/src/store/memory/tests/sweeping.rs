//! Tests that expired sessions are removed, and their memory is released.

use std::time::Duration;

use super::tools::{Sizes, block_on, count, id, insert, key, load, minute, sizes, store};
use crate::store::Store;

#[test]
fn a_sweep_removes_expired_sessions_up_to_its_limit() {
    let (store, clock) = store(10_000);
    let mut alive = Vec::new();
    for at in 0..1_000 {
        let id = id(at);
        insert(&store, id);
        if at % 2 == 0 {
            alive.push(id);
        }
    }
    clock.advance(minute(20));
    assert!(alive.iter().all(|id| load(&store, *id)));
    clock.advance(minute(20));
    for _ in 0..10 {
        assert_eq!(block_on(store.sweep(3)).expect("sweep failed"), 3);
    }
    assert_eq!(sizes(&store).sessions, 970);
    assert_eq!(block_on(store.sweep(0)).expect("sweep failed"), 0);
    assert_eq!(
        block_on(store.sweep(usize::MAX)).expect("sweep failed"),
        470
    );
    let Sizes {
        sessions, wheel, ..
    } = sizes(&store);
    assert_eq!((sessions, wheel), (500, 500));
    assert_eq!(count(&store), 500);
    assert!(alive.iter().all(|id| load(&store, *id)));
}

#[test]
fn requests_sweep_all_shards_in_passing() {
    let (store, clock) = store(10_000);
    for at in 0..3_000 {
        insert(&store, id(at));
    }
    let living = id(9_999);
    clock.advance(minute(29));
    insert(&store, living);
    clock.advance(minute(1));
    for _ in 0..1_000 {
        clock.advance(Duration::from_millis(1));
        assert!(load(&store, living));
    }
    assert_eq!(
        sizes(&store).sessions,
        1,
        "loads of one session removed all the others"
    );
}

#[test]
fn memory_is_released_after_a_flood() {
    let (store, clock) = store(1_000_000);
    for at in 0..100_000 {
        insert(&store, id(at));
    }
    let full = sizes(&store);
    assert!(full.room >= 100_000);
    clock.advance(minute(31));
    let mut kept = Vec::new();
    for at in 0..50_100 {
        let id = id(at);
        insert(&store, id);
        if at < 100 {
            kept.push(id);
        } else {
            // A destroyed session must leave nothing behind.
            assert!(block_on(store.destroy(key(id))).expect("destroy failed"));
        }
    }
    let _ = block_on(store.sweep(usize::MAX));
    let left = sizes(&store);
    assert_eq!((left.sessions, left.evictable), (100, 100));
    assert!(left.wheel <= 300 && left.unpresented <= 300, "{left:?}");
    assert!(left.room < full.room / 5, "{left:?} of {full:?}");
    assert!(
        kept.iter().all(|id| load(&store, *id)),
        "the living sessions were moved to the smaller lists"
    );
    clock.advance(minute(31));
    assert_eq!(
        block_on(store.sweep(usize::MAX)).expect("sweep failed"),
        100
    );
    let schedule = store.records.schedule();
    let (wheel, unpresented) = (schedule.wheel.room(), schedule.unpresented.room());
    assert_eq!([store.records.map.capacity(), wheel, unpresented], [0; 3]);
}

#[test]
fn a_table_shrinks_around_the_sessions_that_stay() {
    // A few sessions stay in each of its 64 tables.
    let (store, clock) = store(64_000);
    let ids: Vec<_> = (0..50_000).map(id).collect();
    for id in &ids {
        insert(&store, *id);
    }
    let full = sizes(&store);
    clock.advance(minute(20));
    let stay = || ids.iter().step_by(100);
    assert!(stay().all(|id| load(&store, *id)));
    clock.advance(minute(20));
    let _ = block_on(store.sweep(usize::MAX));
    let left = sizes(&store);
    assert_eq!(left.sessions, 500);
    assert!(left.room < full.room / 10, "{left:?} of {full:?}");
    assert!(stay().all(|id| load(&store, *id)));
}

#[test]
fn debug_shows_counts_and_no_session() {
    let (store, _) = store(5);
    insert(&store, id(1));
    assert_eq!(
        format!("{store:?}"),
        "MemoryStore { sessions: 1, capacity: 5, .. }"
    );
}

#[test]
fn no_request_sweeps_while_a_full_sweep_runs() {
    let (store, clock) = store(10_000);
    for at in 0..1_000 {
        insert(&store, id(at));
    }
    let living = id(9_999);
    clock.advance(minute(29));
    insert(&store, living);
    clock.advance(minute(1));
    assert_eq!(block_on(store.sweep(16)).expect("sweep failed"), 16);
    assert!(load(&store, living));
    clock.advance(Duration::from_millis(1));
    assert!(load(&store, living));
    assert_eq!(sizes(&store).sessions, 985);
    clock.advance(Duration::from_millis(1));
    assert!(load(&store, living));
    assert!(
        sizes(&store).sessions < 985,
        "the last sweep was two milliseconds ago"
    );
}
