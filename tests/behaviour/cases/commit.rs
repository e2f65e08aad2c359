//! What is committed when a handler returns, fails, panics or is cancelled.

use connect_session::SessionConfig as _;
use http::Method;
use serde_json::json;

use crate::configs::{Always, Main};
use crate::frameworks::Shape;
use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::client::Call;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_39_a_read_only_request_writes_nothing
        row_40_a_handler_that_fails_commits_nothing
        row_40a_a_hidden_failure_commits_nothing
        row_41_a_handler_that_panics
        row_41_a_client_that_disconnects
        row_42_commit_always
        row_42a_the_same_outcome_with_and_without_the_layer
        row_45_every_return_type
        row_46_destroyed_stays_destroyed
        row_47_create_and_destroy_writes_nothing
        row_49_reload_discards_uncommitted_changes;
    memory:;
    encoded:;
    servers:
        row_39_a_read_only_request_writes_nothing
        row_40_a_handler_that_fails_commits_nothing
        row_41_a_handler_that_panics
        row_41_a_client_that_disconnects
        row_42_commit_always
        row_46_destroyed_stays_destroyed
        row_47_create_and_destroy_writes_nothing
        row_49_reload_discards_uncommitted_changes;
}

async fn row_39_a_read_only_request_writes_nothing(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let writes = server.stores.encoded.writes();
    server.stores.faults().reset_counts();
    for path in ["/main/load", "/main/optional", "/main/create"] {
        for method in [Method::GET, Method::POST] {
            let call = server
                .call(method, path)
                .sid(&session.sid)
                .script(json!([["sid"], ["debug"]]));
            call.send().await.ok();
        }
    }
    assert_eq!(server.stores.writes(), 0);
    assert_eq!(server.stores.faults().loads(), 6, "each request loads once");
    assert_eq!(server.stores.encoded.writes(), writes);
}

async fn row_40_a_handler_that_fails_commits_nothing(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let before = server.data(&session).await;
    server.stores.faults().reset_counts();
    let scripts = [
        json!([["push", "/items", "lost"], ["fail", 400]]),
        json!([["push", "/items", "lost"], ["login", "ada"], ["fail", 400]]),
        json!([["reset"], ["set_lifetime", 1, 1], ["fail", 400]]),
    ];
    for script in scripts {
        server
            .run(&session, script)
            .send()
            .await
            .with(400)
            .without_sid();
        let reply = server.load(&session).send().await.ok();
        assert_eq!(
            (reply.data(), &reply.json()["subject"]),
            (before.clone(), &json!(null))
        );
    }
    let create = server
        .post("/main/create")
        .script(json!([["push", "/items", "x"], ["fail", 400]]));
    create.send().await.with(400).without_sid();
    let own = json!([["push", "/items", "x"], ["set_lifetime", 0, 0]]);
    let by_question_mark = server.post("/main/create").script(own).send().await;
    by_question_mark.problem(500, "invalid-lifetime");
    assert_eq!(server.stores.writes(), 0);
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 1);
}

async fn row_40a_a_hidden_failure_commits_nothing(env: Env) {
    each_shape(env, env.framework.failures()).await;
}

async fn row_41_a_handler_that_panics(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let scripts = [
        json!([["push", "/items", "lost"], ["panic"]]),
        json!([["rotate"], ["panic"]]),
        json!([["update", ["push", "/items", "lost"], ["panic"]]]),
    ];
    for script in scripts {
        panics(env, server.run(&session, script)).await;
        still_works(&server, &session).await;
    }
    let create = server
        .post("/main/create")
        .script(json!([["push", "/items", "x"], ["panic"]]));
    panics(env, create).await;
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 1);
}

/// Sends a request whose handler panics.
async fn panics(env: Env, call: Call) {
    match call.try_send().await {
        Ok(reply) => {
            assert!(
                env.framework.responds_to_panics(),
                "the framework does not catch panics"
            );
            reply.with(500).without_sid();
        }
        Err(_) => assert!(!env.framework.responds_to_panics()),
    }
}

/// Asserts that the session has none of the lost changes, and can be read and written.
async fn still_works(server: &Server, session: &ClientSession) {
    let script = json!([
        ["push", "/items", "kept"],
        ["update", ["drop", "/items", "kept"]]
    ]);
    server.run(session, script).send().await.ok();
    server
        .run(session, json!([["drop", "/items", "kept"]]))
        .send()
        .await
        .ok();
    assert_eq!(server.data(session).await["items"], json!([]));
}

async fn row_41_a_client_that_disconnects(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    if !env.framework.cancels_on_disconnect() {
        return assert_commits_after_disconnect(&server, &session).await;
    }
    let scripts = [
        json!([["push", "/items", "lost"]]),
        json!([["rotate"]]),
        json!([["login", "eve"]]),
    ];
    for script in scripts {
        let (waits, dropped) = (Signal::new(), Signal::new());
        let mut script = script.as_array().unwrap().clone();
        script.extend([json!(["signal", waits]), json!(["hang", dropped])]);
        let call = tokio::spawn(server.run(&session, json!(script)).try_send());
        waits.wait().await;
        call.abort();
        dropped.wait().await;
        still_works(&server, &session).await;
    }
    let (waits, dropped) = (Signal::new(), Signal::new());
    let create = server
        .post("/main/create")
        .script(json!([["signal", waits], ["hang", dropped]]));
    let call = tokio::spawn(create.try_send());
    waits.wait().await;
    call.abort();
    dropped.wait().await;
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 1);
}

/// A handler that continues after its client has disconnected commits once and completely.
async fn assert_commits_after_disconnect(server: &Server, session: &ClientSession) {
    let (waits, goes_on) = (Signal::new(), Signal::new());
    let script = json!([
        ["push", "/items", "kept"],
        ["signal", waits],
        ["await", goes_on]
    ]);
    let call = tokio::spawn(server.run(session, script).try_send());
    waits.wait().await;
    call.abort();
    goes_on.send(1);
    while server.data(session).await["items"] != json!(["kept"]) {
        tokio::task::yield_now().await;
    }
}

async fn row_42_commit_always(env: Env) {
    let server = env.start().await;
    let session = server.open("always").await;
    let script = json!([["push", "/items", "kept"], ["fail", 400]]);
    server.run(&session, script.clone()).send().await.with(400);
    assert_eq!(server.data(&session).await["items"], json!(["kept"]));
    let create = server
        .post("/always/create")
        .script(script)
        .send()
        .await
        .with(400);
    assert_eq!(server.stores.count(Always::OPTIONS.namespace).await, 2);
    if env.framework.responds_to_errors() {
        let found = server
            .get("/always/load")
            .sid(create.sid())
            .send()
            .await
            .ok();
        assert_eq!(found.data()["items"], json!(["kept"]));
    }
    // A panic never commits, even with `commit: always`.
    let call = server.run(&session, json!([["push", "/items", "lost"], ["panic"]]));
    panics(env, call).await;
    assert_eq!(server.data(&session).await["items"], json!(["kept"]));
}

async fn row_42a_the_same_outcome_with_and_without_the_layer(env: Env) {
    let server = env.start().await;
    let mut outcomes = Vec::new();
    for config in ["bare", "bare-layered"] {
        let session = server
            .open_with(config, json!([["push", "/items", "first"]]))
            .await;
        let lost = json!([["push", "/items", "lost"], ["fail", 418]]);
        let failed = server.run(&session, lost).send().await;
        let done = server
            .run(
                &session,
                json!([["push", "/items", "kept"], ["status", 500]]),
            )
            .send()
            .await;
        let gone = server
            .post(format!("/{config}/create"))
            .script(json!([["fail", 400]]))
            .send()
            .await;
        let items = server.data(&session).await["items"].clone();
        outcomes.push((failed.status, done.status, gone.status, gone.sids(), items));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0].4, json!(["first", "kept"]));
}

async fn row_45_every_return_type(env: Env) {
    each_shape(env, env.framework.shapes()).await;
}

/// Calls each handler, and asserts that its session is stored only if its shape says so.
async fn each_shape(env: Env, shapes: &[Shape]) {
    let server = env.start().await;
    assert!(!shapes.is_empty());
    let mut wrong = Vec::new();
    for shape in shapes {
        let count = server.stores.count(Main::OPTIONS.namespace).await;
        let reply = server.post(shape.path).send().await;
        let stored = server.stores.count(Main::OPTIONS.namespace).await - count;
        if reply.status != shape.status
            || stored != u64::from(shape.stored)
            || reply.sids().is_empty() == shape.stored
        {
            wrong.push(format!("{shape:?}: {}, {stored} stored", reply.status));
        } else if shape.stored {
            let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
            assert_eq!(found.data()["items"], json!(["shaped"]), "{shape:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn row_46_destroyed_stays_destroyed(env: Env) {
    let server = env.start().await;
    for end in [
        json!(["fail", 400]),
        json!(["panic"]),
        json!(["status", 500]),
    ] {
        let session = server.open("main").await;
        let call = server.run(&session, json!([["push", "/items", "x"], ["destroy"], end]));
        if let Ok(reply) = call.try_send().await {
            reply.without_sid();
        }
        assert!(!server.is_alive(&session).await, "{end}");
        assert_eq!(session.events("destroyed"), 1);
    }
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 0);
}

async fn row_47_create_and_destroy_writes_nothing(env: Env) {
    let server = env.start().await;
    for path in ["/main/create", "/main/cookie/create", "/jar/create"] {
        let script = json!([["push", "/items", "x"], ["login", "ada"], ["destroy"]]);
        let reply = server
            .post(path)
            .script(script)
            .send()
            .await
            .ok()
            .without_sid();
        assert!(
            !reply.headers.contains_key("set-cookie"),
            "a cookie was set or cleared: {reply:?}"
        );
    }
    assert_eq!(server.stores.writes(), 0);
}

async fn row_49_reload_discards_uncommitted_changes(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "kept"]]))
        .await;
    let (loaded, go) = (Signal::new(), Signal::new());
    let script = json!([
        ["push", "/items", "dropped"],
        ["login", "eve"],
        ["signal", loaded],
        ["await", go],
        ["reload"],
    ]);
    let call = tokio::spawn(server.run(&session, script).send());
    loaded.wait().await;
    server
        .run(&session, json!([["push", "/items", "theirs"]]))
        .send()
        .await
        .ok();
    go.send(1);
    let reply = call.await.unwrap().ok().without_sid();
    assert_eq!(
        reply.data()["items"],
        json!(["kept", "theirs"]),
        "the reloaded data is not what is stored"
    );
    assert_eq!(reply.json()["subject"], json!(null));
    assert_eq!(
        server.data(&session).await["items"],
        json!(["kept", "theirs"])
    );

    let new = json!([
        ["push", "/items", "dropped"],
        ["login", "eve"],
        ["reload"],
        ["set", "/note", "x"]
    ]);
    let reply = server.post("/main/create").script(new).send().await.ok();
    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    assert_eq!(
        (&found.data()["items"], &found.data()["note"]),
        (&json!([]), &json!("x"))
    );
    assert_eq!(found.json()["subject"], json!(null));
}
