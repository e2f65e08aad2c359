//! A load over real sockets: the API of `examples/rest_api.rs` with sessions and without, each in
//! a process of its own, and one client that takes turns with them.

mod app;
mod client;
mod connection;
mod pin;
mod server;
mod side;
mod twin;

pub use server::serve;

use client::Request;
use pin::Places;
use server::Api;
use side::{Batch, Side};

/// How often every request is tried on both sides in turn.
pub const ROUNDS: usize = 21;
/// How many connections are kept alive to each side.
pub const CONNECTIONS: usize = 32;
/// How many requests one connection sends in a batch.
const EACH: usize = 250;

/// What one kind of request took, round by round.
struct Rounds {
    request: Request,
    with: Vec<Batch>,
    without: Vec<Batch>,
}

/// Drives both sides and prints what they did. Each figure is the median of the rounds, each ratio
/// the median of the ratios of rounds, whose two sides ran one right after the other.
pub fn print(rounds: usize, connections: usize) {
    let places = Places::take();
    let mut with = Side::start(Api::WithSessions, connections, places);
    let mut without = Side::start(Api::Without, connections, places);
    let mut all = Request::ALL.map(|request| {
        // To warm up.
        with.batch(request, EACH);
        without.batch(request, EACH);
        Rounds {
            request,
            with: Vec::new(),
            without: Vec::new(),
        }
    });
    for round in 0..rounds {
        for of in &mut all {
            // Neither is always the first.
            if round % 2 == 0 {
                of.with.push(with.batch(of.request, EACH));
                of.without.push(without.batch(of.request, EACH));
            } else {
                of.without.push(without.batch(of.request, EACH));
                of.with.push(with.batch(of.request, EACH));
            }
        }
    }
    println!(
        "{connections} connections, {rounds} rounds of {} requests\n",
        EACH * connections
    );
    println!("| request | sessions | requests/s | p50 µs | p99 µs | server µs |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for of in &all {
        of.row("with", |with, _| with);
        of.row("without", |_, without| without);
        of.row("ratio", Batch::over);
    }
}

impl Rounds {
    /// One line: the medians of what is asked of each round.
    fn row(&self, label: &str, of: fn(Batch, Batch) -> Batch) {
        let rounds: Vec<Batch> = self
            .with
            .iter()
            .zip(&self.without)
            .map(|(with, without)| of(*with, *without))
            .collect();
        let median = |figure: fn(&Batch) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_unstable_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        let (each_second, digits) = match label {
            "ratio" => (format!("{:.2}", median(|one| one.each_second)), 2),
            _ => (format!("{:.0}", median(|one| one.each_second)), 1),
        };
        println!(
            "| {} | {label} | {each_second} | {:.digits$} | {:.digits$} | {:.digits$} |",
            self.request.name(),
            median(|one| one.p50),
            median(|one| one.p99),
            median(|one| one.server),
        );
    }
}
