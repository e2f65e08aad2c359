//! The sessions of a user: what a login, a list and an end of all cost.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use connect_session::store::AnyStore;
use connect_session::{Error, Session, session, session_config};
use tokio::task::JoinSet;

use super::client::Client;
use super::place::{Kind, Place};
use super::proxy::Proxy;
use crate::data::Data;

const CONNECTIONS: u32 = 10;
/// The number of clients that log in concurrently, to fill the store.
const WRITERS: usize = 20;
const ROUNDS: usize = 5;

session_config! {
    struct Shop { data: Data }
}

session_config! {
    struct Limited { data: Data, max_sessions: 5 }
}

#[session(create)]
async fn login(mut session: Session<Shop>, Path(user): Path<String>) -> Result<(), Error> {
    *session = Data::seed();
    session.login(user)
}

#[session(create)]
async fn fenced(mut session: Session<Limited>, Path(user): Path<String>) -> Result<(), Error> {
    let attempt = session.begin_login(user).await?;
    *session = Data::seed();
    session.login(attempt)
}

#[session(load)]
async fn list(session: Session<Shop>) -> Result<String, Error> {
    let sessions = session.of_user().expect("a user");
    Ok(sessions.list().await?.sessions.len().to_string())
}

#[session(load)]
async fn end_all(session: Session<Shop>) -> Result<String, Error> {
    let sessions = session.of_user().expect("a user");
    Ok(sessions.end_all().await?.to_string())
}

fn client(store: &AnyStore<Data>) -> Client {
    let routes = Router::new()
        .route("/login/{user}", post(login))
        .route("/list", post(list))
        .route("/end-all", post(end_all))
        .layer(Shop::layer().with_store(store.clone()));
    let limited = Router::new()
        .route("/fenced/{user}", post(fenced))
        .layer(Limited::layer().with_store(store.clone()));
    Client::by_header(routes.merge(limited))
}

/// Logs a user in so often.
async fn fill(client: &Client, user: &str, sessions: usize) {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (client, path) = (client.clone(), format!("/login/{user}"));
        writers.spawn(async move {
            for _ in (writer..sessions).step_by(WRITERS) {
                client.expect(&path, None, "").await;
            }
        });
    }
    writers.join_all().await;
}

/// Prints the best time of each, and its round trips.
pub async fn print() {
    println!("## The sessions of a user: milliseconds, and round trips\n");
    println!(
        "| server | login | login with `begin_login` and `max_sessions` | list of 100 | end of all 1,000 |"
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    super::at_every_place(|place| async move { row(&place).await }).await;
    println!("\nA list and an end of all include the load of the session that asks.\n");
}

async fn row(place: &Place) {
    let times = times(&client(&place.store(CONNECTIONS).await)).await;
    let trips = if place.kind == Kind::Sqlite {
        // It has no server.
        None
    } else {
        let proxy = Proxy::before(place).await;
        let client = client(&proxy.place.store(1).await);
        // Prepares statements, or loads scripts.
        trips(&client, &proxy).await;
        Some(trips(&client, &proxy).await)
    };
    let cells = times.iter().enumerate().map(|(index, time)| {
        let time = time.as_secs_f64() * 1_000.0;
        match trips {
            Some(trips) => format!("{time:.2}, {}", trips[index]),
            None => format!("{time:.2}"),
        }
    });
    let cells: Vec<_> = cells.collect();
    println!("| {:?} | {} |", place.kind, cells.join(" | "));
}

async fn times(client: &Client) -> [Duration; 4] {
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        fill(client, "ada", 99).await;
        let mut took = Vec::new();
        let started = Instant::now();
        let ada = client.expect("/login/ada", None, "").await.sid;
        took.push(started.elapsed());
        let started = Instant::now();
        client.expect("/fenced/bob", None, "").await;
        took.push(started.elapsed());
        let started = Instant::now();
        client.expect("/list", ada.as_ref(), "100").await;
        took.push(started.elapsed());
        fill(client, "ada", 900).await;
        let started = Instant::now();
        client.expect("/end-all", ada.as_ref(), "1000").await;
        took.push(started.elapsed());
        for (best, took) in best.iter_mut().zip(took) {
            *best = took.min(*best);
        }
    }
    best
}

/// The round trips of each.
async fn trips(client: &Client, proxy: &Proxy) -> [u64; 4] {
    let ada = client.expect("/login/ada", None, "").await.sid;
    proxy.said();
    client.expect("/login/ada", None, "").await;
    let login = proxy.said().trips;
    client.expect("/fenced/bob", None, "").await;
    let fenced = proxy.said().trips;
    fill(client, "ada", 98).await;
    proxy.said();
    client.expect("/list", ada.as_ref(), "100").await;
    let list = proxy.said().trips;
    client.expect("/end-all", ada.as_ref(), "100").await;
    let end_all = proxy.said().trips;
    [login, fenced, list, end_all]
}
