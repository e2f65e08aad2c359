//! Measures the cost of a session: floors, other libraries and this one.

mod budget;
mod callgrind;
mod case;
mod data;
mod driver;
#[cfg(feature = "load")]
mod growth;
#[cfg(feature = "load")]
mod load;
mod memory;
#[cfg(feature = "peers")]
mod over_actix;
mod over_axum;
#[cfg(feature = "peers")]
mod over_poem;
#[cfg(feature = "peers")]
mod over_salvo;
#[cfg(feature = "load")]
mod plot;
#[cfg(feature = "servers")]
mod servers;
mod subjects;
mod table;

use std::process::ExitCode;

use case::{Case, Workload};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// Only one global allocator is possible, also with all features enabled.
#[cfg(all(feature = "jemalloc", not(feature = "mimalloc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
        ["memory"] if cfg!(not(feature = "uncounted")) => memory::print(),
        ["flood", threads] => memory::flood(number(threads)),
        ["threads"] if cfg!(feature = "uncounted") => memory::threads(),
        #[cfg(feature = "load")]
        ["load", rest @ ..] if cfg!(feature = "uncounted") => {
            let [rounds, connections] = numbers(rest, [load::ROUNDS, load::CONNECTIONS]);
            load::print(rounds, connections);
        }
        #[cfg(feature = "load")]
        ["serve", api] => load::serve(api),
        #[cfg(feature = "load")]
        ["growth", rest @ ..] => {
            let [rounds] = numbers(rest, [growth::ROUNDS]);
            growth::print(rounds);
        }
        #[cfg(feature = "load")]
        ["crowd", subject, sessions] => growth::take_turns(subject, number(sessions)),
        #[cfg(feature = "load")]
        ["plot", files @ ..] => plot::draw(files),
        #[cfg(feature = "servers")]
        ["servers", what @ ..] => return servers::run(what),
        ["budget"] => return budget::check(),
        ["budget", "set", which @ ..] => budget::set(which),
        _ => {
            eprintln!(
                "table [SUBJECT | FRAMEWORK…] | memory | flood THREADS | threads (with --features uncounted) | budget | budget set [WORKLOAD SIZE]\n\
                 with --features load: growth [ROUNDS] | plot FILE… | load [ROUNDS [CONNECTIONS]] (with uncounted too)\n\
                 with --features servers: servers [trips | latency [N] | connections [N] | overlap]"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// The given numbers, with defaults for missing ones.
#[cfg(feature = "load")]
fn numbers<const N: usize>(said: &[&str], mut numbers: [usize; N]) -> [usize; N] {
    assert!(said.len() <= N, "at most {N} numbers");
    for (number, said) in numbers.iter_mut().zip(said) {
        *number = self::number(said);
    }
    numbers
}

fn find(subject: &str, workload: &str) -> Option<Box<dyn Case>> {
    let workload = Workload::ALL
        .into_iter()
        .find(|one| one.name() == workload)?;
    #[cfg(feature = "load")]
    if let Some(case) = growth::find(subject, workload) {
        return Some(case);
    }
    #[cfg(feature = "servers")]
    if let Some(case) = servers::find(subject, workload) {
        return Some(case);
    }
    let subject = subjects::all()
        .into_iter()
        .find(|one| one.key() == subject)?;
    (subject.case)(workload)
}

/// Runs one case under valgrind: a warm-up batch, which does not call `measured`, and one that is
/// counted.
fn run(subject: &str, workload: &str, size: usize, requests: usize) {
    data::set_size(size);
    let mut case = find(subject, workload).expect("no such case");
    case.prepare(requests);
    case.run();
    case.prove();
    case::batch(&mut *case, requests);
}

fn table(only: &[&str]) {
    let selected = |one: &subjects::Subject| {
        let names = [&one.key(), one.name, one.framework];
        only.is_empty() || names.iter().any(|name| only.contains(name))
    };
    table::print(subjects::all().into_iter().filter(selected).collect());
}
