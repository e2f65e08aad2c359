//! How the cost of a request grows with the number of live sessions, the size of their data, and
//! the number of loaders.

mod crowd;
mod fields;
mod shops;

use std::time::Duration;

pub use crowd::take_turns;
pub use shops::find;

use crate::callgrind;
use crate::case::Workload;
use crowd::Process;

/// The number of rounds of the crowds.
pub const ROUNDS: usize = 41;
/// The requests in a crowd's batch: far more than the sessions that fit into a processor's caches.
const CROWD_REQUESTS: usize = 20_000;

const REQUESTS: [(Workload, &str); 2] = [(Workload::Read, "read"), (Workload::Write, "change")];
const LIVE: [usize; 4] = [1, 10, 1_000, 1_000_000];
const SIZES: [usize; 4] = [0, 200, 4 << 10, 64 << 10];

/// The subjects with crowds and with data of all sizes.
#[cfg(feature = "peers")]
const PEERS: &[&str] = &["ours", "tower-sessions"];
#[cfg(not(feature = "peers"))]
const PEERS: &[&str] = &["ours"];

/// Prints one table for each dimension. The library's own work is counted in instructions, which
/// are reproducible; the effect of caches is measured as time, the best of the rounds.
pub fn print(rounds: usize) {
    println!("### Size of the data\n");
    println!("| bytes | request | subject | instructions | SHA-256 |");
    println!("| ---: | --- | --- | ---: | ---: |");
    for size in SIZES {
        for (workload, request) in REQUESTS {
            for subject in PEERS {
                counted(size, request, subject, workload, size);
            }
        }
    }
    for what in ["loaders", "fields"] {
        let title = match what {
            "loaders" => "Loaders, the sid in the last",
            _ => "Fields of the data",
        };
        println!("\n### {title}\n");
        println!("| {what} | request | subject | instructions | SHA-256 |");
        println!("| ---: | --- | --- | ---: | ---: |");
        for count in shops::steps(what) {
            for (workload, request) in REQUESTS {
                let subject = format!("{what}-{count}");
                counted(count, request, &subject, workload, 200);
            }
        }
    }
    println!("\n### Living sessions, each request to one at random\n");
    live(rounds);
}

/// Prints a line of a table of instructions.
fn counted(grown: usize, request: &str, subject: &str, workload: Workload, size: usize) {
    // Some subjects need millions of instructions for a request with large data.
    let requests = if size > 10_000 { 64 } else { 512 };
    let count = callgrind::count(subject, workload.name(), size, requests);
    let subject = match subject.split_once('-') {
        Some(("loaders" | "fields", _)) => "ours",
        _ => subject,
    };
    println!(
        "| {grown} | {request} | {subject} | {:.0} | {:.0} |",
        count.ours, count.sha256
    );
}

struct Row {
    subject: &'static str,
    sessions: usize,
    process: Process,
    /// The best time of each kind of request.
    best: [Duration; REQUESTS.len()],
}

fn live(rounds: usize) {
    let mut rows = Vec::new();
    for sessions in LIVE {
        for subject in std::iter::once(&"map").chain(PEERS) {
            rows.push(Row {
                subject,
                sessions,
                process: Process::start(subject, sessions),
                best: [Duration::MAX; REQUESTS.len()],
            });
        }
    }
    // The first round is a warm-up.
    for round in 0..=rounds {
        for row in &mut rows {
            for ((workload, _), best) in REQUESTS.iter().zip(&mut row.best) {
                let took = row.process.batch(*workload, CROWD_REQUESTS);
                if round > 0 {
                    *best = took.min(*best);
                }
            }
        }
    }
    println!("| living sessions | request | subject | ns / request |");
    println!("| ---: | --- | --- | ---: |");
    for (number, (_, request)) in REQUESTS.iter().enumerate() {
        for row in &rows {
            let each = row.best[number].as_nanos() as f64 / CROWD_REQUESTS as f64;
            println!(
                "| {} | {request} | {} | {each:.0} |",
                row.sessions, row.subject
            );
        }
    }
}
