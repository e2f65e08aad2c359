//! What a client sees of sealed sessions.

use axum::Router;
use axum::routing::{get, post};
use connect_session::store::{AnyStore, Sealed, SealingKeys};
use connect_session::{Session, session, session_config};
use serde::{Deserialize, Serialize};

use super::{SECOND, keys};
use crate::data::on_every_store;
use crate::data::stores::Stores;
use crate::data::tools::send;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    visits: u64,
    note: String,
}

session_config! {
    struct Vault { data: Account, namespace: "vault", merge: { visits: add } }
}

/// The data of a program that knows one field more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct LaterAccount {
    visits: u64,
    added: String,
}

session_config! {
    struct Later { data: LaterAccount, namespace: "vault" }
}

session_config! {
    struct Replacing {
        data: Account,
        namespace: "vault",
        on_undecodable: replace,
    }
}

#[session(create)]
async fn open(session: Session<Vault>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn visit(mut session: Session<Vault>) -> String {
    session.visits += 1;
    session.visits.to_string()
}

#[session(load)]
async fn add(mut session: Session<Later>) {
    "hunter2".clone_into(&mut session.added);
}

#[session(load)]
async fn added(session: Session<Later>) -> String {
    session.added.clone()
}

#[session(load)]
async fn replaced(session: Option<Session<Replacing>>) -> String {
    session.map_or(0, |session| session.visits).to_string()
}

fn app(stores: &Stores, keys: SealingKeys) -> Router {
    let vault = Router::new()
        .route("/open", post(open))
        .route("/visit", post(visit));
    let store = |keys| AnyStore::new(Sealed::new(stores.of(), keys));
    vault.layer(Vault::layer().with_store(store(keys)))
}

fn replacing(stores: &Stores, keys: SealingKeys) -> Router {
    let store = AnyStore::new(Sealed::new(stores.of(), keys));
    Router::new()
        .route("/visits", get(replaced))
        .layer(Replacing::layer().with_store(store))
}

on_every_store! {
    @encoding
    a_field_that_the_type_does_not_know_survives
    changes_of_parallel_requests_are_merged
    a_wrong_key_is_a_500_and_never_an_empty_session
}

async fn changes_of_parallel_requests_are_merged(stores: &Stores) {
    let app = app(stores, keys());
    let (_, sid, _) = send(&app, "POST", "/open", "").await;
    let visits = (0..16).map(|_| {
        let (app, sid) = (app.clone(), sid.clone());
        tokio::spawn(async move { send(&app, "POST", "/visit", &sid).await.0 })
    });
    for visit in visits.collect::<Vec<_>>() {
        assert_eq!(visit.await.unwrap(), 200);
    }
    assert_eq!(send(&app, "POST", "/visit", &sid).await.2, "17");
}

async fn a_wrong_key_is_a_500_and_never_an_empty_session(stores: &Stores) {
    let app = app(stores, keys());
    let (_, sid, _) = send(&app, "POST", "/open", "").await;
    assert_eq!(send(&app, "POST", "/visit", &sid).await.2, "1");
    let wrong = || SealingKeys::new("first", &SECOND).unwrap();
    let with_wrong_key = self::app(stores, wrong());
    let (status, _, body) = send(&with_wrong_key, "POST", "/visit", &sid).await;
    assert_eq!(status, 500);
    assert!(body.contains("undecodable"), "{body}");
    let (status, _, _) = send(&replacing(stores, wrong()), "GET", "/visits", &sid).await;
    assert_eq!(status, 500, "not replaced either");
    let (_, _, visits) = send(&replacing(stores, keys()), "GET", "/visits", &sid).await;
    assert_eq!(visits, "1");
    let (status, fresh, _) = send(&with_wrong_key, "POST", "/open", &sid).await;
    assert!(status == 200 && fresh != sid);
    assert_eq!(send(&app, "POST", "/visit", &sid).await.2, "2");
}

async fn a_field_that_the_type_does_not_know_survives(stores: &Stores) {
    let app = app(stores, keys());
    let store = AnyStore::new(Sealed::new(stores.of(), keys()));
    let later = Router::new().route("/added", get(added).post(add));
    let later = later.layer(Later::layer().with_store(store));
    let (_, sid, _) = send(&app, "POST", "/open", "").await;
    assert_eq!(send(&later, "POST", "/added", &sid).await.0, 200);
    assert_eq!(send(&app, "POST", "/visit", &sid).await.2, "1");
    assert_eq!(send(&later, "GET", "/added", &sid).await.2, "hunter2");
}
