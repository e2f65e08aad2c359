//! Deadlines by the clock of a server, which tests cannot move: the cases use short deadlines and
//! sleep. All compared times are more than a second apart. `deadlines` has the cases with longer
//! times, on stores with a fake clock; the conformance kit covers every store.

use std::time::Duration;

use serde_json::json;

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;

cases! {
    every_store:;
    memory:;
    encoded:;
    servers:
        row_50_idle_deadline_in_real_time
        row_51_activity_extends_the_idle_deadline_in_real_time
        row_52_the_absolute_deadline_in_real_time
        row_60a_a_lifetime_survives_a_write_in_real_time
        row_60b_a_forged_secret_in_real_time
        row_99_a_replaced_sid_comes_back_in_real_time
        row_100_a_session_that_nobody_presents_in_real_time;
}

/// A session with these idle and absolute timeouts, in seconds.
async fn brief(server: &Server, idle: u64, absolute: u64) -> ClientSession {
    let script = json!([["set_lifetime", idle, absolute]]);
    server.open_with("main", script).await
}

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

async fn row_50_idle_deadline_in_real_time(env: Env) {
    let server = env.start().await;
    let (session, longer) = (brief(&server, 3, 60).await, brief(&server, 30, 60).await);
    pass(1.5).await;
    assert!(server.is_alive(&session).await);
    pass(4.5).await;
    let late = server.run(&session, json!([["push", "/items", "x"]]));
    late.send().await.problem(401, "unknown-session");
    assert!(
        !server.is_alive(&session).await,
        "the late request revived the session"
    );
    assert!(server.is_alive(&longer).await);
}

async fn row_51_activity_extends_the_idle_deadline_in_real_time(env: Env) {
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
    let session = brief(&server, 4, 4).await;
    for _ in 0..2 {
        pass(1.0).await;
        let script = json!([["add", "/visits", 1]]);
        server.run(&session, script).send().await.ok();
    }
    pass(3.5).await;
    assert!(
        !server.is_alive(&session).await,
        "a write moved the absolute deadline"
    );
}

async fn row_60a_a_lifetime_survives_a_write_in_real_time(env: Env) {
    let server = env.start().await;
    let session = brief(&server, 3, 60).await;
    let script = json!([["push", "/items", "x"]]);
    server.run(&session, script).send().await.ok();
    pass(4.5).await;
    assert!(
        !server.is_alive(&session).await,
        "the write applied the config's idle timeout"
    );
}

async fn row_60b_a_forged_secret_in_real_time(env: Env) {
    let server = env.start().await;
    let session = brief(&server, 3, 60).await;
    pass(1.7).await;
    assert!(!server.is_alive(&session.forged()).await);
    pass(2.8).await;
    assert!(
        !server.is_alive(&session).await,
        "a forged secret extended the session"
    );
}

async fn row_99_a_replaced_sid_comes_back_in_real_time(env: Env) {
    let server = env.start().await;
    let old = server.open_with("hasty", json!([["login", "ada"]])).await;
    assert!(server.is_alive(&old).await);
    pass(3.5).await;
    let new = old.with_sid(server.load(&old).send().await.ok().sid());
    assert!(server.is_alive(&new).await);
    pass(2.5).await;
    assert_eq!(old.events("secret_reused"), 0);
    assert!(!server.is_alive(&old).await);
    assert_eq!(old.events("secret_reused"), 1);
    assert!(!server.is_alive(&new).await);
}

async fn row_100_a_session_that_nobody_presents_in_real_time(env: Env) {
    let server = env.start().await;
    let script = json!([["login", "ada"], ["set", "/note", "kept"]]);
    let unused = server.open_with("hasty", script.clone()).await;
    let used = server.open_with("hasty", script).await;
    assert!(server.is_alive(&used).await);
    pass(5.5).await;
    assert!(!server.is_alive(&unused).await);
    assert_eq!(server.data(&used).await["note"], "kept");
}
