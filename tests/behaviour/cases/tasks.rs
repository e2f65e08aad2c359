//! A session that a task takes along.

use std::time::Duration;

use connect_session::testing::CommitFault;
use serde_json::{Value, json};

use crate::server::{ClientSession, Env, Server};
use crate::support::barriers::Gate;
use crate::support::cases::cases;
use crate::support::script::report;

cases! {
    everywhere:
        row_48_saved_before_the_response
        row_48_saved_after_the_response
        row_48_a_new_session_saved_after_the_response
        row_48_a_new_session_saved_before_the_response
        row_48_dropped_unsaved
        row_48_the_secret_is_settled_with_the_response
        row_48_update_and_destroy_in_a_task
        row_48_a_new_session_is_changed_back_to_what_it_began_with
        row_48_a_reset_that_was_given_up
        row_48_a_login_that_was_not_stored
        row_48_a_lifetime_set_while_another_is_stored
        row_48_a_new_session_tells_how_long_it_lives;
    memory:;
    encoded:;
    servers:
        row_48_saved_before_the_response
        row_48_saved_after_the_response
        row_48_a_new_session_saved_after_the_response
        row_48_a_new_session_saved_before_the_response
        row_48_dropped_unsaved
        row_48_the_secret_is_settled_with_the_response
        row_48_update_and_destroy_in_a_task
        row_48_a_new_session_is_changed_back_to_what_it_began_with
        row_48_a_reset_that_was_given_up
        row_48_a_login_that_was_not_stored
        row_48_a_lifetime_set_while_another_is_stored;
}

/// Sends a request whose session goes into a task; the task waits for the gate that is returned.
async fn leave_behind(server: &Server, held: &ClientSession, script: Value) -> (Gate, Gate) {
    let (go, done) = (Gate::new(), Gate::new());
    let script = after(&go, &script);
    server
        .run(held, json!([["spawn", done, script]]))
        .send()
        .await
        .ok()
        .without_sid();
    (go, done)
}

fn after(go: &Gate, script: &Value) -> Value {
    let mut all = vec![json!(["await", go])];
    all.extend(script.as_array().unwrap().iter().cloned());
    json!(all)
}

const SAVE: fn() -> Value = || json!([["push", "/items", "late"], ["save"]]);

async fn row_48_saved_before_the_response(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let (saved, done) = (Gate::new(), Gate::new());
    let task = json!([["push", "/items", "late"], ["save"], ["signal", saved]]);
    let script = json!([["spawn", done, task], ["await", saved]]);
    server.run(&held, script).send().await.ok().without_sid();
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    assert_eq!(server.data(&held).await["items"], json!(["late"]));
    assert_eq!(held.events("dropped_unsaved"), 0);
}

async fn row_48_saved_after_the_response(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let (go, done) = leave_behind(&server, &held, SAVE()).await;
    assert_eq!(server.data(&held).await["items"], json!([]));
    // What another request does meanwhile is merged with it.
    server
        .run(&held, json!([["push", "/items", "early"]]))
        .send()
        .await
        .ok();
    go.open(1);
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    assert_eq!(server.data(&held).await["items"], json!(["early", "late"]));

    let (go, done) = leave_behind(&server, &held, SAVE()).await;
    server.run(&held, json!([["destroy"]])).send().await.ok();
    go.open(1);
    assert_eq!(report(&done).await["error"], "Ended");
    assert!(!server.is_alive(&held).await);
}

async fn row_48_a_new_session_saved_after_the_response(env: Env) {
    let server = env.start().await;
    let (go, done) = (Gate::new(), Gate::new());
    let script = json!([
        ["push", "/items", "early"],
        ["spawn", done, after(&go, &SAVE())]
    ]);
    let reply = server.post("/main/create").script(script).send().await.ok();
    // The client holds a sid that the store knows, although the task has not saved yet.
    let load = || server.get("/main/load").sid(reply.sid());
    load().send().await.ok();
    go.open(1);
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    assert_eq!(
        load().send().await.ok().data()["items"],
        json!(["early", "late"])
    );
    assert_eq!(server.stores.faults().inserts(), 1);
}

async fn row_48_a_new_session_saved_before_the_response(env: Env) {
    let server = env.start().await;
    let (saved, done) = (Gate::new(), Gate::new());
    let task = json!([["push", "/items", "late"], ["save"], ["signal", saved]]);
    let script = json!([["login", "ada"], ["spawn", done, task], ["await", saved]]);
    let reply = server.post("/main/create").script(script).send().await.ok();
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    assert_eq!(found.data()["items"], json!(["late"]));
    assert_eq!(found.json()["subject"], "ada");
    assert_eq!(server.stores.faults().inserts(), 1);
}

async fn row_48_dropped_unsaved(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let (go, done) = leave_behind(&server, &held, json!([])).await;
    go.open(1);
    report(&done).await;
    assert_eq!(held.events("dropped_unsaved"), 0, "nothing was changed");
    let (go, done) = leave_behind(&server, &held, json!([["push", "/items", "late"]])).await;
    go.open(1);
    report(&done).await;
    assert_eq!(held.events("dropped_unsaved"), 1);
    assert_eq!(server.data(&held).await["items"], json!([]));
}

async fn row_48_the_secret_is_settled_with_the_response(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let late = json!([
        ["try", ["rotate"]],
        ["try", ["reset"]],
        ["try", ["login", "eve"]],
        ["push", "/items", "late"],
        ["save"],
    ]);
    let (go, done) = leave_behind(&server, &held, late).await;
    go.open(1);
    let said = report(&done).await;
    assert_eq!(
        said,
        json!({ "answers": ["TooLate", "TooLate", "TooLate"] })
    );
    let reply = server.load(&held).send().await.ok();
    assert_eq!(reply.data()["items"], json!(["late"]));
    assert_eq!(reply.json()["subject"], json!(null));

    let (waits, go, done) = (Gate::new(), Gate::new(), Gate::new());
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
    waits.pass().await;
    go.open(1);
    assert_eq!(report(&done).await, json!({ "answers": ["TooLate"] }));
    server.get("/main/load").sid(reply.sid()).send().await.ok();
}

async fn row_48_update_and_destroy_in_a_task(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let (go, done) = leave_behind(&server, &held, json!([["update", ["add", "/visits", 1]]])).await;
    go.open(1);
    assert_eq!(report(&done).await["answers"][0]["visits"], 1);
    assert_eq!(server.data(&held).await["visits"], 1);
    assert_eq!(held.events("dropped_unsaved"), 0, "it is stored");
    let (go, done) = leave_behind(
        &server,
        &held,
        json!([["push", "/items", "x"], ["destroy"]]),
    )
    .await;
    assert!(server.is_alive(&held).await);
    go.open(1);
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    assert!(!server.is_alive(&held).await);
}

/// What it is read as meanwhile is what its changes are compared with, not what it began with.
async fn row_48_a_new_session_is_changed_back_to_what_it_began_with(env: Env) {
    for read in [json!(["reload"]), json!(["update", ["set", "/visits", 5]])] {
        let server = env.start().await;
        let (go, done) = (Gate::new(), Gate::new());
        let task = json!([read, ["set", "/visits", 0], ["save"]]);
        let script = json!([["spawn", done, after(&go, &task)]]);
        let reply = server.post("/main/create").script(script).send().await.ok();
        let load = || server.get("/main/load").sid(reply.sid());
        let visits = json!([["set", "/visits", 5]]);
        load().script(visits).send().await.ok();
        go.open(1);
        assert_eq!(report(&done).await["error"], Value::Null);
        assert_eq!(load().send().await.ok().data()["visits"], 0, "{read}");
    }
}

/// The task changes what is stored, not what a reset would have made of it.
async fn row_48_a_reset_that_was_given_up(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let stored = json!([["push", "/items", "tea"], ["set", "/visits", 10]]);
    server.run(&held, stored).send().await.ok();
    let (go, done) = (Gate::new(), Gate::new());
    let task = json!([["update", ["add", "/visits", 1]]]);
    let script = json!([["reset"], ["spawn", done, after(&go, &task)], ["fail", 400]]);
    server.run(&held, script).send().await.with(400);
    go.open(1);
    assert_eq!(report(&done).await["answers"][0]["visits"], 11);
    let data = server.data(&held).await;
    assert_eq!(
        (&data["items"], &data["visits"]),
        (&json!(["tea"]), &json!(11))
    );

    // Nor what it saves: by a handler that failed, and by a commit that did.
    let task = json!([["push", "/items", "late"], ["save"]]);
    for fails in [true, false] {
        let (go, done) = (Gate::new(), Gate::new());
        let mut script = vec![json!(["reset"]), json!(["spawn", done, after(&go, &task)])];
        let faults = server.stores.faults();
        if fails {
            script.push(json!(["fail", 503]));
        } else {
            faults.fail_commits(CommitFault::Refused);
        }
        let request = server.run(&held, json!(script));
        request.send().await.with(503);
        faults.clear();
        go.open(1);
        assert_eq!(report(&done).await, json!({ "answers": [] }));
    }
    let data = server.data(&held).await;
    assert_eq!(
        (&data["items"], &data["visits"]),
        (&json!(["tea", "late", "late"]), &json!(11))
    );
}

/// The client was told that it failed, and keeps the sid that it has.
async fn row_48_a_login_that_was_not_stored(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let (go, done) = (Gate::new(), Gate::new());
    let script = json!([["login", "ada"], ["spawn", done, after(&go, &SAVE())]]);
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::Refused);
    server
        .run(&held, script)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    go.open(1);
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    let found = server.load(&held).send().await.ok();
    assert_eq!(found.data()["items"], json!(["late"]));
    assert_eq!(found.json()["subject"], Value::Null);
}

async fn row_48_a_lifetime_set_while_another_is_stored(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let (go, set, save, done) = (Gate::new(), Gate::new(), Gate::new(), Gate::new());
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
    let request = tokio::spawn(server.run(&held, script).send());
    pause.reached().await;
    go.open(1);
    set.pass().await;
    pause.release();
    request.await.unwrap().ok();
    save.open(1);
    assert_eq!(report(&done).await, json!({ "answers": [] }));
    let found = server.load(&held).send().await.ok().json();
    let life = found["expires"].as_u64().unwrap() - found["created"].as_u64().unwrap();
    assert!(life >= 7_200_000, "{life} ms");
}

/// Before it is stored, after that, and when it was changed since.
async fn row_48_a_new_session_tells_how_long_it_lives(env: Env) {
    const MINUTE: Duration = Duration::from_secs(60);
    let server = env.start().await;
    let (told, later, go, done) = (Gate::new(), Gate::new(), Gate::new(), Gate::new());
    let task = json!([["life"], ["update", ["add", "/visits", 1]], ["life"]]);
    let script = json!([
        ["life"],
        ["signal", told],
        ["await", later],
        ["life"],
        ["spawn", done, after(&go, &task)]
    ]);
    let (reply, ()) = tokio::join!(server.post("/main/create").script(script).send(), async {
        told.pass().await;
        server.advance(MINUTE);
        later.open(1);
    });
    let reply = reply.ok();
    let answers = &reply.json()["answers"];
    let told = lives(&answers[0]);
    assert_eq!(
        lives(&answers[1]),
        told,
        "whoever asks twice is told the same"
    );
    assert_eq!(told[1] - told[0], millis(30 * MINUTE));

    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    let stored =
        [&found.json()["created"], &found.json()["expires"]].map(|at| at.as_u64().unwrap());
    assert_eq!(
        stored,
        told.map(|at| at + millis(MINUTE)),
        "it begins when it is stored"
    );

    server.advance(5 * MINUTE);
    go.open(1);
    let answers = &report(&done).await["answers"];
    assert_eq!(lives(&answers[0]), stored);
    let touched = [stored[0], stored[1] + millis(5 * MINUTE)];
    assert_eq!(lives(&answers[2]), touched);
}

fn lives(answer: &Value) -> [u64; 2] {
    [0, 1].map(|at| answer[at].as_u64().unwrap())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}
