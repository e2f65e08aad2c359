//! Sessions of another library, which the requests of their clients turn into sessions of this one.

use std::collections::BTreeSet;
use std::time::Duration;

use connect_session::testing::CommitFault;
use http::Method;
use serde_json::json;

use crate::old_sessions::{OldSession, tea_of};
use crate::server::{Env, Server, at_once};
use crate::support::cases::cases;
use crate::support::client::{Call, Reply};
use crate::support::events;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_110_an_old_session_goes_on
        row_110_with_a_header
        row_110_create_and_optional
        row_111_parallel_requests
        row_112_the_old_cookie_after_the_first_use
        row_112_a_response_that_was_lost
        row_112_a_plain_old_cookie
        row_112_a_slow_handler_sends_the_sid_that_works
        row_113_a_logout
        row_113_a_request_that_is_slower_than_the_session
        row_114_a_request_that_was_cancelled
        row_114_a_failing_handler
        row_115_an_old_store_that_fails
        row_115_an_old_session_that_cannot_be_removed
        row_115_a_store_that_fails
        row_116_forged_expired_and_unwanted
        row_116_data_of_another_type
        row_116_a_sid_goes_first
        row_118_cross_origin
        row_119_login_and_rotate_in_the_adopting_request;
    memory: row_117_the_sessions_of_a_user;
    encoded:;
    servers:
        row_110_an_old_session_goes_on
        row_111_parallel_requests
        row_113_a_logout
        row_113_a_request_that_is_slower_than_the_session
        row_115_an_old_session_that_cannot_be_removed
        row_119_login_and_rotate_in_the_adopting_request;
}

const SECOND: Duration = Duration::from_secs(1);

fn load(server: &Server, old: &OldSession) -> Call {
    old.on(server.get("/adopting/load"))
}

fn with_sid(server: &Server, sid: &str) -> Call {
    server.get("/adopting/load").cookie("__Host-sid", sid)
}

/// The new sid, from a response that also expires the old cookie.
fn adopted(reply: &Reply) -> String {
    let old = "old=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";
    let lines = reply.headers.get_all("set-cookie");
    assert!(lines.iter().any(|line| line == old), "{:?}", reply.headers);
    assert_eq!(reply.cache(), "no-store");
    reply.cookie("__Host-sid").0
}

/// Checks that the old cookie opens nothing any more.
async fn assert_gone(server: &Server, old: &OldSession) {
    let reply = load(server, old).send().await;
    reply.problem(401, "unknown-session");
}

async fn row_110_an_old_session_goes_on(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let reply = load(&server, &old).send().await.ok();
    let sid = adopted(&reply);
    assert_eq!(reply.data()["items"], json!(["tea"]));
    assert_eq!(reply.json()["subject"], "ann");
    assert_eq!(reply.json()["new"], false);
    assert!(!old.is_stored());
    assert_eq!(reply.id().as_bytes()[14], b'8', "a UUIDv8");
    assert_eq!(events::count(&reply.id(), "adopted"), 1);
    for name in ["created", "logged_in", "rotated", "renewed"] {
        assert_eq!(events::count(&reply.id(), name), 0, "{name}");
    }
    let again = with_sid(&server, &sid).send().await.ok().without_sid();
    assert_eq!((again.id(), again.data()), (reply.id(), reply.data()));
}

async fn row_110_with_a_header(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(json!({ "cart": ["tea"] }));
    let call = server.get("/adopting-header/load").script(json!([["sid"]]));
    let reply = old.on(call).send().await.ok();
    let sid = reply.sid();
    assert_eq!(reply.results(), json!([sid]));
    assert_eq!(reply.json()["subject"], json!(null));
    let expired = reply.text("set-cookie");
    assert_eq!(expired, "old=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    assert!(reply.text("vary").contains("cookie"), "{:?}", reply.headers);
    let again = server
        .get("/adopting-header/load")
        .sid(sid)
        .send()
        .await
        .ok();
    assert_eq!(again.id(), reply.id());
}

async fn row_110_create_and_optional(env: Env) {
    let server = env.start().await;
    for name in ["create", "optional"] {
        let old = OldSession::signed(tea_of("ann"));
        let call = server.get(format!("/adopting/{name}"));
        let reply = old.on(call).send().await.ok();
        assert_eq!(reply.data()["items"], json!(["tea"]), "{name}");
        assert_eq!(reply.json()["new"], false, "{name}");
        with_sid(&server, &adopted(&reply)).send().await.ok();
    }
    let none = OldSession::signed(json!({}));
    none.expire();
    let reply = none.on(server.get("/adopting/optional")).send().await.ok();
    assert_eq!(reply.json()["session"], false);
    let reply = none.on(server.get("/adopting/create")).send().await.ok();
    assert_eq!(reply.json()["new"], true);
}

async fn row_111_parallel_requests(env: Env) {
    let server = env.start().await;
    let before = server.stores.count("adopting").await;
    for round in 0..5 {
        let old = OldSession::signed(json!({ "cart": ["tea"] }));
        let calls = (0..32).map(|_| {
            let call = old.on(server.post("/adopting/load"));
            call.script(json!([["update", ["add", "/visits", 1]]]))
        });
        let replies = at_once(calls).await;
        let ids: BTreeSet<_> = replies.iter().map(|reply| reply.id()).collect();
        assert_eq!(ids.len(), 1);
        assert!(!old.is_stored());
        assert_eq!(server.stores.count("adopting").await, before + round + 1);
        let sent: Vec<_> = (replies.iter())
            .filter(|reply| reply.headers.contains_key("set-cookie"))
            .map(adopted)
            .collect();
        assert_eq!(sent.len(), 1, "one response carries the new sid");
        let reply = with_sid(&server, &sent[0]).send().await.ok();
        assert_eq!(reply.data()["visits"], 32);
        let id = ids.first().unwrap();
        assert_eq!(events::count(id, "adopted"), 1);
    }
}

async fn row_112_the_old_cookie_after_the_first_use(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let sid = adopted(&load(&server, &old).send().await.ok());
    with_sid(&server, &sid).send().await.ok();
    server.advance(29 * SECOND);
    load(&server, &old).send().await.ok().without_sid();
    server.advance(SECOND);
    let refused = load(&server, &old).send().await;
    refused.problem(401, "unknown-session");
    with_sid(&server, &sid).send().await.ok();
}

async fn row_112_a_response_that_was_lost(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let lost = adopted(&load(&server, &old).send().await.ok());
    load(&server, &old).send().await.ok().without_sid();
    server.advance(20 * SECOND);
    let sid = adopted(&load(&server, &old).send().await.ok());
    assert_ne!(lost, sid);
    with_sid(&server, &sid).send().await.ok();
    with_sid(&server, &lost)
        .send()
        .await
        .problem(401, "unknown-session");
}

async fn row_112_a_plain_old_cookie(env: Env) {
    let server = env.start().await;
    let old = OldSession::plain(tea_of("ann"));
    adopted(&load(&server, &old).send().await.ok());
    server.advance(59 * SECOND);
    let sid = adopted(&load(&server, &old).send().await.ok());
    server.advance(SECOND);
    assert_gone(&server, &old).await;
    with_sid(&server, &sid).send().await.ok();
}

async fn row_112_a_slow_handler_sends_the_sid_that_works(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let (started, go_on) = (Signal::new(), Signal::new());
    let script = json!([["signal", started], ["await", go_on]]);
    let slow = tokio::spawn(load(&server, &old).script(script).send());
    started.wait().await;
    server.advance(20 * SECOND);
    let replaced = adopted(&load(&server, &old).send().await.ok());
    go_on.send(1);
    let sid = adopted(&slow.await.unwrap().ok());
    with_sid(&server, &sid).send().await.ok();
    with_sid(&server, &replaced)
        .send()
        .await
        .problem(401, "unknown-session");
}

async fn row_113_a_logout(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let script = json!([["destroy"]]);
    let reply = load(&server, &old).script(script.clone()).send().await.ok();
    let lines: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert!(
        lines
            .iter()
            .any(|line| line.as_bytes().starts_with(b"old=;"))
    );
    assert_gone(&server, &old).await;

    let old = OldSession::signed(tea_of("bob"));
    let sid = adopted(&load(&server, &old).send().await.ok());
    with_sid(&server, &sid).script(script).send().await.ok();
    assert_gone(&server, &old).await;
    assert!(!old.is_stored());
}

/// A request reads the old session, and then waits until another one has adopted it and logged out.
async fn row_113_a_request_that_is_slower_than_the_session(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let (reached, go_on) = old.pause();
    let slow = tokio::spawn(load(&server, &old).send());
    reached.wait().await;
    let sid = adopted(&load(&server, &old).send().await.ok());
    let logout = with_sid(&server, &sid).script(json!([["destroy"]]));
    let before = server.stores.count("adopting").await;
    logout.send().await.ok();
    go_on.send(1);
    slow.await.unwrap().problem(401, "unknown-session");
    assert_eq!(server.stores.count("adopting").await, before - 1);
    assert_gone(&server, &old).await;
}

/// The record is there, but not confirmed, and the old session is not removed.
async fn row_114_a_request_that_was_cancelled(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::Refused);
    load(&server, &old)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    assert!(old.is_stored());
    let reply = load(&server, &old).send().await.ok();
    adopted(&reply);
    assert_eq!(reply.json()["subject"], "ann");

    let old = OldSession::signed(tea_of("bob"));
    let faults = server.stores.faults();
    faults.fail_commits(CommitFault::Refused);
    load(&server, &old)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    // The record that was not confirmed has expired.
    server.advance(61 * SECOND);
    adopted(&load(&server, &old).send().await.ok());
}

async fn row_114_a_failing_handler(env: Env) {
    if !env.framework.responds_to_errors() {
        return;
    }
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let script = json!([["push", "/items", "lost"], ["fail", 400]]);
    let reply = load(&server, &old).script(script).send().await.with(400);
    let found = with_sid(&server, &adopted(&reply)).send().await.ok();
    assert_eq!(found.data()["items"], json!(["tea"]));
}

async fn row_115_an_old_store_that_fails(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    old.fail(true);
    for name in ["load", "create", "optional"] {
        let call = old.on(server.get(format!("/adopting/{name}")));
        call.send().await.problem(503, "store-unavailable");
    }
    // `on_store_error: anonymous`
    let optional = old.on(server.get("/adopting-header/optional"));
    assert_eq!(optional.send().await.ok().json()["session"], false);
    old.fail(false);
    adopted(&load(&server, &old).send().await.ok());
}

async fn row_115_an_old_session_that_cannot_be_removed(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    old.fail_removal(true);
    for _ in 0..2 {
        let refused = load(&server, &old).send().await;
        assert!(!refused.headers.contains_key("set-cookie"));
        refused.problem(503, "store-unavailable");
    }
    old.fail_removal(false);
    // The first request was to send the sid.
    let reply = load(&server, &old).send().await.ok().without_sid();
    assert!(!old.is_stored());
    assert_eq!(events::count(&reply.id(), "adopted"), 1);
    if server.stores.has_movable_clock() {
        server.advance(20 * SECOND);
        let sid = adopted(&load(&server, &old).send().await.ok());
        with_sid(&server, &sid).send().await.ok();
    }
}

async fn row_115_a_store_that_fails(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let faults = server.stores.faults();
    faults.fail_inserts(true);
    load(&server, &old)
        .send()
        .await
        .problem(503, "store-unavailable");
    faults.clear();
    assert!(old.is_stored());
    adopted(&load(&server, &old).send().await.ok());
}

async fn row_116_forged_expired_and_unwanted(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let forged = load(&server, &old.forged()).send().await;
    forged.problem(401, "missing-session");
    assert_eq!(old.reads(), 0, "a forged cookie reaches the old store");
    old.expire();
    assert_gone(&server, &old).await;
    let unwanted = OldSession::signed(json!({ "unwanted": true }));
    load(&server, &unwanted)
        .send()
        .await
        .problem(401, "unknown-session");
    assert!(unwanted.is_stored());
}

async fn row_116_data_of_another_type(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(json!({ "cart": "private" }));
    load(&server, &old).send().await.problem(500, "undecodable");
    let reply = old.on(server.get("/adopting/create")).send().await.ok();
    assert_eq!(reply.json()["new"], true, "a login must be possible");
    assert!(old.is_stored());
}

async fn row_116_a_sid_goes_first(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    let call = old.on(server.get("/adopting/load"));
    let call = call.cookie("__Host-sid", "A".repeat(64));
    call.send().await.problem(401, "unknown-session");
    assert_eq!(old.reads(), 0);
    let (sid, _) = (server.get("/adopting/create").send().await.ok()).cookie("__Host-sid");
    let reply = old.on(with_sid(&server, &sid)).send().await.ok();
    assert_eq!(reply.data()["items"], json!([]));
    assert!(old.is_stored());
}

async fn row_117_the_sessions_of_a_user(env: Env) {
    let server = env.start().await;
    let path = "/adopting-limited/load";
    let olds = ["a", "b", "c"].map(|_| OldSession::signed(tea_of("cap")));
    let mut sids = Vec::new();
    for old in &olds {
        sids.push(adopted(&old.on(server.get(path)).send().await.ok()));
        server.advance(SECOND);
    }
    let with_sid = |sid| server.get(path).cookie("__Host-sid", sid);
    let ended = with_sid(&sids[0]).send().await;
    ended.problem(401, "session-replaced");
    let ended = olds[0].on(server.get(path)).send().await;
    ended.problem(401, "session-replaced");
    with_sid(&sids[1]).send().await.ok();
    let devices = with_sid(&sids[2]).script(json!([["devices"]]));
    let devices = devices.send().await.ok().results();
    let listed = devices[0]["sessions"].as_array().map(Vec::len);
    assert_eq!(listed, Some(2), "{devices}");
}

async fn row_118_cross_origin(env: Env) {
    let server = env.start().await;
    let old = OldSession::signed(tea_of("ann"));
    for path in ["/adopting/load", "/adopting-header/load"] {
        let call = old.on(server.call(Method::POST, path));
        let call = call.header("sec-fetch-site", "cross-site");
        call.send().await.problem(403, "cross-origin");
        assert!(old.is_stored());
    }
    adopted(&load(&server, &old).send().await.ok());
}

async fn row_119_login_and_rotate_in_the_adopting_request(env: Env) {
    let server = env.start().await;
    for script in [
        json!([["login", "eve"]]),
        json!([["rotate"], ["reload"]]),
        json!([["rotate"]]),
    ] {
        let old = OldSession::signed(tea_of("ann"));
        let reply = load(&server, &old).script(script.clone()).send().await.ok();
        let sid = adopted(&reply);
        with_sid(&server, &sid).send().await.ok();
        if script != json!([["rotate"], ["reload"]]) {
            let refused = load(&server, &old).send().await;
            refused.problem(401, "unknown-session");
        }
    }
}
