//! The table: what a request costs, subject beside subject.

use std::time::{Duration, Instant};

use crate::callgrind;
use crate::case::{self, Case, Workload};

type Maker = fn(Workload) -> Option<Box<dyn Case>>;

/// Requests in a batch.
const REQUESTS: usize = 512;
/// How often the batches of all cases are timed, one after the other.
const ROUNDS: usize = 41;

struct Row {
    subject: &'static str,
    workload: Workload,
    case: Box<dyn Case>,
    best: Duration,
}

/// Measures cases and prints them. Times are the best of many rounds in which all cases take turns,
/// and are told as what they are of the floor's.
pub fn print(cases: Vec<(&'static str, Workload, Maker)>) {
    let mut rows: Vec<Row> = cases
        .into_iter()
        .filter_map(|(subject, workload, make)| {
            Some(Row {
                subject,
                workload,
                case: make(workload)?,
                best: Duration::MAX,
            })
        })
        .collect();
    for _ in 0..ROUNDS {
        for row in &mut rows {
            row.case.prepare(REQUESTS);
            let started = Instant::now();
            case::measured(&mut *row.case);
            row.best = row.best.min(started.elapsed());
            row.case.prove();
        }
    }
    println!("| workload | subject | instructions | SHA-256 | allocations | bytes | time / map |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    rows.sort_by_key(|row| row.workload.name());
    let floors: Vec<(Workload, Duration)> = rows
        .iter()
        .filter(|row| row.subject == "map")
        .map(|row| (row.workload, row.best))
        .collect();
    for row in &mut rows {
        let floor = floors
            .iter()
            .find(|(workload, _)| *workload == row.workload);
        let ratio = floor.map_or(f64::NAN, |(_, floor)| {
            row.best.as_secs_f64() / floor.as_secs_f64()
        });
        let allocations = case::allocations(&mut *row.case, REQUESTS);
        let instructions = callgrind::count(row.subject, row.workload.name(), 200, REQUESTS);
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.1} | {:.0} | {ratio:.2} |",
            row.workload.name(),
            row.subject,
            instructions.ours,
            instructions.sha256,
            allocations.count,
            allocations.bytes,
        );
    }
}
