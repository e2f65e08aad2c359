//! Create, load, and load if there is one.

use http::Method;
use serde_json::json;

use crate::server::On;
use crate::support::cases::cases;
use crate::support::gates::Gate;
use crate::support::raw::Raw;

cases! {
    everywhere:
        row_01_create_without_a_sid
        row_02_the_same_sid_finds_the_same_session
        row_03_the_header_name_in_any_case
        row_04_optional_load_without_a_sid
        row_05_required_load_without_a_sid
        row_06_required_load_of_an_unknown_or_expired_sid
        row_07_optional_load_of_an_unknown_sid
        row_08_create_with_a_dead_or_foreign_sid
        row_09_create_with_a_living_sid
        row_10_another_header_on_one_handler
        row_11_an_empty_header_is_none
        row_12_a_header_that_comes_twice
        row_13_what_is_no_sid
        row_14_head_and_options
        row_15_the_request_body_is_whole
        row_16_a_response_that_streams;
    memory:;
    encoded:;
}

async fn row_01_create_without_a_sid(on: On) {
    let server = on.start().await;
    let reply = server
        .post("/main/create")
        .script(json!([["sid"]]))
        .send()
        .await
        .ok();
    let sid = reply.sid();
    assert!(
        sid.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{sid}"
    );
    assert_eq!(reply.answers(), json!([sid]));
    assert_eq!(reply.json()["new"], true);
    assert_eq!(reply.cache(), "no-store");
}

async fn row_02_the_same_sid_finds_the_same_session(on: On) {
    let server = on.start().await;
    let held = server
        .open_with("main", json!([["push", "/items", "tea"]]))
        .await;
    let reply = server.load(&held).send().await.ok();
    assert_eq!(reply.id(), held.id);
    assert_eq!(reply.json()["new"], false);
    assert_eq!(reply.data()["items"], json!(["tea"]));
}

async fn row_03_the_header_name_in_any_case(on: On) {
    let server = on.start().await;
    let held = server.open("main").await;
    for name in [
        "X-User-Session",
        "x-user-session",
        "X-USER-SESSION",
        "x-uSeR-sEsSiOn",
    ] {
        let mut raw = Raw::connect(server.address).await;
        let head = format!(
            "GET /main/load HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{name}: {}\r\n\r\n",
            held.sid
        );
        raw.write(head).await;
        let reply = raw.read_to_end().await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{name}: {reply}");
        assert!(reply.contains(&held.id), "{name}: {reply}");
    }
}

async fn row_04_optional_load_without_a_sid(on: On) {
    let server = on.start().await;
    let reply = server.get("/main/optional").send().await.ok().without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(server.stores.writes() + server.stores.faults().loads(), 0);
}

async fn row_05_required_load_without_a_sid(on: On) {
    let server = on.start().await;
    let ran = Gate::new();
    let call = server.get("/main/load").script(json!([["signal", ran]]));
    let reply = call.send().await.problem(401, "missing-session");
    assert!(!reply.challenge().is_empty(), "{reply:?}");
    assert_eq!(reply.cache(), "no-store");
    assert_eq!(ran.waiting(), 0, "the handler ran");
}

async fn row_06_required_load_of_an_unknown_or_expired_sid(on: On) {
    let server = on.start().await;
    let ran = Gate::new();
    let expired = server.open("main").await;
    let destroyed = server.open("main").await;
    server
        .run(&destroyed, json!([["destroy"]]))
        .send()
        .await
        .ok();
    server.advance(std::time::Duration::from_secs(30 * 60));
    let alive = server.open("main").await;
    let mut problems = Vec::new();
    for held in [&expired, &destroyed, &alive.forged()] {
        let reply = server.run(held, json!([["signal", ran]])).send().await;
        let reply = reply.problem(401, "unknown-session");
        assert!(!reply.challenge().is_empty(), "{reply:?}");
        problems.push(reply.body);
    }
    assert!(
        problems.iter().all(|problem| *problem == problems[0]),
        "they can be told apart"
    );
    assert_eq!(ran.waiting(), 0, "the handler ran");
    assert!(server.is_alive(&alive).await);
}

async fn row_07_optional_load_of_an_unknown_sid(on: On) {
    let server = on.start().await;
    let held = server.open("main").await;
    let before = server.stores.writes();
    let reply = server
        .get("/main/optional")
        .sid(&held.forged().sid)
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(server.stores.writes(), before);
}

async fn row_08_create_with_a_dead_or_foreign_sid(on: On) {
    let server = on.start().await;
    let expired = server.open("main").await;
    server.advance(std::time::Duration::from_secs(30 * 60));
    let foreign = server.open("rejecting").await;
    let forged = server.open("main").await.forged();
    for held in [expired, foreign, forged] {
        let reply = server.post("/main/create").sid(&held.sid).send().await.ok();
        assert_eq!(reply.json()["new"], true);
        assert_ne!(reply.sid(), held.sid);
        assert_ne!(reply.id(), held.id, "the client named its session");
    }
}

async fn row_09_create_with_a_living_sid(on: On) {
    let server = on.start().await;
    let held = server
        .open_with("main", json!([["set", "/note", "kept"]]))
        .await;
    let inserts = server.stores.faults().inserts();
    let reply = server
        .post("/main/create")
        .sid(&held.sid)
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.id(), held.id);
    assert_eq!(reply.json()["new"], false);
    assert_eq!(reply.data()["note"], "kept");
    assert_eq!(server.stores.faults().inserts(), inserts);
}

async fn row_10_another_header_on_one_handler(on: On) {
    let server = on.start().await;
    let reply = server.post("/main/other/create").send().await.ok();
    let sid = reply.text("x-other");
    assert_eq!(
        reply.sids(),
        [sid.clone()],
        "in its own header and in no other"
    );
    let found = server
        .get("/main/other/load")
        .header("X-Other", &sid)
        .send()
        .await
        .ok();
    assert_eq!(found.id(), reply.id());
    assert_eq!(found.text("vary").to_lowercase(), "x-other");
    let ignored = server.get("/main/other/load").sid(&sid).send().await;
    ignored.problem(401, "missing-session");
    // It is the same config, so the same session elsewhere.
    assert_eq!(
        server.get("/main/load").sid(&sid).send().await.ok().id(),
        reply.id()
    );
}

async fn row_11_an_empty_header_is_none(on: On) {
    let server = on.start().await;
    for empty in ["", " ", "\t"] {
        let reply = server.get("/main/load").sid(empty).send().await;
        reply.problem(401, "missing-session");
        let reply = server.get("/main/optional").sid(empty).send().await.ok();
        assert_eq!(reply.json()["session"], false);
    }
    let held = server.open("main").await;
    let reply = server
        .get("/main/load")
        .sid("")
        .bearer(&held.sid)
        .send()
        .await
        .ok();
    assert_eq!(reply.id(), held.id);
}

async fn row_12_a_header_that_comes_twice(on: On) {
    let server = on.start().await;
    let (one, other) = (server.open("main").await, server.open("main").await);
    let equal = server
        .get("/main/load")
        .sid(&one.sid)
        .sid(&one.sid)
        .send()
        .await
        .ok();
    assert_eq!(equal.id(), one.id);
    for path in ["/main/load", "/main/create", "/main/optional"] {
        let different = server.get(path).sid(&one.sid).sid(&other.sid).send().await;
        different.problem(400, "ambiguous-session");
    }
}

async fn row_13_what_is_no_sid(on: On) {
    let server = on.start().await;
    let held = server.open("main").await;
    server.stores.faults().reset_counts();
    let texts = [
        "guest".to_owned(),
        held.sid[..63].to_owned(),
        format!("{}A", held.sid),
        format!("{}+/", &held.sid[..62]),
        format!("{}==", &held.sid[..62]),
        format!("{} ", &held.sid[..63]),
        "é".repeat(32),
        "A".repeat(64 << 10),
        "__proto__".to_owned(),
    ];
    for text in texts {
        let reply = server.get("/main/load").sid(&text).send().await;
        reply.problem(401, "missing-session");
        let reply = server.get("/main/optional").sid(&text).send().await.ok();
        assert_eq!(reply.json()["session"], false);
    }
    // No server lets a NUL into a header; in a query it comes through.
    let query = format!("/urls/-/load?sid={}%00", &held.sid[..63]);
    server
        .get(query)
        .send()
        .await
        .problem(401, "missing-session");
    let mut raw = Raw::connect(server.address).await;
    let nul = format!(
        "GET /main/load HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-User-Session: {}\0\r\n\r\n",
        &held.sid[..63]
    );
    raw.write(nul).await;
    assert!(raw.read_to_end().await.starts_with("HTTP/1.1 400"));
    assert_eq!(server.stores.faults().loads(), 0, "the store was asked");
    let created = server.post("/main/create").sid("guest").send().await.ok();
    assert_eq!(created.json()["new"], true);
}

async fn row_14_head_and_options(on: On) {
    let server = on.start().await;
    let held = server.open("main").await;
    let reply = server.load(&held).method(Method::HEAD).send().await.ok();
    assert!(reply.body.is_empty());
    assert_eq!(reply.cache(), server.load(&held).send().await.cache());
    let ran = Gate::new();
    let missing = server
        .get("/main/load")
        .method(Method::HEAD)
        .script(json!([["signal", ran]]));
    assert!(missing.send().await.with(401).body.is_empty());

    server.stores.faults().reset_counts();
    for path in ["/main/create", "/main/load"] {
        for call in [server.get(path), server.get(path).sid(&held.sid)] {
            let reply = call
                .method(Method::OPTIONS)
                .script(json!([["signal", ran]]))
                .send()
                .await;
            assert!(reply.with(204).without_sid().body.is_empty());
        }
    }
    assert_eq!(ran.waiting(), 0, "the handler ran");
    let optional = server
        .get("/main/optional")
        .sid(&held.sid)
        .method(Method::OPTIONS);
    let reply = optional.send().await.ok().without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(server.stores.writes() + server.stores.faults().loads(), 0);
}

async fn row_15_the_request_body_is_whole(on: On) {
    let server = on.start().await;
    let held = server.open("main").await;
    let body: String = (0..40_000).map(|number| format!("{number},")).collect();
    let reply = server
        .post("/main/echo")
        .sid(&held.sid)
        .body(body.clone())
        .send()
        .await
        .ok();
    assert!(
        reply.body == body.as_bytes(),
        "{} of {} bytes",
        reply.body.len(),
        body.len()
    );

    let mut raw = Raw::connect(server.address).await;
    let head = format!(
        "POST /main/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nX-User-Session: {}\r\n\r\n",
        held.sid
    );
    raw.write(head).await;
    for part in body.as_bytes().chunks(10_007) {
        raw.write(format!("{:x}\r\n", part.len())).await;
        raw.write(part).await;
        raw.write("\r\n").await;
    }
    raw.write("0\r\n\r\n").await;
    let reply = raw.read_to_end().await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{}", &reply[..200]);
    assert!(
        reply.ends_with(&body),
        "the body is not the one that was sent"
    );
}

async fn row_16_a_response_that_streams(on: On) {
    let server = on.start().await;
    let gate = Gate::new();
    let name = serde_json::to_value(&gate).unwrap();
    let mut raw = Raw::connect(server.address).await;
    let head = format!(
        "GET /main/stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Gate: {}\r\n\r\n",
        name.as_str().unwrap()
    );
    raw.write(head).await;
    // The second part is not even made yet.
    let begun = raw.read_until("first").await.to_lowercase();
    assert!(begun.starts_with("http/1.1 200"), "{begun}");
    let (_, rest) = begun
        .split_once("x-user-session: ")
        .expect("a sid in the head");
    assert!(!begun.contains("second"));
    let sid = rest[..64].to_owned();
    gate.open(1);
    let all = raw.read_to_end().await;
    assert!(all.contains("second"), "{all}");
    // In the case in which it was sent.
    let at = all.to_lowercase().find(&sid).unwrap();
    server
        .get("/main/load")
        .sid(&all[at..at + 64])
        .send()
        .await
        .ok();
}
