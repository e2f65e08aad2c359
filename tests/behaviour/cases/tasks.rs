//! Sessions that are moved into a task.

use std::time::Duration;

use connect_session::testing::CommitFault;
use serde_json::{Value, json};

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::script::report;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_48_saved_before_the_response
        row_48_saved_after_the_response
        row_48_a_new_session_saved_after_the_response
        row_48_a_new_session_saved_before_the_response
        row_48_dropped_unsaved
        row_48_the_secret_cannot_change_after_the_response
        row_48_update_and_destroy_in_a_task
        row_48_a_change_back_to_the_initial_value_is_saved
        row_48_a_reset_of_a_failed_request_is_discarded
        row_48_a_login_of_a_failed_commit_is_discarded
        row_48_a_lifetime_set_while_another_is_stored
        row_48_a_new_session_reports_its_lifetime;
    memory:;
    encoded:;
    servers:
        row_48_saved_before_the_response
        row_48_saved_after_the_response
        row_48_a_new_session_saved_after_the_response
        row_48_a_new_session_saved_before_the_response
        row_48_dropped_unsaved
        row_48_the_secret_cannot_change_after_the_response
        row_48_update_and_destroy_in_a_task
        row_48_a_change_back_to_the_initial_value_is_saved
        row_48_a_reset_of_a_failed_request_is_discarded
        row_48_a_login_of_a_failed_commit_is_discarded
        row_48_a_lifetime_set_while_another_is_stored;
}

/// Sends a request that moves its session into a task. Returns the signal that the task waits for and
/// the signal of its report.
async fn spawn_in_task(
    server: &Server,
    session: &ClientSession,
    script: Value,
) -> (Signal, Signal) {
    let (go, done) = (Signal::new(), Signal::new());
    let script = after(&go, &script);
    server
        .run(session, json!([["spawn", done, script]]))
        .send()
        .await
        .ok()
        .without_sid();
    (go, done)
}

fn after(go: &Signal, script: &Value) -> Value {
    let mut all = vec![json!(["await", go])];
    all.extend(script.as_array().unwrap().iter().cloned());
    json!(all)
}

const SAVE: fn() -> Value = || json!([["push", "/items", "late"], ["save"]]);

async fn row_48_saved_before_the_response(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (saved, done) = (Signal::new(), Signal::new());
    let task = json!([["push", "/items", "late"], ["save"], ["signal", saved]]);
    let script = json!([["spawn", done, task], ["await", saved]]);
    server.run(&session, script).send().await.ok().without_sid();
    assert_eq!(report(&done).await, json!({ "results": [] }));
    assert_eq!(server.data(&session).await["items"], json!(["late"]));
    assert_eq!(session.events("dropped_unsaved"), 0);
}

async fn row_48_saved_after_the_response(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (go, done) = spawn_in_task(&server, &session, SAVE()).await;
    assert_eq!(server.data(&session).await["items"], json!([]));
    // Concurrent changes of another request are merged.
    server
        .run(&session, json!([["push", "/items", "early"]]))
        .send()
        .await
        .ok();
    go.send(1);
    assert_eq!(report(&done).await, json!({ "results": [] }));
    assert_eq!(
        server.data(&session).await["items"],
        json!(["early", "late"])
    );

    let (go, done) = spawn_in_task(&server, &session, SAVE()).await;
    server.run(&session, json!([["destroy"]])).send().await.ok();
    go.send(1);
    assert_eq!(report(&done).await["error"], "Ended");
    assert!(!server.is_alive(&session).await);
}

async fn row_48_a_new_session_saved_after_the_response(env: Env) {
    let server = env.start().await;
    let (go, done) = (Signal::new(), Signal::new());
    let script = json!([
        ["push", "/items", "early"],
        ["spawn", done, after(&go, &SAVE())]
    ]);
    let reply = server.post("/main/create").script(script).send().await.ok();
    // The sid is valid although the task has not saved yet.
    let load = || server.get("/main/load").sid(reply.sid());
    load().send().await.ok();
    go.send(1);
    assert_eq!(report(&done).await, json!({ "results": [] }));
    assert_eq!(
        load().send().await.ok().data()["items"],
        json!(["early", "late"])
    );
    assert_eq!(server.stores.faults().inserts(), 1);
}

async fn row_48_a_new_session_saved_before_the_response(env: Env) {
    let server = env.start().await;
    let (saved, done) = (Signal::new(), Signal::new());
    let task = json!([["push", "/items", "late"], ["save"], ["signal", saved]]);
    let script = json!([["login", "ada"], ["spawn", done, task], ["await", saved]]);
    let reply = server.post("/main/create").script(script).send().await.ok();
    assert_eq!(report(&done).await, json!({ "results": [] }));
    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    assert_eq!(found.data()["items"], json!(["late"]));
    assert_eq!(found.json()["subject"], "ada");
    assert_eq!(server.stores.faults().inserts(), 1);
}

async fn row_48_dropped_unsaved(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (go, done) = spawn_in_task(&server, &session, json!([])).await;
    go.send(1);
    report(&done).await;
    assert_eq!(
        session.events("dropped_unsaved"),
        0,
        "an unchanged session was reported as unsaved"
    );
    let (go, done) = spawn_in_task(&server, &session, json!([["push", "/items", "late"]])).await;
    go.send(1);
    report(&done).await;
    assert_eq!(session.events("dropped_unsaved"), 1);
    assert_eq!(server.data(&session).await["items"], json!([]));
}

async fn row_48_the_secret_cannot_change_after_the_response(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let late = json!([
        ["try", ["rotate"]],
        ["try", ["reset"]],
        ["try", ["login", "eve"]],
        ["push", "/items", "late"],
        ["save"],
    ]);
    let (go, done) = spawn_in_task(&server, &session, late).await;
    go.send(1);
    let task_report = report(&done).await;
    assert_eq!(
        task_report,
        json!({ "results": ["TooLate", "TooLate", "TooLate"] })
    );
    let reply = server.load(&session).send().await.ok();
    assert_eq!(reply.data()["items"], json!(["late"]));
    assert_eq!(reply.json()["subject"], json!(null));

    let (waits, go, done) = (Signal::new(), Signal::new(), Signal::new());
    let create = json!([[
        "spawn",
        done,
        [
            ["signal", waits],
            ["await", go],
            ["try", ["rotate"]],
            ["save"]
        ]
    ]]);
    let reply = server.post("/main/create").script(create).send().await.ok();
    waits.wait().await;
    go.send(1);
    assert_eq!(report(&done).await, json!({ "results": ["TooLate"] }));
    server.get("/main/load").sid(reply.sid()).send().await.ok();
}

async fn row_48_update_and_destroy_in_a_task(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (go, done) = spawn_in_task(
        &server,
        &session,
        json!([["update", ["add", "/visits", 1]]]),
    )
    .await;
    go.send(1);
    assert_eq!(report(&done).await["results"][0]["visits"], 1);
    assert_eq!(server.data(&session).await["visits"], 1);
    assert_eq!(
        session.events("dropped_unsaved"),
        0,
        "a stored update was reported as unsaved"
    );
    let (go, done) = spawn_in_task(
        &server,
        &session,
        json!([["push", "/items", "x"], ["destroy"]]),
    )
    .await;
    assert!(server.is_alive(&session).await);
    go.send(1);
    assert_eq!(report(&done).await, json!({ "results": [] }));
    assert!(!server.is_alive(&session).await);
}

/// Changes are compared with the data of the last `reload` or `update`, not with the initial data.
async fn row_48_a_change_back_to_the_initial_value_is_saved(env: Env) {
    for read in [json!(["reload"]), json!(["update", ["set", "/visits", 5]])] {
        let server = env.start().await;
        let (go, done) = (Signal::new(), Signal::new());
        let task = json!([read, ["set", "/visits", 0], ["save"]]);
        let script = json!([["spawn", done, after(&go, &task)]]);
        let reply = server.post("/main/create").script(script).send().await.ok();
        let load = || server.get("/main/load").sid(reply.sid());
        let visits = json!([["set", "/visits", 5]]);
        load().script(visits).send().await.ok();
        go.send(1);
        assert_eq!(report(&done).await["error"], Value::Null);
        assert_eq!(load().send().await.ok().data()["visits"], 0, "{read}");
    }
}

/// The task changes the stored data, not the data after the reset.
async fn row_48_a_reset_of_a_failed_request_is_discarded(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let stored = json!([["push", "/items", "tea"], ["set", "/visits", 10]]);
    server.run(&session, stored).send().await.ok();
    let (go, done) = (Signal::new(), Signal::new());
    let task = json!([["update", ["add", "/visits", 1]]]);
    let script = json!([["reset"], ["spawn", done, after(&go, &task)], ["fail", 400]]);
    server.run(&session, script).send().await.with(400);
    go.send(1);
    assert_eq!(report(&done).await["results"][0]["visits"], 11);
    let data = server.data(&session).await;
    assert_eq!(
        (&data["items"], &data["visits"]),
        (&json!(["tea"]), &json!(11))
    );

    // The same with `save`, after a failed handler and after a failed commit.
    let task = json!([["push", "/items", "late"], ["save"]]);
    for fails in [true, false] {
        let (go, done) = (Signal::new(), Signal::new());
        let mut script = vec![json!(["reset"]), json!(["spawn", done, after(&go, &task)])];
        let faults = server.stores.faults();
        if fails {
            script.push(json!(["fail", 503]));
        } else {
            faults.fail_commits(CommitFault::Refused);
        }
        let request = server.run(&session, json!(script));
        request.send().await.with(503);
        faults.clear();
        go.send(1);
        assert_eq!(report(&done).await, json!({ "results": [] }));
    }
    let data = server.data(&session).await;
    assert_eq!(
        (&data["items"], &data["visits"]),
        (&json!(["tea", "late", "late"]), &json!(11))
    );
}

/// The client received an error and keeps its sid.
async fn row_48_a_login_of_a_failed_commit_is_discarded(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (go, done) = (Signal::new(), Signal::new());
    let script = json!([["login", "ada"], ["spawn", done, after(&go, &SAVE())]]);
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::Refused);
    server
        .run(&session, script)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    go.send(1);
    assert_eq!(report(&done).await, json!({ "results": [] }));
    let found = server.load(&session).send().await.ok();
    assert_eq!(found.data()["items"], json!(["late"]));
    assert_eq!(found.json()["subject"], Value::Null);
}

async fn row_48_a_lifetime_set_while_another_is_stored(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (go, set, save, done) = (Signal::new(), Signal::new(), Signal::new(), Signal::new());
    let task = json!([
        ["set_lifetime", 7200, 7200],
        ["signal", set],
        ["await", save],
        ["save"]
    ]);
    let script = json!([
        ["set_lifetime", 3600, 3600],
        ["spawn", done, after(&go, &task)]
    ]);
    let pause = server.stores.faults().pause_before_commit();
    let request = tokio::spawn(server.run(&session, script).send());
    pause.reached().await;
    go.send(1);
    set.wait().await;
    pause.release();
    request.await.unwrap().ok();
    save.send(1);
    assert_eq!(report(&done).await, json!({ "results": [] }));
    let found = server.load(&session).send().await.ok().json();
    let life = found["expires"].as_u64().unwrap() - found["created"].as_u64().unwrap();
    assert!(life >= 7_200_000, "{life} ms");
}

/// Before the session is stored, afterwards, and after a later change.
async fn row_48_a_new_session_reports_its_lifetime(env: Env) {
    const MINUTE: Duration = Duration::from_secs(60);
    let server = env.start().await;
    let (reported, later, go, done) = (Signal::new(), Signal::new(), Signal::new(), Signal::new());
    let task = json!([["life"], ["update", ["add", "/visits", 1]], ["life"]]);
    let script = json!([
        ["life"],
        ["signal", reported],
        ["await", later],
        ["life"],
        ["spawn", done, after(&go, &task)]
    ]);
    let (reply, ()) = tokio::join!(server.post("/main/create").script(script).send(), async {
        reported.wait().await;
        server.advance(MINUTE);
        later.send(1);
    });
    let reply = reply.ok();
    let results = &reply.json()["results"];
    let reported = lifetime(&results[0]);
    assert_eq!(
        lifetime(&results[1]),
        reported,
        "the second call returns other times"
    );
    assert_eq!(reported[1] - reported[0], millis(30 * MINUTE));

    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    let stored =
        [&found.json()["created"], &found.json()["expires"]].map(|at| at.as_u64().unwrap());
    assert_eq!(
        stored,
        reported.map(|at| at + millis(MINUTE)),
        "the lifetime does not begin when the session is stored"
    );

    server.advance(5 * MINUTE);
    go.send(1);
    let results = &report(&done).await["results"];
    assert_eq!(lifetime(&results[0]), stored);
    let touched = [stored[0], stored[1] + millis(5 * MINUTE)];
    assert_eq!(lifetime(&results[2]), touched);
}

fn lifetime(result: &Value) -> [u64; 2] {
    [0, 1].map(|at| result[at].as_u64().unwrap())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}
