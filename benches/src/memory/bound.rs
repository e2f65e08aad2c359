//! A full store: the cost of a creation, and which sessions it evicts.

use std::time::Instant;

use connect_session::SessionId;
use connect_session::store::{MemoryStore, NewLogin, StoreError};

use super::{HOUR, insert, is_alive, median, new_id, record, runtime, try_insert};
use crate::data::Data;

const CAPACITY: usize = 10_000;
const BATCH: usize = 1_000;
const ROUNDS: usize = 9;

pub fn print() {
    runtime().block_on(async {
        // A third each: presented, with a subject, and neither.
        let (store, [presented, owned, fresh]) = filled().await;
        let mut ratios = [Vec::new(), Vec::new()];
        let mut next = CAPACITY;
        for _ in 0..ROUNDS {
            let roomy: MemoryStore<Data> = MemoryStore::builder().capacity(CAPACITY).build();
            for number in 0..CAPACITY / 2 {
                insert(&roomy, new_id(number), HOUR).await;
            }
            let floor = create(&roomy, next, 0).await;
            let full = create(&store, next, 1).await;
            let refusing = refusing().await;
            let refused = refuse(&refusing, next).await;
            ratios[0].push(full / floor);
            ratios[1].push(refused / floor);
            next += BATCH;
        }
        let [full, refused] = ratios.map(median);
        println!("Time, relative to a creation in a half-full store of {CAPACITY}:\n");
        println!("| the store | a creation | takes |\n| --- | --- | ---: |");
        println!("| is full, some can be evicted | evicts the oldest | {full:.2} |");
        println!("| is full, none can be evicted | is rejected | {refused:.2} |");
        for (of, ids, all) in [
            ("presented once", presented, true),
            ("with a subject", owned, true),
            ("neither", fresh, false),
        ] {
            let mut alive = 0;
            for id in &ids {
                alive += usize::from(is_alive(&store, *id).await);
            }
            println!("- {of}: {alive} of {} are alive", ids.len());
            assert_eq!(alive, if all { ids.len() } else { 0 });
        }
    });
}

/// A full store, and its sessions: presented, with a subject, and neither.
async fn filled() -> (MemoryStore<Data>, [Vec<SessionId>; 3]) {
    let store = MemoryStore::builder().capacity(CAPACITY).build();
    let mut ids = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..CAPACITY {
        let id = new_id(number);
        let kind = number % 3;
        ids[kind].push(id);
        let mut record = record(HOUR);
        record.login = (kind == 1).then(|| NewLogin::new("somebody"));
        let evicted = try_insert(&store, id, &record).await.expect("room");
        assert!(evicted.is_empty());
        if kind == 0 {
            assert!(is_alive(&store, id).await);
        }
    }
    (store, ids)
}

/// A store full of sessions that were presented.
async fn refusing() -> MemoryStore<Data> {
    let store = MemoryStore::builder().capacity(CAPACITY).build();
    for number in 0..CAPACITY {
        let id = new_id(number);
        insert(&store, id, HOUR).await;
        assert!(is_alive(&store, id).await);
    }
    store
}

/// The seconds of a batch of creations, each of which evicts `evicts` sessions.
async fn create(store: &MemoryStore<Data>, next: usize, evicts: usize) -> f64 {
    let started = Instant::now();
    for number in next..next + BATCH {
        let evicted = try_insert(store, new_id(number), &record(HOUR)).await;
        assert_eq!(evicted.expect("room").len(), evicts);
    }
    started.elapsed().as_secs_f64()
}

/// The seconds of a batch of creations that are all rejected.
async fn refuse(store: &MemoryStore<Data>, next: usize) -> f64 {
    let started = Instant::now();
    for number in next..next + BATCH {
        let refused = try_insert(store, new_id(number), &record(HOUR)).await;
        assert!(matches!(refused, Err(StoreError::Full)));
    }
    started.elapsed().as_secs_f64()
}
