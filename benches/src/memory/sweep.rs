//! The cost of a sweep, and its effect on concurrent reads.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connect_session::SessionId;
use connect_session::store::{MemoryStore, Store as _};
use cpu_time::ThreadTime;

use super::watched::{self, Watched};
use super::{HOUR, insert, is_alive, median, new_id, runtime};

const ENDING: usize = 10_000;
/// The lifetime of the sessions that end.
const SHORT: Duration = Duration::from_secs(1);
/// The number of sessions that are swept under one lock.
const SLICE: usize = 16;
const ROUNDS: usize = 9;
/// The longest time for which a lock should be held: a tenth of a millisecond.
const TENTH: Duration = Duration::from_micros(100);
/// The iterations of a loop that takes about as long as a slice.
const LOOP: u64 = 50_000;

pub fn print() {
    println!("| alive | each that ended | | on average | 99.9 % | longest | over 0.1 ms |");
    println!("| ---: | ---: | --- | ---: | ---: | ---: | ---: |");
    let mut reads = String::new();
    for alive in [100_000, 1_000_000] {
        reads += &of(alive);
    }
    println!(
        "\nProcessor time; a slice is 16 sessions under one lock, including dropping them. After"
    );
    println!(
        "each slice, a loop that only counts is timed: its deviations from its average, and a"
    );
    println!("similar part of a slice's, are noise.");
    println!("\n| alive | reads | during a sweep of another store | of this store | ratio |");
    println!("| ---: | --- | ---: | ---: | ---: |\n{reads}");
}

/// Prints the cost of sweeps with `alive` sessions; returns the rows for concurrent reads.
fn of(alive: usize) -> String {
    let store = MemoryStore::new();
    let mut insertions = Vec::new();
    let ids: Vec<SessionId> = (0..alive - ENDING).map(new_id).collect();
    runtime().block_on(async {
        for id in &ids {
            let started = ThreadTime::now();
            insert(&store, *id, HOUR).await;
            insertions.push(started.elapsed());
        }
    });
    let mut slices = Vec::new();
    let mut latencies = Vec::new();
    for _ in 0..ROUNDS {
        // Two busy threads share processors, caches and memory, whatever they do, so the baseline
        // sweeps another store.
        let (without, _) = reads_beside_a_sweep(&MemoryStore::new(), &store, &ids);
        let (beside, swept) = reads_beside_a_sweep(&store, &store, &ids);
        slices.extend(swept);
        latencies.push([without, beside]);
    }
    let swept: usize = slices.iter().map(|slice| slice.swept).sum();
    // The slices do not count the sessions that a read has removed.
    assert!(swept > ENDING * ROUNDS / 2, "{swept} were swept");
    let times = |of: fn(&Slice) -> Duration| -> Vec<Duration> { slices.iter().map(of).collect() };
    let all: Duration = times(|slice| slice.took).iter().sum();
    let each = all / u32::try_from(swept).expect("fits into u32");
    lengths(
        &format!("{alive} | {each:.2?} | a slice"),
        times(|slice| slice.took),
    );
    lengths(
        &format!("{alive} | | of it under the lock"),
        times(|slice| slice.held),
    );
    lengths(
        &format!("{alive} | | a loop"),
        times(|slice| slice.loop_took),
    );
    lengths(&format!("{alive} | | an insertion"), insertions);
    [("99.9 %", 0.999), ("slowest", 1.0)]
        .map(|(name, part)| row(alive, name, part, &latencies))
        .concat()
}

/// Lets sessions end in one store, and reads another one while they are swept; returns the times of
/// the reads and the slices of the sweep.
fn reads_beside_a_sweep(
    swept: &MemoryStore<Watched>,
    store: &MemoryStore<Watched>,
    ids: &[SessionId],
) -> (Vec<Duration>, Vec<Slice>) {
    runtime().block_on(async {
        for number in 0..ENDING {
            insert(swept, new_id(number), SHORT).await;
        }
    });
    std::thread::sleep(SHORT);
    let done = Arc::new(AtomicBool::new(false));
    let sweeper = std::thread::spawn({
        let (store, done) = (swept.clone(), done.clone());
        move || {
            let slices = sweep(&store);
            done.store(true, Ordering::Relaxed);
            slices
        }
    });
    let reads = read(store, ids, |_| done.load(Ordering::Relaxed));
    (reads, sweeper.join().expect("a sweep"))
}

struct Slice {
    /// The time until the lock was released, when the first data is dropped.
    held: Duration,
    took: Duration,
    swept: usize,
    /// The time of the loop after the slice.
    loop_took: Duration,
}

/// Prints the distribution of times.
fn lengths(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let number = u32::try_from(took.len()).expect("fits into u32");
    println!(
        "| {what} | {:.1?} | {:.1?} | {:.1?} | {} of {number} |",
        took.iter().sum::<Duration>() / number,
        took[(took.len() - 1) * 999 / 1_000],
        took[took.len() - 1],
        took.iter().filter(|took| **took > TENTH).count(),
    );
}

/// Sweeps all ended sessions.
fn sweep(store: &MemoryStore<Watched>) -> Vec<Slice> {
    let mut slices = Vec::new();
    runtime().block_on(async {
        loop {
            watched::first_dropped();
            let started = ThreadTime::now();
            let swept = store.sweep(SLICE).await.expect("a store");
            if swept == 0 {
                return slices;
            }
            let took = started.elapsed();
            let loop_started = ThreadTime::now();
            for number in 0..LOOP {
                black_box(number);
            }
            let dropped = watched::first_dropped().expect("the data of a session");
            slices.push(Slice {
                held: dropped.duration_since(started),
                took,
                swept,
                loop_took: loop_started.elapsed(),
            });
        }
    })
}

/// The wall times of reads, sorted.
fn read(
    store: &MemoryStore<Watched>,
    ids: &[SessionId],
    is_enough: impl Fn(usize) -> bool,
) -> Vec<Duration> {
    let mut took = Vec::new();
    runtime().block_on(async {
        while took.is_empty() || !is_enough(took.len()) {
            let id = ids[took.len() * 7_919 % ids.len()];
            let started = Instant::now();
            let alive = is_alive(store, id).await;
            took.push(started.elapsed());
            assert!(alive);
        }
    });
    took.sort_unstable();
    took
}

/// The medians of all rounds: without a sweep, during one, and of the ratio.
fn row(alive: usize, name: &str, part: f64, rounds: &[[Vec<Duration>; 2]]) -> String {
    let at = |took: &Vec<Duration>| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64();
    let of = |round: fn([f64; 2]) -> f64| {
        let values = rounds
            .iter()
            .map(|[without, beside]| round([at(without), at(beside)]));
        median(values.collect())
    };
    let time = |seconds| format!("{:.1?}", Duration::from_secs_f64(seconds));
    format!(
        "| {alive} | {name} | {} | {} | {:.2} |\n",
        time(of(|[without, _]| without)),
        time(of(|[_, beside]| beside)),
        of(|[without, beside]| beside / without)
    )
}
