//! Store failures.

use connect_session::testing::CommitFault;
use serde_json::json;

use crate::server::Env;
use crate::support::cases::cases;

cases! {
    every_store:
        row_43_the_store_fails_at_commit
        row_43_the_store_fails_at_insert_and_destroy
        row_44_the_store_fails_at_load
        row_44_on_store_error_anonymous
        row_64c_a_lost_reply
        row_64c_a_change_that_is_sent_twice;
    memory:;
    encoded:;
    servers:
        row_43_the_store_fails_at_commit
        row_43_the_store_fails_at_insert_and_destroy
        row_44_the_store_fails_at_load
        row_44_on_store_error_anonymous
        row_64c_a_lost_reply
        row_64c_a_change_that_is_sent_twice;
}

async fn row_43_the_store_fails_at_commit(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let before = server.data(&session).await;
    let faults = server.stores.faults();
    let scripts = [
        json!([
            ["push", "/items", "x"],
            ["header", "X-Own", "1"],
            ["status", 201]
        ]),
        json!([["rotate"]]),
        json!([["login", "ada"]]),
        json!([["set_lifetime", 60, 60]]),
        json!([["update", ["push", "/items", "x"]]]),
    ];
    for script in scripts {
        faults.fail_commits(CommitFault::Refused);
        let reply = server
            .run(&session, script)
            .send()
            .await
            .problem(503, "store-unavailable");
        assert!(
            !reply.headers.contains_key("x-own"),
            "the handler's response was sent"
        );
        faults.clear();
        let after = server.load(&session).send().await.ok();
        assert_eq!(
            (after.data(), &after.json()["subject"]),
            (before.clone(), &json!(null))
        );
    }
    assert_eq!(session.events("store_error"), 5);
    // A read-only request does not commit.
    faults.fail_commits(CommitFault::Refused);
    server.load(&session).send().await.ok();
}

async fn row_43_the_store_fails_at_insert_and_destroy(env: Env) {
    let server = env.start().await;
    let faults = server.stores.faults();
    faults.fail_inserts(true);
    let create = server
        .post("/main/create")
        .script(json!([["sid"], ["status", 201]]));
    create.send().await.problem(503, "store-unavailable");
    server
        .post("/jar/create")
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    let session = server.open("main").await;
    faults.fail_destroys(true);
    server
        .run(&session, json!([["destroy"]]))
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    assert!(server.is_alive(&session).await);
    server.run(&session, json!([["destroy"]])).send().await.ok();
    assert!(!server.is_alive(&session).await);
}

async fn row_44_the_store_fails_at_load(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "kept"]]))
        .await;
    let faults = server.stores.faults();
    let writes = server.stores.writes();
    faults.fail_loads(true);
    let script = json!([["push", "/items", "x"]]);
    for path in ["/main/load", "/main/optional", "/main/create"] {
        let call = server.post(path).sid(&session.sid).script(script.clone());
        call.send().await.problem(503, "store-unavailable");
    }
    // Without a sid, the store is not called.
    server.get("/main/optional").send().await.ok();
    server
        .get("/main/load")
        .send()
        .await
        .problem(401, "missing-session");
    assert_eq!(
        server.stores.writes(),
        writes,
        "the failing store was written to"
    );
    faults.clear();
    assert_eq!(server.data(&session).await["items"], json!(["kept"]));
    assert_eq!(session.events("store_error"), 3);
}

async fn row_44_on_store_error_anonymous(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("anonymous", json!([["push", "/items", "kept"]]))
        .await;
    let faults = server.stores.faults();
    let writes = server.stores.writes();
    faults.fail_loads(true);
    let reply = server
        .get("/anonymous/optional")
        .sid(&session.sid)
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(session.events("store_error"), 1);
    for path in ["/anonymous/load", "/anonymous/create"] {
        let reply = server.post(path).sid(&session.sid).send().await;
        reply.problem(503, "store-unavailable");
    }
    assert_eq!(server.stores.writes(), writes);
    faults.clear();
    let reply = server
        .get("/anonymous/optional")
        .sid(&session.sid)
        .send()
        .await
        .ok();
    assert_eq!(reply.data()["items"], json!(["kept"]));
}

async fn row_64c_a_lost_reply(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let faults = server.stores.faults();
    let cases = [
        (
            CommitFault::ReplyLost,
            json!([["push", "/items", "x"], ["add", "/visits", 1]]),
            1,
        ),
        (
            CommitFault::RequestLost,
            json!([["push", "/items", "x"], ["add", "/visits", 1]]),
            1,
        ),
        (
            CommitFault::ReplyLost,
            json!([["update", ["push", "/items", "x"], ["add", "/visits", 1]]]),
            2,
        ),
    ];
    for (fault, script, expected) in cases {
        faults.reset_counts();
        faults.fail_commits(fault);
        server
            .run(&session, script.clone())
            .send()
            .await
            .problem(503, "outcome-unknown");
        assert_eq!(faults.commits(), 1, "the commit was sent again");
        faults.clear();
        let data = server.data(&session).await;
        assert_eq!(data["visits"], expected, "{fault:?}");
        assert_eq!(
            data["items"].as_array().unwrap().len(),
            expected,
            "{fault:?}"
        );
    }
    faults.fail_commits(CommitFault::ReplyLost);
    server
        .run(&session, json!([["rotate"]]))
        .send()
        .await
        .problem(503, "outcome-unknown");
    faults.clear();
    assert!(
        !server.is_alive(&session).await,
        "the rotation was not applied"
    );
}

async fn row_64c_a_change_that_is_sent_twice(env: Env) {
    let server = env.start().await;
    let mut session = server.open("main").await;
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::SentTwice);
    let script = json!([["push", "/items", "x"], ["add", "/visits", 1]]);
    server.run(&session, script).send().await.ok();
    let updated = server
        .run(&session, json!([["update", ["add", "/visits", 1]]]))
        .send()
        .await
        .ok();
    assert_eq!(updated.results()[0]["visits"], 2);
    for secret in [json!(["rotate"]), json!(["login", "ada"])] {
        let changed = server.run(&session, json!([secret])).send().await.ok();
        session = session.with_sid(changed.sid());
    }
    faults.clear();
    let data = server.data(&session).await;
    assert_eq!(
        (&data["visits"], &data["items"]),
        (&json!(2), &json!(["x"]))
    );
    assert_eq!(session.events("conflict"), 0);
}
