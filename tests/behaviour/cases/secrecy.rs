//! No sid is told to anybody but its client.

use connect_session::testing::CommitFault;
use serde_json::{Value, json};

use crate::server::Env;
use crate::support::barriers::Gate;
use crate::support::cases::cases;
use crate::support::events;
use crate::support::script::report;

cases! {
    everywhere:
        row_70_no_event_and_no_debug_shows_a_sid;
    memory:;
    encoded:;
    servers:
        row_70_no_event_and_no_debug_shows_a_sid;
}

async fn row_70_no_event_and_no_debug_shows_a_sid(env: Env) {
    let server = env.start().await;
    let mut held = server.open("main").await;
    let mut sids = vec![held.sid.clone(), held.forged().sid];
    let mut said = Vec::new();
    let changes: [Value; 4] = [
        json!([["debug"], ["rotate"], ["debug"]]),
        json!([["login", "ada"], ["debug"]]),
        json!([["reset"], ["push", "/items", "x"]]),
        json!([["rotate"], ["debug"]]),
    ];
    for change in changes {
        let reply = server.run(&held, change).send().await.ok();
        said.push(reply.answers().to_string());
        server
            .load(&held)
            .send()
            .await
            .problem(401, "unknown-session");
        server
            .load(&held.forged())
            .send()
            .await
            .problem(401, "unknown-session");
        held = held.with_sid(reply.sid());
        sids.push(held.sid.clone());
    }
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::ReplyLost);
    let failed = server
        .run(&held, json!([["push", "/items", "x"], ["debug"]]))
        .send()
        .await;
    failed.problem(503, "outcome-unknown");
    faults.clear();
    faults.fail_loads(true);
    server
        .load(&held)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    let (go, done) = (Gate::new(), Gate::new());
    let task = json!([[
        "spawn",
        done,
        [["await", go], ["push", "/items", "x"], ["debug"]]
    ]]);
    server.run(&held, task).send().await.ok();
    go.open(1);
    said.push(report(&done).await.to_string());
    server.run(&held, json!([["destroy"]])).send().await.ok();

    let told = events::of(&held.id);
    for name in [
        "created",
        "loaded",
        "unknown_sid",
        "committed",
        "store_error",
        "destroyed",
    ] {
        assert!(
            told.iter().any(|seen| seen.name == name),
            "nobody was told of `{name}`"
        );
    }
    assert_eq!(held.events("dropped_unsaved"), 1);
    said.extend(told.into_iter().map(|seen| seen.text));
    assert!(
        said.iter()
            .all(|text| text.contains(&held.id) || text == "[]"),
        "the id is for logs"
    );
    for sid in &sids {
        // Not even the half of its secret.
        for part in [&sid[22..43], &sid[43..]] {
            assert!(said.iter().all(|text| !text.contains(part)));
        }
    }
}
