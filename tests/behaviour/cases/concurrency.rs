//! Many requests of one session at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::client::Reply;
use crate::support::events;
use crate::support::overlap::Overlap;

cases! {
    everywhere:
        row_61_each_its_own_key
        row_61_each_an_element_of_one_list
        row_61_each_an_entry_of_one_map
        row_62_updates_of_one_counter
        row_62_plain_additions_under_a_rule
        row_62_without_a_rule_the_last_wins
        row_62_on_conflict_reject
        row_62a_removed_here_and_appended_there
        row_62a_removed_here_and_changed_there;
    memory:;
    encoded:
        row_61_different_fields_never_conflict;
    sqlite:
        row_61_different_fields_never_conflict;
    servers:
        row_61_each_its_own_key
        row_61_each_an_element_of_one_list
        row_61_each_an_entry_of_one_map
        row_62_updates_of_one_counter
        row_62_plain_additions_under_a_rule
        row_62_without_a_rule_the_last_wins
        row_62_on_conflict_reject
        row_62a_removed_here_and_appended_there
        row_62a_removed_here_and_changed_there
        row_61_different_fields_never_conflict;
}

const MANY: usize = 64;

/// As many requests as the rows ask for, each with a script of its own, all loaded before the
/// first of them ends.
async fn overlapping(
    server: &Server,
    held: &ClientSession,
    before: impl Fn(usize) -> Value,
    after: impl Fn(usize) -> Value,
) -> Vec<Reply> {
    let path = format!("/{}/load", held.config);
    let call = || server.post(&path).sid(&held.sid);
    let calls = (0..MANY).map(|number| (call(), before(number), after(number)));
    Overlap::of(calls).await.go().await
}

fn nothing(_: usize) -> Value {
    json!([])
}

fn texts(value: &Value) -> BTreeSet<String> {
    let list = value.as_array().unwrap().iter();
    list.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn numbered() -> BTreeSet<String> {
    (0..MANY).map(|number| format!("n{number}")).collect()
}

async fn row_61_each_its_own_key(env: Env) {
    let server = env.start().await;
    let held = server.open("loose").await;
    let set = |number| json!([["set", format!("/n{number}"), number]]);
    for reply in overlapping(&server, &held, set, nothing).await {
        reply.ok().without_sid();
    }
    let data = server.data(&held).await;
    let keys: BTreeSet<String> = data.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, numbered());
    assert!((0..MANY).all(|number| data[format!("n{number}")] == number));
}

async fn row_61_different_fields_never_conflict(env: Env) {
    let server = env.start().await;
    let held = server.open("loose").await;
    let set = |number| json!([["set", format!("/n{number}"), number]]);
    overlapping(&server, &held, set, nothing).await;
    assert_eq!(held.events("conflict"), 0);
    assert_eq!(held.events("committed"), MANY);
}

async fn row_61_each_an_element_of_one_list(env: Env) {
    let server = env.start().await;
    let held = server
        .open_with("main", json!([["push", "/items", "first"]]))
        .await;
    let push = |number| {
        let name = format!("n{number}");
        json!([["push", "/items", name], ["push", "/tags", name]])
    };
    for reply in overlapping(&server, &held, push, nothing).await {
        reply.ok();
    }
    let data = server.data(&held).await;
    assert_eq!(
        data["items"].as_array().unwrap().len(),
        MANY + 1,
        "one is lost or there twice"
    );
    assert_eq!(data["items"][0], "first");
    let mut expected = numbered();
    assert_eq!(texts(&data["tags"]), expected);
    expected.insert("first".to_owned());
    assert_eq!(texts(&data["items"]), expected);
}

async fn row_61_each_an_entry_of_one_map(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let loose = server.open("loose").await;
    let typed = |number| json!([["set", format!("/prefs/n{number}"), { "number": number }]]);
    let untyped = |number| json!([["set", format!("/prefs/n{number}"), { "number": number }]]);
    let start = json!([["set", "/prefs", {}]]);
    server.run(&loose, start).send().await.ok();
    for reply in overlapping(&server, &held, typed, nothing).await {
        reply.ok();
    }
    for reply in overlapping(&server, &loose, untyped, nothing).await {
        reply.ok();
    }
    for held in [&held, &loose] {
        let prefs = server.data(held).await["prefs"].clone();
        assert_eq!(prefs.as_object().unwrap().len(), MANY, "{}", held.config);
        assert!((0..MANY).all(|number| prefs[format!("n{number}")]["number"] == number));
        assert_eq!(held.events("overwritten"), 0);
    }
}

async fn row_62_updates_of_one_counter(env: Env) {
    let server = env.start().await;
    let held = server.open("rejecting").await;
    // No rule is declared there: an update needs none.
    let update = |_| json!([["update", ["add", "/visits", 1]]]);
    let replies = overlapping(&server, &held, nothing, update).await;
    let answers: BTreeSet<u64> = replies
        .into_iter()
        .map(|reply| reply.ok().answers()[0]["visits"].as_u64().unwrap())
        .collect();
    assert_eq!(answers, (1..=MANY as u64).collect());
    assert_eq!(server.data(&held).await["visits"], MANY);
    assert!(held.events("committed") == MANY, "each counted once");
}

async fn row_62_plain_additions_under_a_rule(env: Env) {
    let server = env.start().await;
    let held = server
        .open_with("main", json!([["add", "/visits", 5], ["set", "/best", -9]]))
        .await;
    let count = |number: usize| {
        json!([
            ["add", "/visits", 1],
            ["add", "/odd name", -2],
            ["set", "/best", number],
            ["set", "/draft", format!("n{number}")],
        ])
    };
    for reply in overlapping(&server, &held, count, nothing).await {
        reply.ok();
    }
    let data = server.data(&held).await;
    assert_eq!(data["visits"], 5 + MANY);
    assert_eq!(data["odd name"], -2 * i64::try_from(MANY).unwrap());
    assert_eq!(data["best"], MANY - 1);
    assert!(numbered().contains(data["draft"].as_str().unwrap()));
    assert_eq!(held.events("overwritten"), 0, "it was declared");
}

async fn row_62_without_a_rule_the_last_wins(env: Env) {
    let server = env.start().await;
    let held = server.open("main").await;
    let write = |number| {
        json!([
            ["set", "/note", format!("n{number}")],
            ["add", "/visits", 1]
        ])
    };
    for reply in overlapping(&server, &held, write, nothing).await {
        reply.ok();
    }
    let data = server.data(&held).await;
    assert!(numbered().contains(data["note"].as_str().unwrap()));
    assert_eq!(data["visits"], MANY, "what has a rule is not lost with it");
    let told: Vec<_> = events::of(&held.id)
        .into_iter()
        .filter(|seen| seen.name == "overwritten")
        .collect();
    assert_eq!(told.len(), held.events("overwritten"));
    // The first one to land overwrote nothing; every other did.
    assert_eq!(told.len(), MANY - 1);
    assert!(
        told.iter()
            .all(|seen| seen.text.contains("note") && !seen.text.contains("visits"))
    );
}

async fn row_62_on_conflict_reject(env: Env) {
    let server = env.start().await;
    let held = server.open("rejecting").await;
    let write = |number| {
        let name = format!("n{number}");
        json!([["set", "/note", name], ["push", "/items", name]])
    };
    let replies = overlapping(&server, &held, write, nothing).await;
    let mut winner = None;
    for (number, reply) in replies.into_iter().enumerate() {
        if reply.status == 200 {
            assert_eq!(
                winner.replace(format!("n{number}")),
                None,
                "two of them won"
            );
        } else {
            reply.problem(409, "conflict");
        }
    }
    let data = server.data(&held).await;
    assert_eq!(data["note"].as_str(), winner.as_deref());
    assert_eq!(
        data["items"],
        json!([winner]),
        "a part of a refused request was written"
    );
    assert_eq!(held.events("overwritten"), 0);
}

/// Two requests that both loaded: what is there when the first ended before the second, and the
/// other way round.
async fn both_orders(
    server: &Server,
    config: &'static str,
    start: Value,
    a: Value,
    b: Value,
) -> [Value; 2] {
    let mut results = [Value::Null, Value::Null];
    for (result, (first, second)) in results.iter_mut().zip([(&a, &b), (&b, &a)]) {
        let held = server.open_with(config, start.clone()).await;
        let call = || server.post(format!("/{config}/load")).sid(&held.sid);
        let waits = Overlap::one(call(), second.clone(), json!([])).await;
        call().script(first.clone()).send().await.ok();
        waits.finish().await.ok();
        *result = server.data(&held).await;
    }
    results
}

async fn row_62a_removed_here_and_appended_there(env: Env) {
    let server = env.start().await;
    for (config, field) in [("main", "/items"), ("main", "/tags"), ("loose", "/items")] {
        let start = json!([["set", field, ["a", "b", "c"]]]);
        let (drop, push) = (json!([["drop", field, "b"]]), json!([["push", field, "d"]]));
        for data in both_orders(&server, config, start.clone(), drop.clone(), push).await {
            assert_eq!(
                data[&field[1..]],
                json!(["a", "c", "d"]),
                "{config} {field}"
            );
        }
        let clear = json!([["set", field, []]]);
        let push = json!([["push", field, "d"]]);
        for data in both_orders(&server, config, start, clear, push).await {
            assert_eq!(data[&field[1..]], json!(["d"]), "{config} {field}");
        }
    }
}

async fn row_62a_removed_here_and_changed_there(env: Env) {
    let server = env.start().await;
    for config in ["main", "loose"] {
        let start = json!([["set", "/prefs", { "k": 1, "other": 1 }]]);
        let delete = json!([["delete", "/prefs/k"]]);
        let change = json!([["set", "/prefs/k", 2]]);
        for data in both_orders(&server, config, start.clone(), delete.clone(), change).await {
            let possible = [json!({ "k": 2, "other": 1 }), json!({ "other": 1 })];
            assert!(
                possible.contains(&data["prefs"]),
                "{config}: {}",
                data["prefs"]
            );
        }
        let change = json!([["set", "/prefs/other", 2]]);
        for data in both_orders(&server, config, start, delete, change).await {
            assert_eq!(data["prefs"], json!({ "other": 2 }), "{config}");
        }
    }
    let start = json!([["set", "/k", 1], ["set", "/other", 1]]);
    let (delete, change) = (json!([["delete", "/k"]]), json!([["set", "/other", 2]]));
    for data in both_orders(&server, "loose", start, delete, change).await {
        assert_eq!(data, json!({ "other": 2 }));
    }
}
