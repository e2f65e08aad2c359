//! Concurrent requests of one session.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::client::Reply;
use crate::support::events;
use crate::support::overlap::Overlap;

cases! {
    every_store:
        row_61_different_keys
        row_61_elements_of_one_list
        row_61_entries_of_one_map
        row_62_updates_of_one_counter
        row_62_additions_with_a_merge_rule
        row_62_without_a_rule_the_last_write_wins
        row_62_on_conflict_reject
        row_62a_remove_and_append_are_merged
        row_62a_remove_and_change_are_merged
        row_62b_a_session_does_not_wait_for_another_one;
    memory:;
    encoded:
        row_61_each_change_is_committed_once;
    sqlite:
        row_61_each_change_is_committed_once;
    servers:
        row_61_different_keys
        row_61_elements_of_one_list
        row_61_entries_of_one_map
        row_62_updates_of_one_counter
        row_62_additions_with_a_merge_rule
        row_62_without_a_rule_the_last_write_wins
        row_62_on_conflict_reject
        row_62a_remove_and_append_are_merged
        row_62a_remove_and_change_are_merged
        row_62b_a_session_does_not_wait_for_another_one
        row_61_each_change_is_committed_once;
}

const MANY: usize = 64;

/// Runs `MANY` overlapping requests: all of them load the session before the first of them commits.
async fn overlapping(
    server: &Server,
    session: &ClientSession,
    before: impl Fn(usize) -> Value,
    after: impl Fn(usize) -> Value,
) -> Vec<Reply> {
    let path = format!("/{}/load", session.config);
    let call = || server.post(&path).sid(&session.sid);
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

async fn row_61_different_keys(env: Env) {
    let server = env.start().await;
    let session = server.open("loose").await;
    let set = |number| json!([["set", format!("/n{number}"), number]]);
    for reply in overlapping(&server, &session, set, nothing).await {
        reply.ok().without_sid();
    }
    let data = server.data(&session).await;
    let keys: BTreeSet<String> = data.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, numbered());
    assert!((0..MANY).all(|number| data[format!("n{number}")] == number));
}

/// A store that compares the version reports conflicts, which the library merges.
async fn row_61_each_change_is_committed_once(env: Env) {
    let server = env.start().await;
    let session = server.open("loose").await;
    let set = |number| json!([["set", format!("/n{number}"), number]]);
    overlapping(&server, &session, set, nothing).await;
    assert_eq!(session.events("committed"), MANY);
    assert_eq!(session.events("overwritten"), 0);
}

async fn row_61_elements_of_one_list(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "first"]]))
        .await;
    let push = |number| {
        let name = format!("n{number}");
        json!([["push", "/items", name], ["push", "/tags", name]])
    };
    for reply in overlapping(&server, &session, push, nothing).await {
        reply.ok();
    }
    let data = server.data(&session).await;
    assert_eq!(
        data["items"].as_array().unwrap().len(),
        MANY + 1,
        "an item is lost or duplicated"
    );
    assert_eq!(data["items"][0], "first");
    let mut expected = numbered();
    assert_eq!(texts(&data["tags"]), expected);
    expected.insert("first".to_owned());
    assert_eq!(texts(&data["items"]), expected);
}

async fn row_61_entries_of_one_map(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let loose = server.open("loose").await;
    let typed = |number| json!([["set", format!("/prefs/n{number}"), { "number": number }]]);
    let untyped = |number| json!([["set", format!("/prefs/n{number}"), { "number": number }]]);
    let start = json!([["set", "/prefs", {}]]);
    server.run(&loose, start).send().await.ok();
    for reply in overlapping(&server, &session, typed, nothing).await {
        reply.ok();
    }
    for reply in overlapping(&server, &loose, untyped, nothing).await {
        reply.ok();
    }
    for session in [&session, &loose] {
        let prefs = server.data(session).await["prefs"].clone();
        assert_eq!(prefs.as_object().unwrap().len(), MANY, "{}", session.config);
        assert!((0..MANY).all(|number| prefs[format!("n{number}")]["number"] == number));
        assert_eq!(session.events("overwritten"), 0);
    }
}

async fn row_62_updates_of_one_counter(env: Env) {
    let server = env.start().await;
    let session = server.open("rejecting").await;
    // This config has no merge rules: `update` does not need one.
    let update = |_| json!([["update", ["add", "/visits", 1]]]);
    let replies = overlapping(&server, &session, nothing, update).await;
    let results: BTreeSet<u64> = replies
        .into_iter()
        .map(|reply| reply.ok().results()[0]["visits"].as_u64().unwrap())
        .collect();
    assert_eq!(results, (1..=MANY as u64).collect());
    assert_eq!(server.data(&session).await["visits"], MANY);
    assert!(
        session.events("committed") == MANY,
        "each update commits once"
    );
}

async fn row_62_additions_with_a_merge_rule(env: Env) {
    let server = env.start().await;
    let session = server
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
    for reply in overlapping(&server, &session, count, nothing).await {
        reply.ok();
    }
    let data = server.data(&session).await;
    assert_eq!(data["visits"], 5 + MANY);
    assert_eq!(data["odd name"], -2 * i64::try_from(MANY).unwrap());
    assert_eq!(data["best"], MANY - 1);
    assert!(numbered().contains(data["draft"].as_str().unwrap()));
    assert_eq!(
        session.events("overwritten"),
        0,
        "a declared merge rule applies"
    );
}

async fn row_62_without_a_rule_the_last_write_wins(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let write = |number| {
        json!([
            ["set", "/note", format!("n{number}")],
            ["add", "/visits", 1]
        ])
    };
    for reply in overlapping(&server, &session, write, nothing).await {
        reply.ok();
    }
    let data = server.data(&session).await;
    assert!(numbered().contains(data["note"].as_str().unwrap()));
    assert_eq!(
        data["visits"], MANY,
        "a field with a rule was overwritten too"
    );
    let overwritten: Vec<_> = events::of(&session.id)
        .into_iter()
        .filter(|seen| seen.name == "overwritten")
        .collect();
    assert_eq!(overwritten.len(), session.events("overwritten"));
    // The first commit overwrites nothing; every later one does.
    assert_eq!(overwritten.len(), MANY - 1);
    assert!(
        overwritten
            .iter()
            .all(|seen| seen.text.contains("note") && !seen.text.contains("visits"))
    );
}

async fn row_62_on_conflict_reject(env: Env) {
    let server = env.start().await;
    let session = server.open("rejecting").await;
    let write = |number| {
        let name = format!("n{number}");
        json!([["set", "/note", name], ["push", "/items", name]])
    };
    let replies = overlapping(&server, &session, write, nothing).await;
    let mut winner = None;
    for (number, reply) in replies.into_iter().enumerate() {
        if reply.status == 200 {
            assert_eq!(
                winner.replace(format!("n{number}")),
                None,
                "two requests succeeded"
            );
        } else {
            reply.problem(409, "conflict");
        }
    }
    let data = server.data(&session).await;
    assert_eq!(data["note"].as_str(), winner.as_deref());
    assert_eq!(
        data["items"],
        json!([winner]),
        "a rejected request was committed partially"
    );
    assert_eq!(session.events("overwritten"), 0);
}

/// The results of two overlapping requests, with the first commit by either of them.
async fn both_orders(
    server: &Server,
    config: &'static str,
    start: Value,
    a: Value,
    b: Value,
) -> [Value; 2] {
    let mut results = [Value::Null, Value::Null];
    for (result, (first, second)) in results.iter_mut().zip([(&a, &b), (&b, &a)]) {
        let session = server.open_with(config, start.clone()).await;
        let call = || server.post(format!("/{config}/load")).sid(&session.sid);
        let waits = Overlap::one(call(), second.clone(), json!([])).await;
        call().script(first.clone()).send().await.ok();
        waits.finish().await.ok();
        *result = server.data(&session).await;
    }
    results
}

async fn row_62a_remove_and_append_are_merged(env: Env) {
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

async fn row_62a_remove_and_change_are_merged(env: Env) {
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

/// Two sessions whose ids end in the same ten bits. A client that creates many sessions gets such an id
/// for any other session.
async fn neighbors(server: &Server) -> [ClientSession; 2] {
    let mut sessions: HashMap<u16, ClientSession> = HashMap::new();
    loop {
        let session = server.open("main").await;
        let end = u16::from_str_radix(&session.id[32..], 16).unwrap() % 1_024;
        if let Some(other) = sessions.insert(end, session.clone()) {
            return [other, session];
        }
    }
}

async fn row_62b_a_session_does_not_wait_for_another_one(env: Env) {
    let server = env.start().await;
    let [held, free] = neighbors(&server).await;
    let write = |note: &str| json!([["set", "/note", note]]);
    let call = server.post("/main/load").sid(&held.sid);
    let late = Overlap::one(call, write("late"), json!([])).await;
    server.run(&held, write("early")).send().await.ok();
    let faults = server.stores.faults();
    let first_try = faults.pause_before_commit();
    let late = tokio::spawn(late.finish());
    first_try.reached().await;
    let second_try = faults.pause_before_commit();
    first_try.release();
    second_try.reached().await;
    // Later commits pass. The session that conflicted keeps its place in its queue.
    faults.pause_before_commit().release();
    server.run(&free, write("free")).send().await.ok();
    assert_eq!(server.data(&free).await["note"], "free");
    assert_eq!(server.data(&held).await["note"], "early");
    second_try.release();
    late.await.unwrap().ok();
    assert_eq!(server.data(&held).await["note"], "late");
}
