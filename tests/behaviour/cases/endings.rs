//! Requests in flight while their session ends or gets another sid.

use std::time::Duration;

use connect_session::SessionConfig as _;
use serde_json::{Value, json};

use crate::configs::Main;
use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::overlap::Overlap;

cases! {
    every_store:
        row_63_destroyed_while_a_write_is_in_flight
        row_63_destroyed_before_the_write_reaches_the_store
        row_64_rotated_while_a_write_is_in_flight
        row_64_two_rotations
        row_64a_loaded_before_a_login_or_reset
        row_64a_a_save_from_before_a_login
        row_64b_two_parallel_logins
        row_64d_ended_during_a_writing_request
        row_64d_on_ended_ignore
        row_64d_ended_during_a_read_only_request;
    memory:;
    encoded:
        row_64d_store_cleared_during_a_writing_request;
    servers:
        row_63_destroyed_while_a_write_is_in_flight
        row_63_destroyed_before_the_write_reaches_the_store
        row_64_two_rotations
        row_64a_loaded_before_a_login_or_reset
        row_64a_a_save_from_before_a_login
        row_64b_two_parallel_logins
        row_64d_ended_during_a_writing_request
        row_64d_on_ended_ignore
        row_64d_ended_during_a_read_only_request;
}

async fn row_63_destroyed_while_a_write_is_in_flight(env: Env) {
    let server = env.start().await;
    let writes = [
        json!([["push", "/items", "x"]]),
        json!([["rotate"]]),
        json!([["update", ["push", "/items", "x"]]]),
        json!([["login", "ada"]]),
        json!([["set_lifetime", 60, 60]]),
    ];
    for round in 0..100 {
        let session = server.open("main").await;
        let call = || server.post("/main/load").sid(&session.sid);
        let write = writes[round % writes.len()].clone();
        let calls = [
            (call(), json!([]), write.clone()),
            (call(), json!([]), json!([["destroy"]])),
        ];
        let [written, destroyed] = <[_; 2]>::try_from(Overlap::of(calls).await.go().await).unwrap();
        destroyed.ok().without_sid();
        if written.status != 200 {
            written.clone().problem(409, "session-ended");
        }
        for sid in written.sids().into_iter().chain([session.sid.clone()]) {
            assert!(
                !server.is_alive(&session.with_sid(sid)).await,
                "a destroyed session exists again, round {round}"
            );
        }
    }
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 0);
}

async fn row_63_destroyed_before_the_write_reaches_the_store(env: Env) {
    let server = env.start().await;
    for write in [
        json!(["push", "/items", "x"]),
        json!(["rotate"]),
        json!(["login", "ada"]),
    ] {
        let session = server.open("main").await;
        let pause = server.stores.faults().pause_before_commit();
        let late = tokio::spawn(server.run(&session, json!([write])).send());
        pause.reached().await;
        server.run(&session, json!([["destroy"]])).send().await.ok();
        pause.release();
        late.await.unwrap().problem(409, "session-ended");
        assert!(!server.is_alive(&session).await);
        assert_eq!(session.events("ended"), 1);
    }
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 0);
}

async fn row_64_rotated_while_a_write_is_in_flight(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let writes = [
        json!([["push", "/items", "x"]]),
        json!([["update", ["push", "/items", "y"]]]),
        json!([["set_lifetime", 7200, 7200]]),
    ];
    let call = || server.post("/main/load").sid(&session.sid);
    let late = Overlap::of(writes.map(|write| (call(), json!([]), write))).await;
    let reply = server.run(&session, json!([["rotate"]])).send().await.ok();
    let new = session.with_sid(reply.sid());
    for reply in late.go().await {
        reply.ok().without_sid();
    }
    let mut items = server.data(&new).await["items"].as_array().unwrap().clone();
    items.sort_by_key(Value::to_string);
    assert_eq!(items, ["x", "y"]);
    assert!(!server.is_alive(&session).await);
    server.advance(Duration::from_secs(7000));
    assert!(server.is_alive(&new).await);
}

async fn row_64_two_rotations(env: Env) {
    let server = env.start().await;
    // With and without a change of the data.
    for edit in [
        json!([["push", "/items", "x"], ["rotate"]]),
        json!([["rotate"]]),
    ] {
        let session = server.open("main").await;
        let call = || server.post("/main/load").sid(&session.sid);
        let late = Overlap::one(call(), edit.clone(), json!([])).await;
        let reply = call().script(edit.clone()).send().await.ok();
        late.finish().await.problem(409, "superseded");
        let data = server.data(&session.with_sid(reply.sid())).await;
        let items = usize::from(edit[1].is_array());
        assert_eq!(
            data["items"].as_array().unwrap().len(),
            items,
            "the rejected rotation was written"
        );
    }
}

/// Operations of requests that loaded the session before a login or reset.
fn attempts() -> [Value; 7] {
    [
        json!([["push", "/items", "x"]]),
        json!([["update", ["push", "/items", "x"]]]),
        json!([["rotate"]]),
        json!([["login", "eve"]]),
        json!([["reset"]]),
        json!([["set_lifetime", 9000, 9000]]),
        json!([["reload"]]),
    ]
}

async fn row_64a_loaded_before_a_login_or_reset(env: Env) {
    let server = env.start().await;
    for takes_over in [json!(["login", "ada"]), json!(["reset"])] {
        let session = server
            .open_with("main", json!([["set", "/note", "secret"]]))
            .await;
        let call = || server.post("/main/load").sid(&session.sid);
        let late = Overlap::of(attempts().map(|attempt| (call(), json!([]), attempt))).await;
        let script = json!([takes_over, ["push", "/items", "mine"]]);
        let new = server.run(&session, script).send().await.ok();
        let new = session.with_sid(new.sid());
        let before = server.load(&new).send().await.ok();
        for (reply, attempt) in late.go().await.into_iter().zip(attempts()) {
            // The secret is outdated, or the session belongs to another subject.
            assert_eq!(reply.status, 409, "{attempt} after {takes_over}: {reply:?}");
            let kind = reply.json()["type"].as_str().unwrap().to_owned();
            assert!(
                kind.ends_with("#session-ended") || kind.ends_with("#superseded"),
                "{kind}"
            );
            reply.without_sid();
        }
        let after = server.load(&new).send().await.ok();
        assert_eq!(after.json(), before.json(), "after {takes_over}");
        assert!(!server.is_alive(&session).await);
    }
}

async fn row_64a_a_save_from_before_a_login(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let call = || server.post("/main/load").sid(&session.sid);
    let save = Overlap::one(call(), json!([["push", "/items", "x"]]), json!([["save"]])).await;
    let destroy = Overlap::one(call(), json!([]), json!([["try", ["destroy"]]])).await;
    let new = server
        .run(&session, json!([["login", "ada"]]))
        .send()
        .await
        .ok();
    save.finish().await.problem(409, "session-ended");
    assert_eq!(
        server.data(&session.with_sid(new.sid())).await["items"],
        json!([])
    );
    // Destroying is always allowed: a holder of the old sid can only log the user out.
    destroy.finish().await.ok().without_sid();
}

async fn row_64b_two_parallel_logins(env: Env) {
    let server = env.start().await;
    for _ in 0..20 {
        let session = server.open("main").await;
        let call = || server.post("/main/load").sid(&session.sid);
        let names = ["ada", "bob"];
        let login = |name: &str| json!([["login", name], ["push", "/items", name]]);
        let calls = names.map(|name| (call(), json!([]), login(name)));
        let replies = Overlap::of(calls).await.go().await;
        let mut successful = Vec::new();
        for (reply, name) in replies.into_iter().zip(names) {
            if reply.status == 200 {
                successful.push((session.with_sid(reply.sid()), name));
            } else {
                reply.with(409).without_sid();
            }
        }
        let [(new, name)] = &successful[..] else {
            panic!("{} logins succeeded", successful.len())
        };
        let found = server.load(new).send().await.ok();
        assert_eq!(
            (&found.json()["subject"], &found.data()["items"]),
            (&json!(name), &json!([name]))
        );
    }
}

/// Ends a session while four writing requests of it are in flight, and returns their responses.
async fn end_during_writes<End: Future<Output = ()>>(
    server: &Server,
    config: &'static str,
    end: impl Fn(Server, ClientSession) -> End,
) -> Vec<(u16, Vec<String>, String)> {
    let session = server.open(config).await;
    let call = || server.post(format!("/{config}/load")).sid(&session.sid);
    let writes = [
        json!([["push", "/items", "x"], ["status", 201]]),
        json!([["rotate"], ["status", 201]]),
        json!([["login", "ada"], ["status", 201]]),
        json!([["set_lifetime", 60, 60], ["status", 201]]),
    ];
    let late = Overlap::of(writes.map(|write| (call(), json!([]), write))).await;
    end(server.clone(), session.clone()).await;
    let replies = late.go().await.into_iter();
    let fragment = |text: &str| text.rsplit('#').next().unwrap().to_owned();
    let replies = replies.map(|reply| {
        let problem = fragment(reply.json()["type"].as_str().unwrap_or_default());
        (reply.status.as_u16(), reply.sids(), problem)
    });
    let replies = replies.collect();
    assert!(!server.is_alive(&session).await);
    assert_eq!(session.events("ended"), 4);
    replies
}

async fn destroyed(server: Server, session: ClientSession) {
    server.run(&session, json!([["destroy"]])).send().await.ok();
}

async fn expired(server: Server, session: ClientSession) {
    if server.stores.has_movable_clock() {
        server.advance(Duration::from_secs(30 * 60));
        return;
    }
    let brief = json!([["set_lifetime", 1, 1]]);
    server.run(&session, brief).send().await.ok();
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn cleared(server: Server, _: ClientSession) {
    server.stores.encoded.clear();
}

const REFUSED: (u16, Vec<String>, &str) = (409, Vec::new(), "session-ended");

fn assert_refused(replies: Vec<(u16, Vec<String>, String)>) {
    for (status, sids, problem) in replies {
        assert_eq!((status, sids, problem.as_str()), REFUSED);
    }
}

async fn row_64d_ended_during_a_writing_request(env: Env) {
    let server = env.start().await;
    assert_refused(end_during_writes(&server, "main", destroyed).await);
    assert_refused(end_during_writes(&server, "main", expired).await);
}

async fn row_64d_store_cleared_during_a_writing_request(env: Env) {
    let server = env.start().await;
    assert_refused(end_during_writes(&server, "main", cleared).await);
    assert!(server.stores.encoded.fields("").is_empty());
}

async fn row_64d_on_ended_ignore(env: Env) {
    let server = env.start().await;
    let mut all = end_during_writes(&server, "lenient", destroyed).await;
    all.extend(end_during_writes(&server, "lenient", expired).await);
    for (status, sids, problem) in all {
        assert_eq!((status, sids, problem.as_str()), (201, Vec::new(), ""));
    }
}

async fn row_64d_ended_during_a_read_only_request(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let call = || server.post("/main/load").sid(&session.sid);
    let late = Overlap::one(call(), json!([]), json!([["status", 201]])).await;
    server.run(&session, json!([["destroy"]])).send().await.ok();
    late.finish().await.with(201).without_sid();
    assert_eq!(session.events("ended"), 0);
}
