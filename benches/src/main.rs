//! What a session costs: floors, other libraries and this one, side by side.

mod budget;
mod callgrind;
mod case;
mod data;
mod memory;
mod over_axum;
#[cfg(feature = "servers")]
mod servers;
mod subjects;
mod table;

use std::process::ExitCode;

use case::{Case, Workload};

#[cfg(not(feature = "uncounted"))]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["run", subject, workload, size, requests] => {
            run(subject, workload, number(size), number(requests))
        }
        ["table", only @ ..] => table(only),
        ["memory"] => memory::print(),
        ["threads"] if cfg!(feature = "uncounted") => memory::threads(),
        #[cfg(feature = "servers")]
        ["servers", what @ ..] => return servers::run(what),
        ["budget"] => return budget::check(),
        ["budget", "set", which @ ..] => budget::set(which),
        _ => {
            eprintln!(
                "table [SUBJECT…] | memory | threads (with --features uncounted) | budget | budget set [WORKLOAD SIZE]"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn find(subject: &str, workload: &str) -> Option<Box<dyn Case>> {
    let subject = subjects::all()
        .into_iter()
        .find(|one| one.name == subject)?;
    let workload = Workload::ALL
        .into_iter()
        .find(|one| one.name() == workload)?;
    (subject.case)(workload)
}

/// What runs under valgrind: one batch to warm up, and one that is counted by whoever counts from
/// `measured` on. The first is run by another function, so that it is not.
fn run(subject: &str, workload: &str, size: usize, requests: usize) {
    data::set_size(size);
    let mut case = find(subject, workload).expect("such a case");
    case.prepare(requests);
    case.run();
    case.prove();
    case::batch(&mut *case, requests);
}

fn table(only: &[&str]) {
    let mut cases = Vec::new();
    for subject in subjects::all() {
        if only.is_empty() || only.contains(&subject.name) {
            cases.extend(Workload::ALL.map(|workload| (subject.name, workload, subject.case)));
        }
    }
    table::print(cases);
}
