//! Create, required load and optional load.

use serde_json::json;

use crate::server::Env;
use crate::support::cases::cases;
use crate::support::raw::Raw;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_01_create_without_a_sid
        row_02_the_same_sid_finds_the_same_session
        row_03_the_header_name_in_any_case
        row_04_optional_load_without_a_sid
        row_05_required_load_without_a_sid
        row_06_required_load_of_an_unknown_or_expired_sid
        row_07_optional_load_of_an_unknown_sid
        row_08_create_with_an_expired_or_foreign_sid
        row_09_create_with_a_valid_sid
        row_10_another_header_on_one_handler
        row_11_an_empty_header_is_ignored
        row_12_a_repeated_header;
    memory:;
    encoded:;
}

async fn row_01_create_without_a_sid(env: Env) {
    let server = env.start().await;
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
    assert_eq!(reply.results(), json!([sid]));
    assert_eq!(reply.json()["new"], true);
    assert_eq!(reply.cache(), "no-store");
}

async fn row_02_the_same_sid_finds_the_same_session(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "tea"]]))
        .await;
    let reply = server.load(&session).send().await.ok();
    assert_eq!(reply.id(), session.id);
    assert_eq!(reply.json()["new"], false);
    assert_eq!(reply.data()["items"], json!(["tea"]));
}

async fn row_03_the_header_name_in_any_case(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for name in [
        "X-User-Session",
        "x-user-session",
        "X-USER-SESSION",
        "x-uSeR-sEsSiOn",
    ] {
        let mut raw = Raw::connect(server.address).await;
        let request = format!(
            "GET /main/load HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{name}: {}\r\n\r\n",
            session.sid
        );
        raw.write(request).await;
        let reply = raw.read_to_end().await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{name}: {reply}");
        assert!(reply.contains(&session.id), "{name}: {reply}");
    }
}

async fn row_04_optional_load_without_a_sid(env: Env) {
    let server = env.start().await;
    let reply = server.get("/main/optional").send().await.ok().without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(server.stores.writes() + server.stores.faults().loads(), 0);
}

async fn row_05_required_load_without_a_sid(env: Env) {
    let server = env.start().await;
    let ran = Signal::new();
    let call = server.get("/main/load").script(json!([["signal", ran]]));
    let reply = call.send().await.problem(401, "missing-session");
    assert!(!reply.challenge().is_empty(), "{reply:?}");
    assert_eq!(reply.cache(), "no-store");
    assert_eq!(ran.unreceived(), 0, "the handler ran");
}

async fn row_06_required_load_of_an_unknown_or_expired_sid(env: Env) {
    let server = env.start().await;
    let ran = Signal::new();
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
    for session in [&expired, &destroyed, &alive.forged()] {
        let reply = server.run(session, json!([["signal", ran]])).send().await;
        let reply = reply.problem(401, "unknown-session");
        assert!(!reply.challenge().is_empty(), "{reply:?}");
        problems.push(reply.body);
    }
    assert!(
        problems.iter().all(|problem| *problem == problems[0]),
        "the responses differ"
    );
    assert_eq!(ran.unreceived(), 0, "the handler ran");
    assert!(server.is_alive(&alive).await);
}

async fn row_07_optional_load_of_an_unknown_sid(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let before = server.stores.writes();
    let reply = server
        .get("/main/optional")
        .sid(&session.forged().sid)
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(server.stores.writes(), before);
}

async fn row_08_create_with_an_expired_or_foreign_sid(env: Env) {
    let server = env.start().await;
    let expired = server.open("main").await;
    server.advance(std::time::Duration::from_secs(30 * 60));
    let foreign = server.open("rejecting").await;
    let forged = server.open("main").await.forged();
    for session in [expired, foreign, forged] {
        let reply = server
            .post("/main/create")
            .sid(&session.sid)
            .send()
            .await
            .ok();
        assert_eq!(reply.json()["new"], true);
        assert_ne!(reply.sid(), session.sid);
        assert_ne!(reply.id(), session.id, "the client chose the id");
    }
}

async fn row_09_create_with_a_valid_sid(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["set", "/note", "kept"]]))
        .await;
    let inserts = server.stores.faults().inserts();
    let reply = server
        .post("/main/create")
        .sid(&session.sid)
        .send()
        .await
        .ok()
        .without_sid();
    assert_eq!(reply.id(), session.id);
    assert_eq!(reply.json()["new"], false);
    assert_eq!(reply.data()["note"], "kept");
    assert_eq!(server.stores.faults().inserts(), inserts);
}

async fn row_10_another_header_on_one_handler(env: Env) {
    let server = env.start().await;
    let reply = server.post("/main/other/create").send().await.ok();
    let sid = reply.text("x-other");
    assert_eq!(
        reply.sids(),
        std::slice::from_ref(&sid),
        "the sid is not only in `X-Other`"
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
    // The config is the same, so the sid is valid on other routes.
    assert_eq!(
        server.get("/main/load").sid(&sid).send().await.ok().id(),
        reply.id()
    );
}

async fn row_11_an_empty_header_is_ignored(env: Env) {
    let server = env.start().await;
    for empty in ["", " ", "\t"] {
        let reply = server.get("/main/load").sid(empty).send().await;
        reply.problem(401, "missing-session");
        let reply = server.get("/main/optional").sid(empty).send().await.ok();
        assert_eq!(reply.json()["session"], false);
    }
    let session = server.open("main").await;
    let reply = server
        .get("/main/load")
        .sid("")
        .bearer(&session.sid)
        .send()
        .await
        .ok();
    assert_eq!(reply.id(), session.id);
}

async fn row_12_a_repeated_header(env: Env) {
    let server = env.start().await;
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
