//! How long a session lives by the clock of a server, which nobody can move: with short deadlines
//! that the cases sleep past. All that is compared is more than a second apart. What takes minutes
//! is in `deadlines`, on stores whose time passes by hand; the conformance kit tries every store.

use std::time::Duration;

use serde_json::json;

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;

cases! {
    everywhere:;
    memory:;
    encoded:;
    servers:
        row_50_idle_passes_in_real_time
        row_51_activity_keeps_it_alive_in_real_time
        row_52_the_absolute_deadline_in_real_time
        row_60a_a_lifetime_outlives_a_write_in_real_time
        row_60b_a_made_up_secret_in_real_time;
}

/// A session that may idle for so many seconds, and lives for so many.
async fn brief(server: &Server, idle: u64, absolute: u64) -> ClientSession {
    let script = json!([["set_lifetime", idle, absolute]]);
    server.open_with("main", script).await
}

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

async fn row_50_idle_passes_in_real_time(env: Env) {
    let server = env.start().await;
    let (held, longer) = (brief(&server, 3, 60).await, brief(&server, 30, 60).await);
    pass(1.5).await;
    assert!(server.is_alive(&held).await);
    pass(4.5).await;
    let late = server.run(&held, json!([["push", "/items", "x"]]));
    late.send().await.problem(401, "unknown-session");
    assert!(!server.is_alive(&held).await, "the late request revived it");
    assert!(server.is_alive(&longer).await);
}

async fn row_51_activity_keeps_it_alive_in_real_time(env: Env) {
    let server = env.start().await;
    let (reader, writer) = (brief(&server, 3, 60).await, brief(&server, 3, 60).await);
    for round in 0..4 {
        pass(1.5).await;
        assert!(server.is_alive(&reader).await, "round {round}");
        let script = json!([["add", "/visits", 1]]);
        server.run(&writer, script).send().await.ok();
    }
    assert_eq!(server.data(&writer).await["visits"], 4);
}

async fn row_52_the_absolute_deadline_in_real_time(env: Env) {
    let server = env.start().await;
    let held = brief(&server, 4, 4).await;
    for _ in 0..2 {
        pass(1.0).await;
        let script = json!([["add", "/visits", 1]]);
        server.run(&held, script).send().await.ok();
    }
    pass(3.5).await;
    assert!(!server.is_alive(&held).await, "a write moved the deadline");
}

async fn row_60a_a_lifetime_outlives_a_write_in_real_time(env: Env) {
    let server = env.start().await;
    let held = brief(&server, 3, 60).await;
    let script = json!([["push", "/items", "x"]]);
    server.run(&held, script).send().await.ok();
    pass(4.5).await;
    assert!(
        !server.is_alive(&held).await,
        "it got the config's idle time"
    );
}

async fn row_60b_a_made_up_secret_in_real_time(env: Env) {
    let server = env.start().await;
    let held = brief(&server, 3, 60).await;
    pass(1.7).await;
    assert!(!server.is_alive(&held.forged()).await);
    pass(2.8).await;
    assert!(
        !server.is_alive(&held).await,
        "whoever knew the id kept it alive"
    );
}
