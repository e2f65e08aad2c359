//! A load test over real sockets: the API of `examples/rest_api.rs` with sessions and without, each
//! in its own process, and one client that alternates between them.

mod app;
mod client;
mod connection;
mod pin;
mod server;
mod side;
mod without_sessions;

pub use server::serve;

use client::Request;
use pin::Places;
use server::Api;
use side::{Batch, Side};

/// The number of rounds; each runs every request on both sides.
pub const ROUNDS: usize = 21;
/// The number of connections to each side.
pub const CONNECTIONS: usize = 32;
/// The number of requests of one connection in a batch.
const EACH: usize = 250;

/// The results of one kind of request, by round.
struct Rounds {
    request: Request,
    with: Vec<Batch>,
    without: Vec<Batch>,
}

/// Runs both sides and prints the results. Each figure is the median of the rounds; each ratio is
/// the median of the rounds' ratios, because both sides of a round run immediately after each
/// other.
pub fn print(rounds: usize, connections: usize) {
    let places = Places::take();
    let mut with = Side::start(Api::WithSessions, connections, places);
    let mut without = Side::start(Api::Without, connections, places);
    let mut all = Request::ALL.map(|request| {
        // Warm-up.
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
            // Alternate which side is first.
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
    /// Prints a line with the medians of the rounds.
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
