//! The memory store by itself: what a session takes, what comes back, what a sweep holds up, and
//! what two threads do (W7, W8 and W9).

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use connect_session::SessionId;
use connect_session::store::{
    CommitId, Inserted, Key, Lifetime, LoadRequest, MemoryStore, NewRecord, SecretHash, Store as _,
    Transport,
};
use cpu_time::ThreadTime;
use dashmap::DashMap;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};
use tokio::runtime::Runtime;

use crate::case::{Case as _, Workload};
use crate::data::Data;
use crate::subjects::ours;

const HOUR: Duration = Duration::from_secs(3_600);

pub fn print() {
    println!("## A flood of a million sessions that end\n");
    flood();
    println!("\n## Bytes of heap of a living session of 200 B (W8)\n");
    for sessions in [100_000, 1_000_000] {
        let (map, ours) = (floor(sessions), filled(sessions));
        println!("{sessions} sessions: {ours} B each, of which {map} in a map alone");
    }
    println!("\n## One in a hundred of a million sessions ends (W9)\n");
    sweep();
}

/// What two threads do, on one session and on distinct ones (W7).
pub fn threads() {
    for workload in [Workload::Read, Workload::Write] {
        for same in [false, true] {
            two_threads(workload, same);
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

fn new_id(number: usize) -> SessionId {
    let mut bytes: [u8; 16] = rand::random();
    bytes[..6].copy_from_slice(&(number as u64).to_be_bytes()[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    SessionId::from_bytes(bytes)
}

fn key(id: SessionId) -> Key {
    Key {
        namespace: "benches",
        id,
    }
}

async fn insert(store: &MemoryStore<Data>, id: SessionId, idle: Duration) {
    let record = NewRecord {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Other,
        data: Arc::new(Data::seed()),
        subject: None,
        lifetime: Lifetime::new(idle, HOUR),
        commit_id: CommitId::from_bytes([1; 16]),
        max_size: 1 << 20,
    };
    let inserted = store.insert(key(id), &record).await;
    assert!(matches!(inserted, Ok(Inserted::Done { evicted, .. }) if evicted.is_empty()));
}

async fn is_alive(store: &MemoryStore<Data>, id: SessionId) -> bool {
    let request = LoadRequest {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
    };
    let record = store.load(key(id), &request).await.expect("a store");
    record.is_some_and(|record| record.snapshot.data.visits == 0)
}

/// Heap bytes in use since a region began.
fn live(region: &Region<'_, std::alloc::System>) -> usize {
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}

/// Bytes of the process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = status.split(' ').nth(1).and_then(|word| word.parse().ok());
    pages.map_or(0, |pages: usize| pages * 4_096)
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
    let mut last = new_id(0);
    runtime().block_on(async {
        for number in 0..sessions {
            last = new_id(number);
            insert(&store, last, HOUR).await;
        }
        assert!(is_alive(&store, last).await);
    });
    live(&region) / sessions
}

fn flood() {
    let before = resident();
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let store = MemoryStore::new();
    let empty = live(&region);
    runtime().block_on(async {
        // They all live until the last is there.
        let idle = Duration::from_secs(20);
        let mut last = new_id(0);
        for number in 0..1_000_000 {
            last = new_id(number);
            insert(&store, last, idle).await;
        }
        println!(
            "full: {} MiB of heap, {} MiB of the process",
            live(&region) >> 20,
            (resident() - before) >> 20
        );
        std::thread::sleep(idle);
        assert!(!is_alive(&store, last).await);
        let started = ThreadTime::now();
        let swept = store.sweep(usize::MAX).await.expect("a store");
        println!("{swept} swept in {:.2?}", started.elapsed());
    });
    println!(
        "empty again: {} KiB of heap ({} KiB when it was new), {} MiB of the process",
        live(&region) >> 10,
        empty >> 10,
        resident().saturating_sub(before) >> 20
    );
}

fn sweep() {
    let store = MemoryStore::new();
    let mut ids = Vec::new();
    let short = Duration::from_secs(3);
    runtime().block_on(async {
        for number in 0..990_000 {
            let id = new_id(number);
            ids.push(id);
            insert(&store, id, HOUR).await;
        }
        for number in 0..10_000 {
            insert(&store, new_id(number), short).await;
        }
    });
    let quiet = reads(&store, &ids);
    std::thread::sleep(short);
    let sweeper = std::thread::spawn({
        let store = store.clone();
        move || {
            let mut slices = Vec::new();
            runtime().block_on(async {
                loop {
                    let started = ThreadTime::now();
                    // What is swept at once under one lock.
                    let swept = store.sweep(16).await.expect("a store");
                    if swept == 0 {
                        return;
                    }
                    slices.push((started.elapsed(), swept));
                }
            });
            slices
        }
    });
    let beside = reads(&store, &ids);
    let slices = sweeper.join().expect("a sweep");
    let swept: usize = slices.iter().map(|(_, swept)| swept).sum();
    let all: Duration = slices.iter().map(|(took, _)| *took).sum();
    let longest = slices.iter().map(|(took, _)| *took).max();
    println!(
        "{swept} swept in {} slices of {:.1?} each, the longest {:.1?} (time of the processor)",
        slices.len(),
        all / u32::try_from(slices.len().max(1)).unwrap_or(u32::MAX),
        longest.unwrap_or_default()
    );
    println!("reads without a sweep: {quiet}");
    println!("reads beside it:       {beside}");
}

/// How long reads take, as they are waited for.
fn reads(store: &MemoryStore<Data>, ids: &[SessionId]) -> String {
    let mut took: Vec<Duration> = runtime().block_on(async {
        let mut took = Vec::new();
        for number in 0..200_000 {
            let id = ids[number * 7_919 % ids.len()];
            let started = Instant::now();
            let alive = is_alive(store, id).await;
            took.push(started.elapsed());
            assert!(alive);
        }
        took
    });
    took.sort_unstable();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    format!(
        "half {:.1?}, 99 % {:.1?}, 99.99 % {:.1?}, all {:.1?}",
        at(0.5),
        at(0.99),
        at(0.9999),
        at(1.0)
    )
}

/// Requests a second of one thread and of two, on the same session or each on its own: the best of
/// a few rounds, by the clock on the wall, which needs two processors for itself, and by the time
/// of the processors, which knows what threads cost each other but not how long they wait.
fn two_threads(workload: Workload, same: bool) {
    let (mut one, mut two) = ([0.0_f64; 2], [0.0_f64; 2]);
    for _ in 0..7 {
        let faster = |best: [f64; 2], now: [f64; 2]| [best[0].max(now[0]), best[1].max(now[1])];
        one = faster(one, rates(workload, same, 1));
        two = faster(two, rates(workload, same, 2));
    }
    println!(
        "{} on {}: two threads do {:.2} times what one does, {:.2} by the time of the processors",
        workload.name(),
        if same {
            "one session"
        } else {
            "distinct sessions"
        },
        two[0] / one[0],
        two[1] / one[1]
    );
}

/// Requests a second, by the clock and by the time of the processors.
fn rates(workload: Workload, same: bool, threads: usize) -> [f64; 2] {
    const REQUESTS: usize = 100_000;
    let shared = ours::over_axum(workload).seeded();
    let barrier = Arc::new(Barrier::new(threads));
    let running: Vec<_> = (0..threads)
        .map(|_| {
            let (barrier, shared) = (barrier.clone(), shared.clone());
            std::thread::spawn(move || {
                let mut case = ours::over_axum(workload);
                case.prepare(REQUESTS);
                if same {
                    case.present(shared);
                }
                barrier.wait();
                let (started, busy) = (Instant::now(), ThreadTime::now());
                case.run();
                let (took, busy) = (started.elapsed(), busy.elapsed());
                let (good, bad) = case.good();
                assert_eq!(good, REQUESTS, "{bad:?}");
                (took, busy)
            })
        })
        .collect();
    let times: Vec<_> = running
        .into_iter()
        .map(|thread| thread.join().expect("a thread"))
        .collect();
    let sum = |of: fn(&(Duration, Duration)) -> Duration| -> f64 {
        times
            .iter()
            .map(|times| REQUESTS as f64 / of(times).as_secs_f64())
            .sum()
    };
    [sum(|times| times.0), sum(|times| times.1)]
}
