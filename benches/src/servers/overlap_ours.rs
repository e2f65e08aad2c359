//! This library, with handlers that overlap.

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use connect_session::store::{AnyStore, MemoryStore};
use connect_session::{Error, Session, Untyped, session, session_config};

use super::client::Client;
use super::overlap::{Library, all_have_loaded};
use super::place::Place;
use crate::data::Data;

session_config! {
    struct Keys {}
}

session_config! {
    struct Counter {
        data: Data,
        merge: { visits: add },
    }
}

/// The default number of connections of a store.
const CONNECTIONS: u32 = 10;

pub fn in_memory() -> Library {
    let stores = (MemoryStore::new(), MemoryStore::new());
    library("memory", AnyStore::new(stores.0), AnyStore::new(stores.1))
}

pub async fn at(place: &Place) -> Library {
    let kind = format!("{:?}", place.kind);
    library(
        &kind,
        place.store(CONNECTIONS).await,
        place.store(CONNECTIONS).await,
    )
}

fn library(store: &str, keys: AnyStore<Untyped>, counter: AnyStore<Data>) -> Library {
    Library {
        name: format!("ours, {store}"),
        keys: keys_over(keys),
        stranger: keys_over(AnyStore::new(MemoryStore::new())),
        counter: counter_over(counter),
        updates: true,
    }
}

fn keys_over(store: AnyStore<Untyped>) -> Client {
    let router = Router::new()
        .route("/seed", post(seed))
        .route("/read", post(read))
        .route("/key/{number}", post(key))
        .route("/has/{number}", post(has))
        .route("/destroy", post(destroy))
        .layer(Keys::layer().with_store(store));
    Client::by_header(router)
}

#[session(create)]
async fn seed(mut session: Session<Keys>) -> Result<String, Error> {
    session.insert("visits", 41)?;
    Ok(41.to_string())
}

#[session(load)]
async fn read(session: Session<Keys>) -> Result<String, Error> {
    let visits: u64 = session.get("visits")?.unwrap_or(0);
    Ok(visits.to_string())
}

#[session(load)]
async fn key(Path(number): Path<usize>, mut session: Session<Keys>) -> Result<(), Error> {
    all_have_loaded().await;
    session.insert(number.to_string(), true)
}

#[session(load)]
async fn has(Path(number): Path<usize>, session: Session<Keys>) -> String {
    session.contains(&number.to_string()).to_string()
}

#[session(load)]
async fn destroy(session: Session<Keys>) -> Result<String, Error> {
    session.destroy().await?;
    Ok(0.to_string())
}

fn counter_over(store: AnyStore<Data>) -> Client {
    let router = Router::new()
        .route("/seed", post(seed_counter))
        .route("/read", post(read_counter))
        .route("/update", post(update))
        .route("/add", post(add))
        .route("/add-after-two", post(add_after_two))
        .route("/add-and-wait", post(add_and_wait))
        .route("/destroy", post(destroy_counter))
        .layer(Counter::layer().with_store(store));
    Client::by_header(router)
}

#[session(create)]
async fn seed_counter(mut session: Session<Counter>) -> String {
    session.visits = 41;
    41.to_string()
}

#[session(load)]
async fn read_counter(session: Session<Counter>) -> String {
    session.visits.to_string()
}

#[session(load)]
async fn update(mut session: Session<Counter>) -> Result<(), Error> {
    all_have_loaded().await;
    session.update(|data| data.visits += 1).await
}

#[session(load)]
async fn add(mut session: Session<Counter>) {
    all_have_loaded().await;
    session.visits += 1;
}

#[session(load)]
async fn add_after_two(mut session: Session<Counter>) {
    all_have_loaded().await;
    all_have_loaded().await;
    session.visits += 1;
}

#[session(load)]
async fn add_and_wait(mut session: Session<Counter>) {
    session.visits += 1;
    all_have_loaded().await;
    std::future::pending().await
}

#[session(load)]
async fn destroy_counter(session: Session<Counter>) -> Result<String, Error> {
    session.destroy().await?;
    Ok(0.to_string())
}
