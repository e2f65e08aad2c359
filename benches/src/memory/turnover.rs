//! The heap while sessions are created and destroyed, long before they would end.

use connect_session::store::{MemoryStore, Store as _};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use super::size::live;
use super::{HOUR, insert, is_alive, key, new_id, runtime};
use crate::data::Data;

/// The sessions that are alive at the same time.
const ALIVE: usize = 1_000;
const CREATED: usize = 10_000_000;

pub fn print() {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let store = MemoryStore::<Data>::new();
    let mut ids = Vec::with_capacity(ALIVE);
    let mut most = 0;
    runtime().block_on(async {
        for number in 0..CREATED {
            let id = new_id(number);
            insert(&store, id, HOUR).await;
            // Half of the sessions are used.
            assert!(number % 2 == 0 || is_alive(&store, id).await);
            if ids.len() < ALIVE {
                ids.push(id);
            } else {
                let oldest = std::mem::replace(&mut ids[number % ALIVE], id);
                assert!(store.destroy(key(oldest)).await.expect("a store"));
            }
            if number % 1_000 == 0 {
                most = most.max(live(&region));
            }
        }
    });
    println!(
        "With {ALIVE} sessions alive, after {CREATED} were created and the others destroyed: {} KiB; \
         at most {} KiB",
        live(&region) >> 10,
        most >> 10
    );
    runtime().block_on(async {
        for id in ids {
            assert!(store.destroy(key(id)).await.expect("a store"));
        }
        assert_eq!(store.sweep(usize::MAX).await.expect("a store"), 0);
    });
    println!(
        "After the rest were destroyed, and a sweep: {} KiB",
        live(&region) >> 10
    );
}
