//! Clients that disconnect, colliding ids, and full stores.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use connect_session::SessionConfig as _;
use connect_session::store::{
    Change, CommitId, DataFormat, InsertOutcome, Key, Lifetime, NewRecord, SecretHash, Store as _,
    Transport,
};
use serde_json::{Value, json};

use crate::configs::Main;
use crate::data::Stuff;
use crate::server::{Env, at_once};
use crate::stores::Stores;
use crate::support::cases::cases;
use crate::support::raw::Raw;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_65_half_of_a_thousand_clients_disconnect
        row_66_two_creates_never_collide
        row_66_an_insert_of_an_existing_id_is_rejected;
    memory:
        row_66a_a_full_store_evicts_sessions_that_were_never_presented
        row_66a_a_full_store_that_cannot_evict_rejects_creates;
    encoded:;
    servers:
        row_65_half_of_a_thousand_clients_disconnect
        row_66_two_creates_never_collide
        row_66_an_insert_of_an_existing_id_is_rejected;
}

/// A pseudo-random number generator with a fixed seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

async fn row_65_half_of_a_thousand_clients_disconnect(env: Env) {
    let server = env.start().await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push((server.open("main").await, BTreeSet::new()));
    }
    let mut rng = Rng(65);
    for wave in 0..5 {
        let mut tasks = Vec::new();
        for client in 0..200 {
            let session = &sessions[client % 10].0;
            let name = format!("n{}", wave * 200 + client);
            let (script, is_stored) = write_of(&name, &mut rng);
            if rng.below(2) == 0 {
                tasks.push(tokio::spawn(send_and_disconnect(
                    server.address,
                    &session.sid,
                    &script,
                    &mut rng,
                )));
            } else {
                let call = server.run(session, script);
                tasks.push(tokio::spawn(async move {
                    call.send().await.ok();
                    is_stored.then_some(name)
                }));
            }
        }
        for (client, task) in tasks.into_iter().enumerate() {
            sessions[client % 10].1.extend(task.await.unwrap());
        }
    }
    // The session is not locked, no change is applied twice or partially, and every confirmed
    // change is stored.
    for (session, confirmed) in &sessions {
        server
            .run(session, json!([["update", ["add", "/visits", 1]]]))
            .send()
            .await
            .ok();
        let data = server.data(session).await;
        let items: Vec<_> = data["items"].as_array().unwrap().iter().collect();
        let names: BTreeSet<_> = items
            .iter()
            .map(|item| item.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), items.len(), "a change was applied twice");
        let keys: BTreeSet<_> = data["prefs"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, keys, "a change was applied partially");
        assert!(
            confirmed.len() > 20 && confirmed.is_subset(&names),
            "a confirmed change is lost"
        );
    }
}

/// A change of two fields, and whether a 200 confirms that it is stored.
fn write_of(name: &str, rng: &mut Rng) -> (Value, bool) {
    let pair = [
        json!(["push", "/items", name]),
        json!(["set", format!("/prefs/{name}"), 1]),
    ];
    match rng.below(3) {
        0 => (json!([["update", pair[0], pair[1]]]), true),
        1 => (
            json!([["spawn", Signal::new(), [pair[0], pair[1], ["save"]]]]),
            false,
        ),
        _ => (json!(pair), true),
    }
}

/// Sends a request, or a part of one, and disconnects after a moment.
fn send_and_disconnect(
    address: SocketAddr,
    sid: &str,
    script: &Value,
    rng: &mut Rng,
) -> impl Future<Output = Option<String>> + use<> {
    let head = format!(
        "GET /main/load HTTP/1.1\r\nHost: a\r\nX-User-Session: {sid}\r\nX-Script: {script}\r\n\r\n"
    );
    let is_cut = rng.below(4) == 0;
    let length = if is_cut {
        rng.below(head.len() as u64)
    } else {
        head.len() as u64
    };
    let pauses = rng.below(200);
    async move {
        let mut raw = Raw::connect(address).await;
        raw.write(&head[..usize::try_from(length).unwrap()]).await;
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
        None
    }
}

async fn row_66_two_creates_never_collide(env: Env) {
    let server = env.start().await;
    let calls = (0..200).map(|_| server.post("/main/create"));
    let replies = at_once(calls).await;
    let ids: BTreeSet<_> = replies
        .iter()
        .map(|reply| reply.clone().ok().id())
        .collect();
    let secrets: BTreeSet<_> = replies
        .iter()
        .map(|reply| reply.sid()[22..].to_owned())
        .collect();
    assert_eq!((ids.len(), secrets.len()), (200, 200));
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 200);
}

async fn row_66_an_insert_of_an_existing_id_is_rejected(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "mine"]]))
        .await;
    let key = Key {
        namespace: Main::OPTIONS.namespace,
        id: session.id.parse().unwrap(),
    };
    let minute = Duration::from_secs(60);
    let thief = NewRecord {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Other,
        data: std::sync::Arc::new(Stuff::default()),
        login: None,
        label: None,
        lifetime: Lifetime::new(minute, minute),
        commit_id: CommitId::from_bytes([7; 16]),
        first_use_timeout: None,
        max_size: 1 << 20,
        format: DataFormat::FIRST,
    };
    let inserted = server.stores.stuff.insert(key, &thief).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Exists), "{inserted:?}");
    assert_eq!(server.data(&session).await["items"], json!(["mine"]));
    // A commit never creates a record.
    server.run(&session, json!([["destroy"]])).send().await.ok();
    let lifetime = Some(thief.lifetime);
    let (commit_id, data, identity) = (thief.commit_id, None, None);
    let change: Change<Stuff> = Change {
        commit_id,
        epoch: 0,
        generation: 0,
        data,
        identity,
        lifetime,
        label: None,
        format: DataFormat::FIRST,
    };
    server.stores.stuff.commit(key, &change).await.unwrap();
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 0);
}

async fn row_66a_a_full_store_evicts_sessions_that_were_never_presented(env: Env) {
    let server = env
        .start_with(Stores::with_capacity(env.store, 8).await)
        .await;
    let mut presented = Vec::new();
    for _ in 0..3 {
        let session = server.open("main").await;
        server.load(&session).send().await.ok();
        presented.push(session);
    }
    presented.push(server.open_with("main", json!([["login", "ada"]])).await);
    let mut strangers = Vec::new();
    for _ in 0..4 {
        strangers.push(server.open("main").await);
    }
    let mut new = Vec::new();
    for _ in 0..4 {
        new.push(server.open("main").await);
    }
    for session in presented.iter().chain(&new) {
        assert!(
            server.is_alive(session).await,
            "a session that was presented, has a subject or is new was evicted"
        );
        assert_eq!(session.events("evicted"), 0);
    }
    for session in &strangers {
        assert!(!server.is_alive(session).await);
        assert_eq!(session.events("evicted"), 1);
    }
}

async fn row_66a_a_full_store_that_cannot_evict_rejects_creates(env: Env) {
    let server = env
        .start_with(Stores::with_capacity(env.store, 4).await)
        .await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let session = server.open("main").await;
        server.load(&session).send().await.ok();
        sessions.push(session);
    }
    server
        .post("/main/create")
        .send()
        .await
        .problem(503, "store-full");
    for session in &sessions {
        server
            .run(session, json!([["push", "/items", "x"]]))
            .send()
            .await
            .ok();
    }
    server
        .run(&sessions[0], json!([["destroy"]]))
        .send()
        .await
        .ok();
    server.open("main").await;
    server.advance(Duration::from_secs(30 * 60));
    for _ in 0..4 {
        server.open("main").await;
    }
}
