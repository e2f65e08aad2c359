//! The throughput of two threads, on one session and on distinct ones (W7), compared with a map and
//! another library. If two processors share a core, nothing doubles.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use super::median;
use crate::case::{Case as _, Workload};
use crate::over_axum::OverAxum;
use crate::subjects;

const REQUESTS: usize = 100_000;
const ROUNDS: usize = 9;

type Subject = (&'static str, fn(Workload) -> OverAxum);

const SUBJECTS: &[Subject] = &[
    ("map", subjects::floor::map_over_axum),
    ("ours", subjects::ours::over_axum),
    #[cfg(feature = "peers")]
    ("tower-sessions", subjects::tower_sessions::with_one_store),
];

pub fn print() {
    println!("The throughput of two threads relative to one thread: by wall time, which needs two");
    println!(
        "idle processors, and by processor time, which includes what threads cost each other,"
    );
    println!("but not the time that they wait.\n");
    println!("| workload | on | subject | by wall time | by processor time |");
    println!("| --- | --- | --- | ---: | ---: |");
    for workload in [Workload::Read, Workload::Write] {
        for same in [true, false] {
            compare(workload, same);
        }
    }
    for workload in [Workload::Create, Workload::Destroy] {
        compare(workload, false);
    }
}

/// In every round, every subject runs with one thread and with two.
fn compare(workload: Workload, same: bool) {
    let mut ratios = vec![[Vec::new(), Vec::new()]; SUBJECTS.len()];
    for _ in 0..ROUNDS {
        for ((_, subject), ratios) in SUBJECTS.iter().zip(&mut ratios) {
            let one = rates(*subject, workload, same, 1);
            let two = rates(*subject, workload, same, 2);
            for clock in 0..2 {
                ratios[clock].push(two[clock] / one[clock]);
            }
        }
    }
    let on = if same { "one session" } else { "distinct ones" };
    for ((name, _), ratios) in SUBJECTS.iter().zip(ratios) {
        let [wall, busy] = ratios.map(median);
        println!(
            "| {} | {on} | {name} | {wall:.2} | {busy:.2} |",
            workload.name()
        );
    }
}

/// Requests per second, by wall time and by processor time.
fn rates(
    subject: fn(Workload) -> OverAxum,
    workload: Workload,
    same: bool,
    threads: usize,
) -> [f64; 2] {
    let shared = subject(workload).seeded();
    // The number in a response, if the data came back.
    let least = match workload {
        Workload::Create => 1,
        Workload::Destroy => 0,
        _ => 41,
    };
    let barrier = Arc::new(Barrier::new(threads));
    let running: Vec<_> = (0..threads)
        .map(|_| {
            let (barrier, shared) = (barrier.clone(), shared.clone());
            std::thread::spawn(move || {
                let mut case = subject(workload);
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
                assert!(case.last_number().is_some_and(|number| number >= least));
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
