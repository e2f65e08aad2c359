//! Clients that go away, ids that collide, and full stores.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use connect_session::SessionConfig as _;
use connect_session::store::{
    Change, CommitId, InsertOutcome, Key, Lifetime, NewRecord, SecretHash, Store as _, Transport,
};
use serde_json::{Value, json};

use crate::configs::Main;
use crate::data::Stuff;
use crate::server::{Env, at_once};
use crate::stores::Stores;
use crate::support::barriers::Gate;
use crate::support::cases::cases;
use crate::support::raw::Raw;

cases! {
    everywhere:
        row_65_half_of_a_thousand_clients_hang_up
        row_66_two_creates_never_collide
        row_66_an_insert_over_a_living_id_is_refused;
    memory:
        row_66a_a_full_store_evicts_what_was_never_presented
        row_66a_a_store_that_cannot_evict;
    encoded:;
    servers:
        row_65_half_of_a_thousand_clients_hang_up
        row_66_two_creates_never_collide
        row_66_an_insert_over_a_living_id_is_refused;
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn row_65_half_of_a_thousand_clients_hang_up(env: Env) {
    let server = env.start().await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push((server.open("main").await, BTreeSet::new()));
    }
    let mut dice = Dice(65);
    for wave in 0..5 {
        let mut tasks = Vec::new();
        for client in 0..200 {
            let held = &sessions[client % 10].0;
            let name = format!("n{}", wave * 200 + client);
            let (script, is_stored) = write_of(&name, &mut dice);
            if dice.roll(2) == 0 {
                tasks.push(tokio::spawn(hang_up(
                    server.address,
                    &held.sid,
                    &script,
                    &mut dice,
                )));
            } else {
                let call = server.run(held, script);
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
    // Nothing is locked; nothing is there twice or by half; and what was confirmed is there.
    for (held, confirmed) in &sessions {
        server
            .run(held, json!([["update", ["add", "/visits", 1]]]))
            .send()
            .await
            .ok();
        let data = server.data(held).await;
        let items: Vec<_> = data["items"].as_array().unwrap().iter().collect();
        let names: BTreeSet<_> = items
            .iter()
            .map(|item| item.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), items.len(), "one is there twice");
        let keys: BTreeSet<_> = data["prefs"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, keys, "half of a change was written");
        assert!(
            confirmed.len() > 20 && confirmed.is_subset(&names),
            "what was confirmed is lost"
        );
    }
}

/// A change in two places, and whether a 200 says that it is stored.
fn write_of(name: &str, dice: &mut Dice) -> (Value, bool) {
    let pair = [
        json!(["push", "/items", name]),
        json!(["set", format!("/prefs/{name}"), 1]),
    ];
    match dice.roll(3) {
        0 => (json!([["update", pair[0], pair[1]]]), true),
        1 => (
            json!([["spawn", Gate::new(), [pair[0], pair[1], ["save"]]]]),
            false,
        ),
        _ => (json!(pair), true),
    }
}

/// Sends a request, or a part of it, and is gone a moment later.
fn hang_up(
    address: SocketAddr,
    sid: &str,
    script: &Value,
    dice: &mut Dice,
) -> impl Future<Output = Option<String>> + use<> {
    let head = format!(
        "GET /main/load HTTP/1.1\r\nHost: a\r\nX-User-Session: {sid}\r\nX-Script: {script}\r\n\r\n"
    );
    let is_cut = dice.roll(4) == 0;
    let length = if is_cut {
        dice.roll(head.len() as u64)
    } else {
        head.len() as u64
    };
    let pauses = dice.roll(200);
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

async fn row_66_an_insert_over_a_living_id_is_refused(env: Env) {
    let server = env.start().await;
    let held = server
        .open_with("main", json!([["push", "/items", "mine"]]))
        .await;
    let key = Key {
        namespace: Main::OPTIONS.namespace,
        id: held.id.parse().unwrap(),
    };
    let minute = Duration::from_secs(60);
    let thief = NewRecord {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Other,
        data: std::sync::Arc::new(Stuff::default()),
        subject: None,
        lifetime: Lifetime::new(minute, minute),
        commit_id: CommitId::from_bytes([7; 16]),
        max_size: 1 << 20,
    };
    let inserted = server.stores.stuff.insert(key, &thief).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Exists), "{inserted:?}");
    assert_eq!(server.data(&held).await["items"], json!(["mine"]));
    // And a change never makes a record.
    server.run(&held, json!([["destroy"]])).send().await.ok();
    let lifetime = Some(thief.lifetime);
    let (commit_id, data, identity) = (thief.commit_id, None, None);
    let change: Change<Stuff> = Change {
        commit_id,
        epoch: 0,
        generation: 0,
        data,
        identity,
        lifetime,
    };
    server.stores.stuff.commit(key, &change).await.unwrap();
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 0);
}

async fn row_66a_a_full_store_evicts_what_was_never_presented(env: Env) {
    let server = env
        .start_with(Stores::with_capacity(env.store, 8).await)
        .await;
    let mut presented = Vec::new();
    for _ in 0..3 {
        let held = server.open("main").await;
        server.load(&held).send().await.ok();
        presented.push(held);
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
    for held in presented.iter().chain(&new) {
        assert!(
            server.is_alive(held).await,
            "it was presented, or belongs to somebody, or is new"
        );
        assert_eq!(held.events("evicted"), 0);
    }
    for held in &strangers {
        assert!(!server.is_alive(held).await);
        assert_eq!(held.events("evicted"), 1);
    }
}

async fn row_66a_a_store_that_cannot_evict(env: Env) {
    let server = env
        .start_with(Stores::with_capacity(env.store, 4).await)
        .await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let held = server.open("main").await;
        server.load(&held).send().await.ok();
        sessions.push(held);
    }
    server
        .post("/main/create")
        .send()
        .await
        .problem(503, "store-full");
    for held in &sessions {
        server
            .run(held, json!([["push", "/items", "x"]]))
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
