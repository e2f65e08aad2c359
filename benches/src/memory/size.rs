//! The heap size of a live session.

use std::sync::Arc;

use connect_session::SessionId;
use connect_session::store::MemoryStore;
use dashmap::DashMap;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use super::{HOUR, insert, is_alive, new_id, runtime};
use crate::data::Data;

/// The number of sessions: two sizes, and the worst case, just after every table has doubled.
const SIZES: [usize; 4] = [100_000, 600_000, 800_000, 1_000_000];

pub fn print() {
    println!("| sessions | bytes of each | in a map only |");
    println!("| ---: | ---: | ---: |");
    for sessions in SIZES {
        println!(
            "| {sessions} | {} | {} |",
            filled(sessions),
            floor(sessions)
        );
    }
    println!(
        "\nThe maximum from 100,000 to a million sessions: {} bytes",
        most()
    );
}

/// The heap bytes in use since a region began.
pub fn live(region: &Region<'_, std::alloc::System>) -> usize {
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}

fn floor(sessions: usize) -> usize {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let map: DashMap<[u8; 16], Arc<Data>> = DashMap::new();
    for number in 0..sessions {
        map.insert(*new_id(number).as_bytes(), Arc::new(Data::seed()));
    }
    assert_eq!(map.len(), sessions);
    live(&region) / sessions
}

fn filled(sessions: usize) -> usize {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let store = MemoryStore::new();
    fill(&store, sessions, |_| ());
    live(&region) / sessions
}

fn most() -> usize {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let store = MemoryStore::new();
    let mut most = 0;
    fill(&store, 1_000_000, |sessions| {
        if sessions >= 100_000 && sessions % 1_000 == 0 {
            most = most.max(live(&region) / sessions);
        }
    });
    most
}

fn fill(store: &MemoryStore<Data>, sessions: usize, mut filled: impl FnMut(usize)) {
    let mut last: SessionId = new_id(0);
    runtime().block_on(async {
        for number in 0..sessions {
            last = new_id(number);
            insert(store, last, HOUR).await;
            filled(number + 1);
        }
        assert!(is_alive(store, last).await);
    });
}
