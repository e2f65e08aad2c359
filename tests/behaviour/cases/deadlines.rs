//! Idle and absolute deadlines, with a fake clock.

use std::collections::BTreeSet;
use std::time::Duration;

use connect_session::SessionConfig as _;
use connect_session::store::Store as _;
use serde_json::{Value, json};

use crate::configs::Main;
use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;

cases! {
    every_store:
        row_50_idle_deadline
        row_51_activity_extends_the_idle_deadline
        row_52_the_absolute_deadline_ends_an_active_session
        row_53_touches_are_coalesced
        row_54_a_longer_lifetime_survives_later_writes
        row_55_expired_sessions_are_invisible_immediately
        row_55_expired_sessions_are_swept
        row_60a_set_lifetime_survives_writes_and_touches
        row_60a_invalid_lifetimes_are_rejected
        row_60b_a_forged_secret;
    memory:
        row_100_a_session_that_nobody_presents;
    encoded:;
    sqlite:
        row_100_a_session_that_nobody_presents;
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

async fn row_50_idle_deadline(env: Env) {
    let server = env.start().await;
    let (session, other) = (server.open("main").await, server.open("main").await);
    server.advance(Duration::from_millis(30 * 60_000 - 1));
    assert!(server.is_alive(&other).await);
    server.advance(Duration::from_millis(1));
    assert!(!server.is_alive(&session).await);
    assert!(server.is_alive(&other).await);
    // The session ends when it says it does.
    let reply = server.post("/main/create").send().await.ok().json();
    let life = reply["expires"].as_u64().unwrap() - reply["created"].as_u64().unwrap();
    assert_eq!(u128::from(life), (30 * MINUTE).as_millis());
}

async fn row_100_a_session_that_nobody_presents(env: Env) {
    let server = env.start().await;
    let script = json!([["login", "ada"], ["set", "/note", "kept"]]);
    let unused = server.open_with("watchful", script.clone()).await;
    let used = server.open_with("watchful", script.clone()).await;
    let reply = server.post("/watchful/create").send().await.ok().json();
    let life = reply["expires"].as_u64().unwrap() - reply["created"].as_u64().unwrap();
    assert_eq!(u128::from(life), (10 * MINUTE).as_millis());

    // A use before a touch is due.
    server.advance(Duration::from_secs(1));
    assert!(
        !server.is_alive(&unused.forged()).await,
        "a wrong sid is no use"
    );
    assert!(server.is_alive(&used).await);
    server.advance(9 * MINUTE + Duration::from_secs(59));
    assert!(!server.is_alive(&unused).await);
    let used = used.with_sid(server.load(&used).send().await.ok().sid());
    server.advance(29 * MINUTE);
    assert_eq!(server.data(&used).await["note"], "kept");
}

async fn row_51_activity_extends_the_idle_deadline(env: Env) {
    let server = env.start().await;
    let reader = server.open("main").await;
    let writer = server.open("main").await;
    let viewer = server.open("main").await;
    for round in 0..10 {
        server.advance(21 * MINUTE);
        assert!(server.is_alive(&reader).await, "round {round}");
        server
            .run(&writer, json!([["add", "/visits", 1]]))
            .send()
            .await
            .ok();
        let optional = server
            .get("/main/optional")
            .sid(&viewer.sid)
            .send()
            .await
            .ok();
        assert_eq!(optional.json()["session"], true, "round {round}");
    }
    assert_eq!(server.data(&writer).await["visits"], 10);
}

async fn row_52_the_absolute_deadline_ends_an_active_session(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for _ in 0..35 {
        server.advance(20 * MINUTE);
        server
            .run(
                &session,
                json!([["add", "/visits", 1], ["rotate"], ["fail", 400]]),
            )
            .send()
            .await
            .with(400);
        server
            .run(&session, json!([["add", "/visits", 1]]))
            .send()
            .await
            .ok();
    }
    let reply = server.load(&session).send().await.ok().json();
    let life = reply["expires"].as_u64().unwrap() - reply["created"].as_u64().unwrap();
    assert_eq!(u128::from(life), (12 * HOUR).as_millis());
    server.advance(20 * MINUTE);
    assert!(!server.is_alive(&session).await);
}

async fn row_53_touches_are_coalesced(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let writes = server.stores.encoded.writes();
    let mut deadlines = BTreeSet::new();
    for _ in 0..100 {
        server.advance(Duration::from_millis(1_790));
        let reply = server.load(&session).send().await.ok();
        deadlines.insert(reply.json()["expires"].as_u64().unwrap());
    }
    assert!(deadlines.len() <= 2, "{deadlines:?}");
    assert!(server.stores.encoded.writes() - writes <= 1);
    assert_eq!(
        server.stores.faults().commits(),
        0,
        "a touch is not a commit"
    );
    // The session may expire early by at most a tenth of the idle timeout.
    server.advance(27 * MINUTE);
    assert!(server.is_alive(&session).await);
}

async fn row_54_a_longer_lifetime_survives_later_writes(env: Env) {
    let server = env.start().await;
    let remember = json!(["set_lifetime", (30 * DAY).as_secs(), (90 * DAY).as_secs()]);
    let session = server.open_with("main", json!([remember])).await;
    let later = server.open("main").await;
    server.run(&later, json!([remember])).send().await.ok();
    for session in [&session, &later] {
        server
            .run(session, json!([["push", "/items", "tea"]]))
            .send()
            .await
            .ok();
    }
    server.advance(25 * DAY);
    for session in [&session, &later] {
        server
            .run(session, json!([["push", "/items", "cake"]]))
            .send()
            .await
            .ok();
    }
    server.advance(29 * DAY);
    for session in [&session, &later] {
        assert_eq!(server.data(session).await["items"], json!(["tea", "cake"]));
    }
}

async fn row_55_expired_sessions_are_invisible_immediately(env: Env) {
    let server = env.start().await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(server.open("main").await);
    }
    let count = || server.stores.count(Main::OPTIONS.namespace);
    assert_eq!(count().await, 5);
    server.advance(30 * MINUTE);
    let late = json!([["push", "/items", "x"]]);
    server
        .run(&sessions[0], late)
        .send()
        .await
        .problem(401, "unknown-session");
    assert_eq!(count().await, 0);
    for session in &sessions {
        assert!(!server.is_alive(session).await);
    }
}

async fn row_55_expired_sessions_are_swept(env: Env) {
    let server = env.start().await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(server.open("main").await);
    }
    let sweep = |limit| server.stores.stuff.sweep(limit);
    assert_eq!(sweep(100).await.unwrap(), 0);
    server.advance(30 * MINUTE);
    assert_eq!(sweep(3).await.unwrap(), 3);
    assert_eq!(sweep(100).await.unwrap(), 2);
    for session in &sessions {
        assert!(!server.is_alive(session).await);
    }
    let alive = server.open("main").await;
    assert_eq!(sweep(100).await.unwrap(), 0);
    assert!(server.is_alive(&alive).await);
}

async fn row_60a_set_lifetime_survives_writes_and_touches(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let script = json!([["set_lifetime", (30 * DAY).as_secs(), (90 * DAY).as_secs()]]);
    let promised = server.run(&session, script).send().await.ok().json();
    let starts = promised["created"].as_u64().unwrap();
    assert_eq!(promised["expires"], starts + millis(30 * DAY));
    for day in [20, 40, 60, 80] {
        server.advance(20 * DAY);
        let reply = server.load(&session).send().await.ok().json();
        let expected = starts + millis((day * DAY + 30 * DAY).min(90 * DAY));
        assert_eq!(reply["expires"], expected, "day {day}");
        let rotated = server
            .run(&session, json!([["update", ["add", "/visits", 1]]]))
            .send()
            .await
            .ok();
        assert_eq!(rotated.json()["created"], starts);
    }
    server.advance(10 * DAY);
    assert!(!server.is_alive(&session).await);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

async fn row_60a_invalid_lifetimes_are_rejected(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for wrong in [json!([0, 60]), json!([0, 0]), json!([61, 60])] {
        let script = json!([
            ["push", "/items", "x"],
            ["set_lifetime", wrong[0], wrong[1]]
        ]);
        server
            .run(&session, script)
            .send()
            .await
            .problem(500, "invalid-lifetime");
    }
    server
        .run(&session, json!([["set_lifetime", 10, 10]]))
        .send()
        .await
        .ok();
    server.advance(Duration::from_secs(9));
    assert_eq!(server.data(&session).await["items"], json!([]));
    server.advance(Duration::from_secs(1));
    assert!(
        !server.is_alive(&session).await,
        "a lifetime shorter than the config's does not apply"
    );
    let failed = server.open("main").await;
    server
        .run(&failed, json!([["set_lifetime", 1, 1], ["fail", 400]]))
        .send()
        .await
        .with(400);
    server.advance(Duration::from_secs(2));
    assert!(
        server.is_alive(&failed).await,
        "a failed handler changed a deadline"
    );
}

async fn row_60b_a_forged_secret(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "secret"]]))
        .await;
    let forged = session.forged();
    assert_dead(&server, &forged, json!([["push", "/items", "evil"]])).await;
    server.advance(20 * MINUTE);
    assert_dead(&server, &forged, json!([["destroy"]])).await;
    let optional = server
        .get("/main/optional")
        .sid(&forged.sid)
        .send()
        .await
        .ok();
    assert_eq!(optional.json()["session"], false);
    let created = server
        .post("/main/create")
        .sid(&forged.sid)
        .send()
        .await
        .ok();
    assert_ne!(created.id(), session.id);
    server.advance(10 * MINUTE);
    assert!(
        !server.is_alive(&session).await,
        "a forged secret extended the session"
    );
}

async fn assert_dead(server: &Server, session: &ClientSession, script: Value) {
    let reply = server.run(session, script).send().await;
    reply.problem(401, "unknown-session");
}
