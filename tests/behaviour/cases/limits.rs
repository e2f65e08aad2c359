//! The limits of data: its depth, its number of fields, and the time of a merge.

use connect_session::SessionConfig as _;
use connect_session::store::Store as _;
use serde_json::{Value, json};

use crate::configs::Large;
use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::events;
use crate::support::overlap::Overlap;

cases! {
    every_store:
        row_85_nested_too_deep
        row_85_nested_too_deep_in_untyped_data
        row_85a_too_many_fields
        row_85c_names_from_data_in_events;
    memory:;
    encoded:
        row_85c_the_name_of_a_field_that_cannot_be_decoded;
    sqlite:
        row_85b_large_lists_merge;
    servers:
        row_85_nested_too_deep
        row_85_nested_too_deep_in_untyped_data
        row_85a_too_many_fields
        row_85b_large_lists_merge;
}

/// The maximum nesting depth of a field: what `serde_json` can read below the object of all fields.
const DEEPEST: usize = 126;

/// Checks that the scripts are refused with this problem, and raise `data_refused`, not `store_error`.
async fn refused(server: &Server, held: &ClientSession, scripts: &[Value], problem: (u16, &str)) {
    let before = server.load(held).send().await.ok().body;
    for script in scripts {
        let told = held.events("data_refused");
        let reply = server.run(held, script.clone()).send().await;
        reply.problem(problem.0, problem.1);
        assert_eq!(held.events("data_refused"), told + 1, "{script}");
        assert_eq!(server.load(held).send().await.ok().body, before, "{script}");
    }
    assert_eq!(held.events("store_error"), 0);
}

async fn row_85_nested_too_deep(env: Env) {
    let server = env.start().await;
    let held = server.open("large").await;
    let too_deep = [
        json!([["raw", 20_000, 1], ["save"]]),
        json!([["raw", 20_000, 2], ["save"]]),
        json!([["raw", DEEPEST + 1, 1], ["save"]]),
        // The pending change would be merged with the update.
        json!([["raw", 20_000, 1], ["update", ["push", "/list", 1]]]),
        json!([["nest", "/by_key/a", DEEPEST]]),
        json!([["push_nested", "/list", DEEPEST]]),
        json!([["rotate"], ["push_nested", "/list", DEEPEST]]),
        json!([["update", ["push_nested", "/list", DEEPEST]]]),
    ];
    refused(&server, &held, &too_deep, (422, "too-deep")).await;
    let told = events::of(&held.id);
    let texts = told.iter().filter(|seen| seen.name == "data_refused");
    let fields: Vec<_> = texts
        .map(|seen| seen.text.split('`').nth(1).unwrap_or_default())
        .collect();
    let expected = ["raw", "raw", "raw", "raw", "by_key", "list", "list", "list"];
    assert_eq!(fields, expected, "a wrong field is named");

    let create = server.post("/large/create");
    let create = create.script(json!([["push_nested", "/list", DEEPEST]]));
    create.send().await.problem(422, "too-deep");
    let count = server.stores.heap.count(Large::OPTIONS.namespace).await;
    assert_eq!(count.unwrap(), 1, "the refused session was stored");

    // The maximum depth that can be read back.
    for script in [
        json!([["raw", DEEPEST, 1], ["save"]]),
        json!([["nest", "/by_key/a", DEEPEST - 1]]),
        json!([["push_nested", "/list", DEEPEST - 1]]),
        json!([["update", ["push_nested", "/list", DEEPEST - 1]]]),
    ] {
        server.run(&held, script).send().await.ok();
    }
    server.load(&held).send().await.ok();
}

async fn row_85_nested_too_deep_in_untyped_data(env: Env) {
    let server = env.start().await;
    let held = server.open("loose").await;
    let too_deep = [
        json!([["nest", "/deep", DEEPEST + 1]]),
        json!([["set", "/a", {}], ["nest", "/a/b", DEEPEST]]),
        json!([["update", ["nest", "/deep", DEEPEST + 1]]]),
    ];
    refused(&server, &held, &too_deep, (422, "too-deep")).await;
    let deep = json!([["nest", "/deep", DEEPEST]]);
    server.run(&held, deep).send().await.ok();
    server.load(&held).send().await.ok();
    // Both sides change a value at the maximum depth.
    let leaf = format!("/deep{}", "/0".repeat(DEEPEST));
    let change = |to: u8| json!([["set", leaf, to]]);
    let waiting = Overlap::one(
        server.post("/loose/load").sid(&held.sid),
        json!([]),
        change(3),
    )
    .await;
    server.run(&held, change(2)).send().await.ok();
    waiting.finish().await.ok();
    assert_eq!(held.events("overwritten"), 1);
}

async fn row_85a_too_many_fields(env: Env) {
    let server = env.start().await;
    for (config, most) in [("narrow", 3), ("loose", 1_000)] {
        let held = server.open_with(config, json!([["keys", "", most]])).await;
        let too_many = [
            json!([["keys", "", most + 1]]),
            json!([["set", "/another", 1]]),
            json!([["update", ["set", "/another", 1]]]),
        ];
        refused(&server, &held, &too_many, (413, "too-many-fields")).await;
        let told = events::of(&held.id);
        let told = told.iter().find(|seen| seen.name == "data_refused");
        let text = &told.unwrap().text;
        assert!(
            text.contains(&format!("{most} that `max_fields` allows")),
            "{text}"
        );
        let swap = json!([["delete", "/k0"], ["set", "/another", 1]]);
        server.run(&held, swap).send().await.ok();
        let create = server.post(format!("/{config}/create"));
        let create = create.script(json!([["keys", "", most + 1]]));
        create.send().await.problem(413, "too-many-fields");
    }
    // The keys of a map do not count as fields.
    let held = server
        .open_with("large", json!([["keys", "/by_key", 2_000]]))
        .await;
    assert_eq!(server.data(&held).await["by_key"]["k1999"], 1999);
}

/// With so many elements, a merge that compares every pair of them would take too long.
const MANY: u64 = 200_000;

async fn row_85b_large_lists_merge(env: Env) {
    let server = env.start().await;
    let held = server
        .open_with("large", json!([["count", "/numbers", MANY]]))
        .await;
    let push = |number: u64| json!([["push", "/numbers", number]]);
    let waiting = Overlap::one(
        server.post("/large/load").sid(&held.sid),
        json!([]),
        push(MANY),
    )
    .await;
    server.run(&held, push(MANY + 1)).send().await.ok();
    waiting.finish().await.ok();
    let data = server.data(&held).await;
    let numbers = data["numbers"].as_array().unwrap();
    assert_eq!(numbers.len() as u64, MANY + 2);
    assert_eq!(numbers[numbers.len() - 2..], [json!(MANY + 1), json!(MANY)]);
}

async fn row_85c_names_from_data_in_events(env: Env) {
    let server = env.start().await;
    let held = server.open("loose").await;
    let name = "cart\nERROR forged \u{1b}[31m\u{202e}";
    let long = "n".repeat(1 << 10);
    let set = |to: u8| {
        json!([
            ["set", format!("/{name}"), to],
            ["set", format!("/{long}"), to]
        ])
    };
    let waiting = Overlap::one(server.post("/loose/load").sid(&held.sid), json!([]), set(2)).await;
    server.run(&held, set(1)).send().await.ok();
    waiting.finish().await.ok();
    let deep = json!([["nest", format!("/{name}"), DEEPEST + 1]]);
    server
        .run(&held, deep)
        .send()
        .await
        .problem(422, "too-deep");
    let told = events::of(&held.id);
    for event in ["overwritten", "data_refused"] {
        let seen = told.iter().find(|seen| seen.name == event).unwrap();
        let line = seen.text.lines().next().unwrap();
        let shown = r"cart\nERROR forged \u{1b}[31m\u{202e}";
        assert!(line.contains(shown), "{line}");
        assert!(line.len() < 400, "{line}");
        assert_eq!(seen.text.lines().count(), 2, "the event, and its `Debug`");
    }
}

async fn row_85c_the_name_of_a_field_that_cannot_be_decoded(env: Env) {
    let server = env.start().await;
    let held = server.open("loose").await;
    // Deeper than `serde_json` can read.
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let name = "cart\nERROR forged";
    server.stores.encoded.poke(&held.id, name, &deep);
    server.load(&held).send().await.problem(500, "undecodable");
    let told = events::of(&held.id);
    let seen = told.iter().find(|seen| seen.name == "store_error").unwrap();
    let line = seen.text.lines().next().unwrap();
    assert!(line.contains(r"`cart\nERROR forged`"), "{line}");
}
