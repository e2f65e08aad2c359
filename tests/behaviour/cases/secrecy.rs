//! Sids are sent to their client only.

use connect_session::testing::CommitFault;
use serde_json::{Value, json};

use crate::server::Env;
use crate::support::cases::cases;
use crate::support::events;
use crate::support::script::report;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_70_events_and_debug_output_contain_no_sid;
    memory:;
    encoded:;
    servers:
        row_70_events_and_debug_output_contain_no_sid;
}

async fn row_70_events_and_debug_output_contain_no_sid(env: Env) {
    let server = env.start().await;
    let mut session = server.open("main").await;
    let mut sids = vec![session.sid.clone(), session.forged().sid];
    let mut texts = Vec::new();
    let changes: [Value; 4] = [
        json!([["debug"], ["rotate"], ["debug"]]),
        json!([["login", "ada"], ["debug"]]),
        json!([["reset"], ["push", "/items", "x"]]),
        json!([["rotate"], ["debug"]]),
    ];
    for change in changes {
        let reply = server.run(&session, change).send().await.ok();
        texts.push(reply.results().to_string());
        server
            .load(&session)
            .send()
            .await
            .problem(401, "unknown-session");
        server
            .load(&session.forged())
            .send()
            .await
            .problem(401, "unknown-session");
        session = session.with_sid(reply.sid());
        sids.push(session.sid.clone());
    }
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::ReplyLost);
    let failed = server
        .run(&session, json!([["push", "/items", "x"], ["debug"]]))
        .send()
        .await;
    failed.problem(503, "outcome-unknown");
    faults.clear();
    faults.fail_loads(true);
    server
        .load(&session)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    let (go, done) = (Signal::new(), Signal::new());
    let task = json!([[
        "spawn",
        done,
        [["await", go], ["push", "/items", "x"], ["debug"]]
    ]]);
    server.run(&session, task).send().await.ok();
    go.send(1);
    texts.push(report(&done).await.to_string());
    server.run(&session, json!([["destroy"]])).send().await.ok();

    let seen = events::of(&session.id);
    for name in [
        "created",
        "loaded",
        "unknown_sid",
        "committed",
        "store_error",
        "destroyed",
    ] {
        assert!(
            seen.iter().any(|event| event.name == name),
            "no event `{name}`"
        );
    }
    assert_eq!(session.events("dropped_unsaved"), 1);
    texts.extend(seen.into_iter().map(|event| event.text));
    assert!(
        texts
            .iter()
            .all(|text| text.contains(&session.id) || text == "[]"),
        "an event does not contain the id"
    );
    for sid in &sids {
        // Not even half of the secret.
        for part in [&sid[22..43], &sid[43..]] {
            assert!(texts.iter().all(|text| !text.contains(part)));
        }
    }
}
