//! Several processes, several configs, and several uses of a session in one request.

use connect_session::SessionConfig as _;
use serde_json::json;

use crate::configs::Main;
use crate::server::{Env, at_once};
use crate::support::cases::cases;

cases! {
    every_store:
        row_67_a_logout_on_another_process
        row_67_writes_of_two_processes
        row_72_two_configs_with_two_stores
        row_73_two_guards_and_one_load
        row_73_a_view_and_a_handler
        row_73_a_handler_without_a_session_does_not_load
        row_73_two_routers_with_separate_stores;
    memory:;
    encoded:;
    servers:
        row_67_a_logout_on_another_process
        row_67_writes_of_two_processes
        row_72_two_configs_with_two_stores;
}

async fn row_67_a_logout_on_another_process(env: Env) {
    let server = env.start().await;
    let other = env.start_with(server.stores.clone()).await;
    let session = server.open("main").await;
    assert!(other.is_alive(&session).await);
    other.run(&session, json!([["destroy"]])).send().await.ok();
    assert!(!server.is_alive(&session).await);
    let session = server.open("main").await;
    let new = session.with_sid(
        other
            .run(&session, json!([["login", "ada"]]))
            .send()
            .await
            .ok()
            .sid(),
    );
    assert!(!server.is_alive(&session).await);
    assert_eq!(server.load(&new).send().await.ok().json()["subject"], "ada");
}

async fn row_67_writes_of_two_processes(env: Env) {
    let server = env.start().await;
    let other = env.start_with(server.stores.clone()).await;
    let session = server.open("main").await;
    let push = |number: usize| {
        json!([
            ["push", "/items", format!("n{number}")],
            ["add", "/visits", 1]
        ])
    };
    let from = |number: usize| {
        if number.is_multiple_of(2) {
            &server
        } else {
            &other
        }
    };
    for reply in at_once((0..64).map(|number| from(number).run(&session, push(number)))).await {
        reply.ok();
    }
    let data = other.data(&session).await;
    assert_eq!(data["visits"], 64);
    assert_eq!(data["items"].as_array().unwrap().len(), 64);
}

async fn row_72_two_configs_with_two_stores(env: Env) {
    let server = env.start().await;
    let typed = server
        .open_with("main", json!([["push", "/items", "typed"]]))
        .await;
    let untyped = server
        .open_with("loose", json!([["set", "/items", "untyped"]]))
        .await;
    for (path, session) in [("/loose/load", &typed), ("/main/load", &untyped)] {
        server
            .get(path)
            .sid(&session.sid)
            .send()
            .await
            .problem(401, "unknown-session");
    }
    server.stores.faults().fail_loads(true);
    assert_eq!(server.data(&untyped).await, json!({ "items": "untyped" }));
    server
        .load(&typed)
        .send()
        .await
        .problem(503, "store-unavailable");
    server.stores.faults().clear();
    server.run(&untyped, json!([["destroy"]])).send().await.ok();
    assert_eq!(server.data(&typed).await["items"], json!(["typed"]));
}

async fn row_73_two_guards_and_one_load(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    server.stores.faults().reset_counts();
    let script = json!([["push", "/items", "inner"], ["add", "/visits", 10]]);
    let call = server.post("/main/twice").sid(&session.sid).script(script);
    let reply = call.send().await.ok().without_sid();
    assert_eq!(reply.data()["visits"], 10, "the guards share their data");
    assert_eq!(server.stores.faults().loads(), 1);
    let data = server.data(&session).await;
    assert_eq!(
        (&data["visits"], &data["items"]),
        (&json!(11), &json!(["inner"]))
    );
}

async fn row_73_a_view_and_a_handler(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["set", "/note", "seen"]]))
        .await;
    server.stores.faults().reset_counts();
    let looked = server
        .post("/main/looked-at")
        .sid(&session.sid)
        .script(json!([["push", "/items", "x"]]));
    looked.send().await.ok();
    assert_eq!(
        server.stores.faults().loads(),
        1,
        "the view and the handler each loaded"
    );
    let view = server.get("/main/view").sid(&session.sid).send().await.ok();
    assert_eq!(view.body, format!("{} seen", session.id));
    assert_eq!(view.cache(), "private, no-cache");
    let none = server.get("/main/view").send().await.ok();
    assert_eq!((none.body.len(), none.cache()), (0, String::new()));
    let unknown = server
        .get("/main/view")
        .sid(session.forged().sid)
        .send()
        .await
        .ok();
    assert!(unknown.body.is_empty());
    assert_eq!(server.stores.faults().commits(), 1);
}

async fn row_73_a_handler_without_a_session_does_not_load(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    server.stores.faults().reset_counts();
    let reply = server
        .get("/main/without")
        .sid(&session.sid)
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.body, "no session here");
    assert_eq!(reply.cache(), "");
    assert_eq!(server.stores.faults().loads() + server.stores.writes(), 0);
}

async fn row_73_two_routers_with_separate_stores(env: Env) {
    let (one, other) = (env.start().await, env.start().await);
    let session = one.open("main").await;
    assert!(!other.is_alive(&session).await);
    assert!(one.is_alive(&session).await);
    assert_eq!(other.stores.count(Main::OPTIONS.namespace).await, 0);
}
