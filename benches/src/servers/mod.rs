//! Sessions on servers: round trips of a request, the latency of 64 clients, the bytes of a session, and
//! overlapping requests.

mod client;
mod cost;
#[cfg(feature = "servers-peers")]
mod cost_actix_session;
mod counted;
mod latency;
mod overlap;
mod overlap_ours;
#[cfg(feature = "servers-peers")]
mod overlap_peers;
mod place;
mod plain_redis;
mod proxy;
mod raw_sql;
mod rounds;
mod sessions;
mod shop;
mod sizes;
mod sliding;
mod trips;
#[cfg(feature = "servers-peers")]
mod trips_axum_session;
#[cfg(feature = "servers-peers")]
mod trips_tower_sessions;
mod users;

use std::pin::Pin;
use std::process::ExitCode;

use place::Place;

pub use counted::find;

/// A boxed future.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The default number of requests of a row: about ten seconds for each store.
const REQUESTS: usize = 6_400;

/// The default number of sessions whose size is measured.
const SESSIONS: usize = 20_000;

pub fn run(what: &[&str]) -> ExitCode {
    let requests = |text: &str| text.parse::<usize>().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match what {
            [] => {
                trips::print().await;
                cost::print(cost::SIZE).await;
                counted::print();
                latency::print(REQUESTS).await;
                latency::connections(REQUESTS).await;
                sizes::print(SESSIONS).await;
                users::print().await;
                return overlap::print().await;
            }
            ["trips"] => trips::print().await,
            ["cost"] => cost::print(cost::SIZE).await,
            ["cost", size] => cost::print(requests(size)).await,
            ["instructions"] => counted::print(),
            ["latency"] => latency::print(REQUESTS).await,
            ["latency", number] => latency::print(requests(number)).await,
            ["connections"] => latency::connections(REQUESTS).await,
            ["connections", number] => latency::connections(requests(number)).await,
            ["sizes"] => sizes::print(SESSIONS).await,
            ["sizes", number] => sizes::print(requests(number)).await,
            ["users"] => users::print().await,
            ["overlap"] => return overlap::print().await,
            _ => {
                eprintln!(
                    "servers [trips | cost [BYTES] | instructions | latency [REQUESTS] | connections [REQUESTS] | sizes [SESSIONS] | \
                     users | overlap]"
                );
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    })
}

/// Runs `work` on every place and removes its data afterwards, even if it fails.
async fn at_every_place<F>(mut work: impl FnMut(Place) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    for place in Place::given() {
        let done = tokio::spawn(work(place.clone())).await;
        place.clean().await;
        if let Err(failure) = done {
            std::panic::resume_unwind(failure.into_panic());
        }
    }
}
