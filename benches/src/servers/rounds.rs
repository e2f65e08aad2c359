//! Measures many concurrent clients in rounds in which all rows take turns, so that noise affects
//! them equally.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;

use super::Boxed;

pub const CLIENTS: usize = 64;
const ROUNDS: usize = 10;

/// An operation that clients repeat.
pub trait Work: Send + Sync {
    /// Runs the operation once for a client; panics if it fails.
    fn once(&self, client: usize) -> Boxed<'_, ()>;

    /// Panics unless the effects of all operations are stored; each client ran `times` of them.
    fn prove(&self, times: u64) -> Boxed<'_, ()>;
}

pub struct Row {
    /// The operation, and the subject.
    pub what: &'static str,
    pub by: String,
    pub work: Arc<dyn Work>,
}

/// The result of a row.
pub struct Measured {
    pub what: &'static str,
    pub by: String,
    /// Requests per second.
    pub throughput: f64,
    pub half_within: Duration,
    pub nearly_all_within: Duration,
}

/// Measures all rows with at least `requests` requests each.
pub async fn measure(rows: Vec<Row>, requests: usize) -> Vec<Measured> {
    let each = requests.div_ceil(CLIENTS * ROUNDS);
    let mut times: Vec<Vec<Duration>> = rows.iter().map(|_| Vec::new()).collect();
    let mut spent = vec![Duration::ZERO; rows.len()];
    // The first round, a warm-up, opens connections and prepares statements.
    for number in 0..=ROUNDS {
        for (at, row) in rows.iter().enumerate() {
            let (took, waited) = round(&row.work, each).await;
            if number > 0 {
                spent[at] += took;
                times[at].extend(waited);
            }
        }
    }
    let mut measured = Vec::new();
    for ((row, mut times), spent) in rows.into_iter().zip(times).zip(spent) {
        row.work.prove((each * (ROUNDS + 1)) as u64).await;
        times.sort_unstable();
        measured.push(Measured {
            what: row.what,
            by: row.by,
            throughput: times.len() as f64 / spent.as_secs_f64(),
            half_within: times[times.len() / 2],
            nearly_all_within: times[times.len() * 99 / 100],
        });
    }
    measured
}

/// Runs all clients concurrently, `each` times; returns the total time and the latency of each
/// operation.
async fn round(work: &Arc<dyn Work>, each: usize) -> (Duration, Vec<Duration>) {
    let start = Arc::new(Barrier::new(CLIENTS + 1));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (work, start) = (work.clone(), start.clone());
            tokio::spawn(async move {
                let mut waited = Vec::with_capacity(each);
                start.wait().await;
                for _ in 0..each {
                    let asked = Instant::now();
                    work.once(client).await;
                    waited.push(asked.elapsed());
                }
                waited
            })
        })
        .collect();
    start.wait().await;
    let started = Instant::now();
    let mut waited = Vec::with_capacity(CLIENTS * each);
    for client in clients {
        waited.extend(client.await.expect("no client panics"));
    }
    (started.elapsed(), waited)
}
