//! The memory after a million sessions have ended: of the heap, if it is counted, and of the
//! process, which depends on the allocator.

use std::time::Duration;

use connect_session::store::{MemoryStore, Store as _};
use cpu_time::ThreadTime;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use super::{insert, is_alive, new_id, runtime};
use crate::data::Data;

const COUNTED: bool = cfg!(not(feature = "uncounted"));
/// The sessions' lifetime: longer than it takes to create all of them.
const IDLE: Duration = Duration::from_secs(30);

/// Creates a million sessions from `threads` threads.
pub fn print(threads: usize) {
    const SESSIONS: usize = 1_000_000;
    let before = resident();
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let heap = || {
        let change = region.change();
        let live = (change.bytes_allocated - change.bytes_deallocated) >> 10;
        if COUNTED {
            format!("{live} KiB of heap; ")
        } else {
            String::new()
        }
    };
    let store = MemoryStore::<Data>::new();
    println!("new: {}sessions from {threads} thread(s)", heap());
    let of = SESSIONS / threads;
    let running: Vec<_> = (0..threads)
        .map(|thread| {
            let store = store.clone();
            std::thread::spawn(move || {
                runtime().block_on(async {
                    for number in 0..of {
                        insert(&store, new_id(thread * of + number), IDLE).await;
                    }
                });
            })
        })
        .collect();
    running
        .into_iter()
        .for_each(|thread| thread.join().expect("a thread"));
    let more = || resident().saturating_sub(before) >> 20;
    println!("full: {}{} MiB more of the process", heap(), more());
    std::thread::sleep(IDLE);
    let started = ThreadTime::now();
    let swept = runtime()
        .block_on(store.sweep(usize::MAX))
        .expect("a store");
    // The last insertions may have removed a few.
    assert!(swept > SESSIONS - SESSIONS / 100, "{swept} were swept");
    let took = started.elapsed();
    println!("empty: {}{} MiB; swept in {took:.2?}", heap(), more());
    // Some allocators return pages only after a while, during later calls.
    std::thread::sleep(Duration::from_secs(11));
    runtime().block_on(async {
        for number in 0..1_000 {
            let id = new_id(number);
            insert(&store, id, IDLE).await;
            assert!(is_alive(&store, id).await);
        }
    });
    println!(
        "after ten seconds and 1,000 more sessions: {} MiB\n",
        more()
    );
}

/// The resident memory of the process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = status.split(' ').nth(1).and_then(|word| word.parse().ok());
    pages.map_or(0, |pages: usize| pages * 4_096)
}
