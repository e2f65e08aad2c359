//! The data of a session.

use connect_session::SessionConfig as _;
use serde_json::{Value, json};

use crate::configs::Small;
use crate::data::{Inner, Nested, Stuff};
use crate::server::Env;
use crate::support::cases::cases;
use crate::support::events;

cases! {
    every_store:
        row_31_typed_data_round_trips
        row_32_untyped_data
        row_33_any_key_is_plain_data
        row_35_a_nested_change_is_detected
        row_38_over_max_size;
    memory:;
    encoded:
        row_34_changed_and_changed_back
        row_36_fields_of_another_version_are_kept
        row_37_undecodable_data
        row_37k_create_replaces_undecodable_data;
    sqlite:
        row_36_fields_of_another_version_are_kept;
    servers:
        row_31_typed_data_round_trips
        row_32_untyped_data
        row_33_any_key_is_plain_data
        row_35_a_nested_change_is_detected
        row_38_over_max_size
        row_36_fields_of_another_version_are_kept;
}

const TEXT: &str =
    "tea ☕ 茶 e\u{301} \u{1F469}\u{200D}\u{1F52C} \"quoted\" \\ back / \u{1} \u{7f} \r\n\t";

async fn row_31_typed_data_round_trips(env: Env) {
    let server = env.start().await;
    let inner = |other| Inner {
        flags: vec![true, false],
        by_name: [("a b".to_owned(), -1), (TEXT.to_owned(), i64::MAX)].into(),
        other,
    };
    let stuff = Stuff {
        items: vec![String::new(), TEXT.to_owned(), "\u{10FFFF}".to_owned()],
        tags: [TEXT.to_owned(), "z".to_owned()].into(),
        visits: u64::MAX,
        renamed: i64::MIN,
        best: -1,
        prefs: [(
            "deep".to_owned(),
            json!({ "list": [1, null, { "x": 0.5 }] }),
        )]
        .into(),
        draft: TEXT.to_owned(),
        note: "0".repeat(64 << 10),
        score: 0.1 + 0.2,
        maybe: Some(TEXT.to_owned()),
        nested: Nested {
            depth: -7,
            inner: inner(Some(Box::new(inner(None)))),
        },
    };
    let expected = serde_json::to_value(&stuff).unwrap();
    let session = server
        .open_with("main", json!([["replace", expected]]))
        .await;
    let there: Stuff = serde_json::from_value(server.data(&session).await).unwrap();
    assert!(there == stuff, "{there:?}");
    let empty = serde_json::to_value(Stuff::default()).unwrap();
    server
        .run(&session, json!([["replace", empty]]))
        .send()
        .await
        .ok();
    assert_eq!(server.data(&session).await, empty);
}

async fn row_32_untyped_data(env: Env) {
    let server = env.start().await;
    let reply = server.post("/untyped").send().await.ok();
    assert_eq!(reply.body, "", "the operations that failed");
    let found = server.get("/loose/load").sid(reply.sid()).send().await.ok();
    assert_eq!(found.data(), json!({ "number": 42, "list": ["a", "b"] }));
}

async fn row_33_any_key_is_plain_data(env: Env) {
    let server = env.start().await;
    let keys = [
        "id",
        "sid",
        "version",
        "expires",
        "subject",
        "secret",
        "__proto__",
        "constructor",
        "toString",
        "",
        ".",
        "a.b",
        "a b",
        " ",
        "a\"b",
        "a'b",
        "a/b",
        "~",
        "a\\b",
        "$set",
        "é",
        "\n",
        "{",
        "_id",
        "data",
        "0",
    ];
    let data: Value = keys
        .iter()
        .map(|key| (*key, json!({ "of": key })))
        .collect();
    let session = server.open_with("loose", json!([["replace", data]])).await;
    assert_eq!(server.data(&session).await, data);
    let session = server
        .open_with("main", json!([["set", "/prefs", data]]))
        .await;
    assert_eq!(server.data(&session).await["prefs"], data);

    let session = server.open("loose").await;
    let mut expected = json!({});
    for key in keys {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        server
            .run(&session, json!([["set", pointer, key]]))
            .send()
            .await
            .ok();
        expected[key] = key.into();
        assert_eq!(
            server.data(&session).await,
            expected,
            "after setting {key:?}"
        );
    }
    for key in keys {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        server
            .run(&session, json!([["delete", pointer]]))
            .send()
            .await
            .ok();
        expected.as_object_mut().unwrap().remove(key);
        assert_eq!(
            server.data(&session).await,
            expected,
            "after removing {key:?}"
        );
    }
}

async fn row_34_changed_and_changed_back(env: Env) {
    let server = env.start().await;
    let start = json!([["set", "/note", "same"], ["set", "/prefs", { "a": 1, "b": 2 }]]);
    let session = server.open_with("main", start).await;
    let writes = server.stores.encoded.writes();
    let scripts = [
        json!([["set", "/note", "other"], ["set", "/note", "same"]]),
        json!([["push", "/items", "x"], ["drop", "/items", "x"]]),
        json!([["set", "/prefs", { "b": 2, "a": 1 }]]),
        json!([["borrow_mut"]]),
        json!([]),
    ];
    for script in scripts {
        server.run(&session, script.clone()).send().await.ok();
        assert_eq!(server.stores.encoded.writes(), writes, "{script}");
    }
    server
        .run(&session, json!([["set", "/note", "other"]]))
        .send()
        .await
        .ok();
    assert_eq!(server.stores.encoded.writes(), writes + 1);
}

async fn row_35_a_nested_change_is_detected(env: Env) {
    let server = env.start().await;
    let start = json!([["set", "/nested/inner/by_name", { "a": 1 }]]);
    let session = server.open_with("main", start).await;
    let edits = json!([
        ["add", "/nested/inner/by_name/a", 1],
        ["push", "/nested/inner/flags", true],
        ["set", "/nested/inner/other", { "flags": [], "by_name": { "deep": 3 }, "other": null }],
    ]);
    server.run(&session, edits).send().await.ok();
    server
        .run(
            &session,
            json!([["add", "/nested/inner/other/by_name/deep", 1]]),
        )
        .send()
        .await
        .ok();
    let nested = server.data(&session).await["nested"].clone();
    assert_eq!(nested["inner"]["by_name"], json!({ "a": 2 }));
    assert_eq!(nested["inner"]["flags"], json!([true]));
    assert_eq!(nested["inner"]["other"]["by_name"], json!({ "deep": 4 }));
}

async fn row_36_fields_of_another_version_are_kept(env: Env) {
    let server = env.start().await;
    let script = json!([["set", "/name", "ada"], ["set", "/dropped", "still here"]]);
    let session = server.open_with("before", script).await;
    let after = || server.post("/after/load").sid(&session.sid);
    assert_eq!(
        after().send().await.ok().data(),
        json!({ "name": "ada", "added": 7 })
    );
    after()
        .script(json!([["set", "/name", "eve"]]))
        .send()
        .await
        .ok();
    assert_eq!(
        server.data(&session).await,
        json!({ "name": "eve", "dropped": "still here" })
    );
    after()
        .script(json!([["set", "/added", 8]]))
        .send()
        .await
        .ok();
    server
        .run(&session, json!([["set", "/name", "bob"]]))
        .send()
        .await
        .ok();
    assert_eq!(
        after().send().await.ok().data(),
        json!({ "name": "bob", "added": 8 })
    );
    assert_eq!(
        server.data(&session).await,
        json!({ "name": "bob", "dropped": "still here" })
    );
}

async fn row_37_undecodable_data(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "tea"]]))
        .await;
    server
        .stores
        .encoded
        .poke(&session.id, "visits", "\"a text\"");
    let fields = server.stores.encoded.fields(&session.id);
    let script = json!([["replace", {}], ["destroy"]]);
    for path in ["/main/load", "/main/optional"] {
        let call = server.post(path).sid(&session.sid).script(script.clone());
        let reply = call.send().await.problem(500, "undecodable");
        assert!(
            !String::from_utf8_lossy(&reply.body).contains("a text"),
            "the response contains stored data"
        );
    }
    assert_eq!(
        server.stores.encoded.fields(&session.id),
        fields,
        "the undecodable record was overwritten"
    );
    assert_eq!(session.events("store_error"), 2);
    let event = events::of(&session.id)
        .into_iter()
        .find(|seen| seen.name == "store_error")
        .unwrap();
    assert!(
        event.text.contains("`visits`") && event.text.contains(&session.id),
        "{}",
        event.text
    );
    server.stores.encoded.poke(&session.id, "visits", "3");
    assert_eq!(server.data(&session).await["items"], json!(["tea"]));
}

async fn row_37k_create_replaces_undecodable_data(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let create = async |script| {
        let call = server.post("/main/create").sid(&session.sid);
        call.script(script).send().await
    };
    let poke = |text| server.stores.encoded.poke(&session.id, "visits", text);
    poke("\"a text\"");
    create(json!([["fail", 418]])).await;
    poke("3");
    assert!(server.is_alive(&session).await, "the handler has failed");
    poke("\"a text\"");
    let reply = create(json!([["login", "ada"]])).await.ok();
    assert_ne!(reply.sid(), session.sid);
    assert_eq!(session.events("discarded"), 1);
    assert!(!server.is_alive(&session).await);
    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    assert_eq!(found.data()["visits"], 0);
}

async fn row_38_over_max_size(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("small", json!([["fill", "/note", 3000]]))
        .await;
    let before = server.data(&session).await;
    let too_much = [
        json!([["set", "/draft", "lost"], ["fill", "/note", 4097]]),
        json!([["fill", "/draft", 2000]]),
        json!([["update", ["fill", "/note", 5000]]]),
        json!([["rotate"], ["fill", "/note", 5000]]),
        // The subject counts.
        json!([["login", "x".repeat(2000)]]),
        json!([["login", "x".repeat(1000)], ["set", "/draft", "x"]]),
        json!([["login", "x".repeat(5000)], ["set", "/note", ""]]),
    ];
    for script in too_much {
        let reply = server.run(&session, script).send().await;
        reply.problem(413, "too-large");
        assert_eq!(server.data(&session).await, before);
    }
    let create = server
        .post("/small/create")
        .script(json!([["fill", "/note", 5000]]));
    create.send().await.problem(413, "too-large");
    let create = json!([["login", "x".repeat(4097)]]);
    let create = server.post("/small/create").script(create);
    create.send().await.problem(413, "too-large");
    let count = server.stores.count(Small::OPTIONS.namespace).await;
    assert_eq!(count, 1, "the session that is too large was created");
    server
        .run(&session, json!([["fill", "/note", 3500]]))
        .send()
        .await
        .ok();
    let roomy = server
        .open_with("main", json!([["fill", "/note", 5000]]))
        .await;
    server.load(&roomy).send().await.ok();
}
