//! Sessions that are stored only if the handler uses them.

use http::Method;
use serde_json::{Value, json};

use crate::server::{Env, Server};
use crate::support::cases::cases;
use crate::support::client::Reply;
use crate::support::script::report;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_08a_an_unused_session_is_not_stored
        row_08a_a_used_session_is_stored
        row_08a_an_existing_session_is_loaded
        row_08a_a_failed_handler_stores_nothing
        row_08a_an_unused_session_in_a_task_has_no_sid
        row_08a_a_cookie_session
        row_14a_head_stores_no_session;
    memory:;
    encoded:;
}

async fn lazy(server: &Server, script: Value) -> Reply {
    server.post("/main/lazy").script(script).send().await
}

async fn row_08a_an_unused_session_is_not_stored(env: Env) {
    let server = env.start().await;
    let unused = [
        json!([]),
        json!([["life"]]),
        json!([["borrow_mut"]]),
        // Changed, and changed back.
        json!([["add", "/visits", 1], ["add", "/visits", -1]]),
    ];
    for script in unused {
        let reply = lazy(&server, script).await.ok().without_sid();
        assert_eq!(reply.json()["new"], true);
        assert_eq!(reply.cache(), "private, no-cache");
    }
    assert_eq!(server.stores.faults().inserts(), 0);
}

async fn row_08a_a_used_session_is_stored(env: Env) {
    let server = env.start().await;
    let used = [
        json!([["push", "/items", "tea"]]),
        json!([["sid"]]),
        json!([["rotate"]]),
        json!([["reset"]]),
        json!([["label", "phone"]]),
        json!([["login", "ada"]]),
        json!([["set_lifetime", 60, 60]]),
        json!([["save"]]),
        json!([["update", ["add", "/visits", 1]]]),
    ];
    for script in used {
        let sid = lazy(&server, script.clone()).await.ok().sid();
        let reply = server.post("/main/load").sid(&sid).send().await;
        assert_eq!(reply.status, 200, "{script}");
    }
}

async fn row_08a_an_existing_session_is_loaded(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "tea"]]))
        .await;
    let call = server.post("/main/lazy").sid(&session.sid);
    let reply = call
        .script(json!([["push", "/items", "jam"]]))
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.json()["new"], false);
    let data = server.data(&session).await;
    assert_eq!(data["items"], json!(["tea", "jam"]));
}

async fn row_08a_a_failed_handler_stores_nothing(env: Env) {
    let server = env.start().await;
    let failing = json!([["push", "/items", "tea"], ["sid"], ["fail", 409]]);
    let reply = lazy(&server, failing).await;
    if env.framework.responds_to_errors() {
        reply.with(409).without_sid();
    }
    assert_eq!(server.stores.faults().inserts(), 0);
}

async fn row_08a_an_unused_session_in_a_task_has_no_sid(env: Env) {
    let server = env.start().await;
    let (go_on, done) = (Signal::new(), Signal::new());
    let task = json!([["await", go_on], ["sid"]]);
    let spawned = lazy(&server, json!([["spawn", done, task]])).await;
    spawned.ok().without_sid();
    go_on.send(1);
    assert_eq!(report(&done).await["results"], json!([null]));
    assert_eq!(server.stores.faults().inserts(), 0);
}

async fn row_08a_a_cookie_session(env: Env) {
    let server = env.start().await;
    let lazy = |script: Value| {
        let unknown = "A".repeat(64);
        let call = server.post("/main/lazy").cookie("__Host-sid", &unknown);
        call.script(script).send()
    };
    lazy(json!([["sid"]])).await.ok().without_sid();
    assert_eq!(server.stores.faults().inserts(), 0);
    let (sid, _) = lazy(json!([["login", "ada"]]))
        .await
        .ok()
        .cookie("__Host-sid");
    let reply = server
        .post("/main/load")
        .cookie("__Host-sid", &sid)
        .send()
        .await
        .ok();
    assert_eq!(reply.json()["subject"], "ada");
}

async fn row_14a_head_stores_no_session(env: Env) {
    let server = env.start().await;
    let scripts = [
        json!([]),
        json!([["sid"], ["push", "/items", "tea"], ["login", "ada"]]),
        json!([["push", "/items", "tea"], ["save"]]),
        json!([["update", ["add", "/visits", 1]]]),
        json!([["rotate"], ["label", "phone"], ["set_lifetime", 60, 60]]),
        json!([["login", "ada"], ["reset"]]),
    ];
    for script in scripts {
        for path in ["/main/create", "/main/lazy"] {
            let call = server.call(Method::HEAD, path).script(script.clone());
            call.send().await.ok().without_sid();
        }
    }
    assert_eq!(server.stores.faults().inserts(), 0);
    // The session of the request is still there.
    let session = server.open("main").await;
    let call = server.call(Method::HEAD, "/main/create").sid(&session.sid);
    let reply = call.script(json!([["push", "/items", "tea"]])).send().await;
    reply.ok().without_sid();
    assert_eq!(server.data(&session).await["items"], json!(["tea"]));
}
