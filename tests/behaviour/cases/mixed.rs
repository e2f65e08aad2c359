//! Combinations of `update`, pending changes and new secrets, in one request and in several.

use connect_session::SessionConfig as _;
use serde_json::json;

use crate::configs::Main;
use crate::server::Env;
use crate::support::cases::cases;
use crate::support::overlap::Overlap;

cases! {
    every_store:
        row_46_update_is_not_rolled_back
        row_62_update_sees_only_committed_data
        row_62_update_of_a_new_session
        row_62_update_and_a_pending_change_of_the_same_field
        row_62_update_after_a_write_of_another
        row_62_appends_do_not_conflict
        row_64_a_write_before_a_rotation_or_login_is_kept
        row_64_reset_discards_concurrent_writes;
    memory:;
    encoded:;
    servers:
        row_46_update_is_not_rolled_back
        row_62_update_sees_only_committed_data
        row_62_update_of_a_new_session
        row_62_update_and_a_pending_change_of_the_same_field
        row_62_update_after_a_write_of_another
        row_62_appends_do_not_conflict
        row_64_a_write_before_a_rotation_or_login_is_kept
        row_64_reset_discards_concurrent_writes;
}

async fn row_46_update_is_not_rolled_back(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for end in [json!(["fail", 400]), json!(["panic"])] {
        let script = json!([
            ["push", "/items", "lost"],
            ["update", ["add", "/visits", 1]],
            end
        ]);
        if let Ok(reply) = server.run(&session, script).try_send().await {
            let panicked = env.framework.responds_to_panics() && end[0] == "panic";
            reply.with(if panicked { 500 } else { 400 });
        }
    }
    let data = server.data(&session).await;
    assert_eq!((&data["visits"], &data["items"]), (&json!(2), &json!([])));
}

async fn row_62_update_sees_only_committed_data(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let script = json!([
        ["set", "/note", "pending"],
        ["push", "/items", "pending"],
        [
            "update",
            ["add", "/visits", 1],
            ["push", "/items", "updated"]
        ],
        ["push", "/items", "after"],
    ]);
    let reply = server.run(&session, script).send().await.ok();
    let seen = reply.results()[0].clone();
    assert_eq!(
        (&seen["note"], &seen["items"]),
        (&json!(""), &json!(["updated"]))
    );
    let shown = reply.data();
    assert_eq!(
        (&shown["note"], &shown["visits"]),
        (&json!("pending"), &json!(1))
    );
    let data = server.data(&session).await;
    assert_eq!(data, shown, "the response differs from the stored data");
    assert_eq!(data["items"], json!(["updated", "pending", "after"]));
}

async fn row_62_update_of_a_new_session(env: Env) {
    let server = env.start().await;
    let script = json!([["push", "/items", "x"], ["update", ["add", "/visits", 1]]]);
    let reply = server.post("/main/create").script(script).send().await.ok();
    assert_eq!(
        reply.results()[0]["items"],
        json!(["x"]),
        "`update` of an unsaved session works on the pending data"
    );
    let found = server
        .get("/main/load")
        .sid(reply.sid())
        .send()
        .await
        .ok()
        .data();
    assert_eq!(
        (&found["visits"], &found["items"]),
        (&json!(1), &json!(["x"]))
    );
    let faults = server.stores.faults();
    assert_eq!((faults.inserts(), faults.commits()), (1, 0));
    let failed = json!([["update", ["add", "/visits", 1]], ["fail", 400]]);
    server
        .post("/main/create")
        .script(failed)
        .send()
        .await
        .with(400)
        .without_sid();
    assert_eq!(server.stores.count(Main::OPTIONS.namespace).await, 1);
}

async fn row_62_update_and_a_pending_change_of_the_same_field(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let script = json!([
        ["add", "/visits", 1],
        ["update", ["add", "/visits", 1]],
        ["add", "/visits", 1]
    ]);
    server.run(&session, script).send().await.ok();
    assert_eq!(server.data(&session).await["visits"], 3);
    // Without a rule, the pending change wins or is rejected.
    let script = json!([
        ["set", "/note", "pending"],
        ["update", ["set", "/note", "updated"]]
    ]);
    server.run(&session, script.clone()).send().await.ok();
    assert_eq!(server.data(&session).await["note"], "pending");
    assert_eq!(session.events("overwritten"), 1);
    let session = server.open("rejecting").await;
    server
        .run(&session, script)
        .send()
        .await
        .problem(409, "conflict");
    assert_eq!(
        server.data(&session).await["note"],
        "",
        "a rejected request was committed partially"
    );
}

async fn row_62_update_after_a_write_of_another(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let call = || server.post("/main/load").sid(&session.sid);
    let pending = json!([["push", "/items", "pending"]]);
    let update = json!([[
        "update",
        ["push", "/items", "updated"],
        ["add", "/visits", 1]
    ]]);
    let late = Overlap::one(call(), pending, update).await;
    call()
        .script(json!([["push", "/items", "theirs"], ["add", "/visits", 1]]))
        .send()
        .await
        .ok();
    let reply = late.finish().await.ok();
    let seen = reply.results()[0].clone();
    assert_eq!(
        (&seen["items"], &seen["visits"]),
        (&json!(["theirs", "updated"]), &json!(2))
    );
    assert_eq!(
        server.data(&session).await["items"],
        json!(["theirs", "updated", "pending"])
    );
}

async fn row_62_appends_do_not_conflict(env: Env) {
    let server = env.start().await;
    let session = server.open("rejecting").await;
    let call = || server.post("/rejecting/load").sid(&session.sid);
    let push = |item| (call(), json!([["push", "/items", item]]), json!([]));
    for reply in Overlap::of(["a", "b"].map(push)).await.go().await {
        reply.ok();
    }
    assert_eq!(
        server.data(&session).await["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

async fn row_64_a_write_before_a_rotation_or_login_is_kept(env: Env) {
    let server = env.start().await;
    for secret in [json!(["rotate"]), json!(["login", "ada"])] {
        let session = server.open("main").await;
        let call = || server.post("/main/load").sid(&session.sid);
        let late = Overlap::one(call(), json!([["push", "/items", "late"]]), json!([secret])).await;
        call()
            .script(json!([
                ["push", "/items", "early"],
                ["set_lifetime", 60, 60]
            ]))
            .send()
            .await
            .ok();
        let reply = late.finish().await.ok();
        let found = server.data(&session.with_sid(reply.sid())).await;
        assert_eq!(found["items"], json!(["early", "late"]), "{secret}");
        assert!(!server.is_alive(&session).await);
    }
}

async fn row_64_reset_discards_concurrent_writes(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let call = || server.post("/main/load").sid(&session.sid);
    let reset = json!([["reset"], ["set", "/note", "new"]]);
    let late = Overlap::one(call(), json!([["push", "/items", "late"]]), reset).await;
    call()
        .script(json!([["push", "/items", "early"]]))
        .send()
        .await
        .ok();
    let reply = late.finish().await.ok();
    let found = server.data(&session.with_sid(reply.sid())).await;
    assert_eq!(
        (&found["items"], &found["note"]),
        (&json!([]), &json!("new"))
    );
}
