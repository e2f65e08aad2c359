//! Rotation, login, reset and renewal.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::server::{ClientSession, Env, Server, at_once};
use crate::support::cases::cases;

cases! {
    every_store:
        row_56_rotate
        row_57_rotate_and_then_fail
        row_58_reset
        row_59_an_offer_and_its_first_use
        row_59_an_offer_that_is_never_used
        row_59_an_offer_by_cookie
        row_59_parallel_requests_get_one_valid_offer
        row_60_login
        row_60_login_of_a_new_session
        row_60_login_restarts_both_deadlines
        row_60_login_reports_the_stored_expiry;
    memory:;
    encoded:;
    servers:
        row_56_rotate
        row_57_rotate_and_then_fail
        row_58_reset
        row_60_login
        row_60_login_of_a_new_session;
}

const MINUTE: Duration = Duration::from_secs(60);

async fn row_56_rotate(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "tea"]]))
        .await;
    server.stores.faults().reset_counts();
    let script = json!([["push", "/items", "cake"], ["rotate"], ["rotate"], ["sid"]]);
    let reply = server.run(&session, script).send().await.ok();
    let new = session.with_sid(reply.sid());
    assert_ne!(new.sid, session.sid);
    assert_eq!(
        reply.results(),
        json!([new.sid]),
        "`sid()` does not return the new sid after a rotation"
    );
    assert_eq!(
        (server.stores.faults().commits(), server.stores.writes()),
        (1, 1)
    );
    let found = server.load(&new).send().await.ok().without_sid();
    assert_eq!(found.id(), session.id);
    assert_eq!(found.data()["items"], json!(["tea", "cake"]));
    assert!(!server.is_alive(&session).await);
    assert_eq!(new.events("unknown_sid"), 1);
    assert_eq!(session.events("committed"), 1);
}

async fn row_57_rotate_and_then_fail(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for what in [json!(["rotate"]), json!(["login", "eve"]), json!(["reset"])] {
        let script = json!([["sid"], what, ["fail", 400]]);
        server
            .run(&session, script)
            .send()
            .await
            .with(400)
            .without_sid();
        let reply = server.load(&session).send().await.ok();
        assert_eq!(reply.json()["subject"], json!(null));
    }
    let handled = json!([["rotate"], ["reload"]]);
    server
        .run(&session, handled)
        .send()
        .await
        .ok()
        .without_sid();
    assert!(
        server.is_alive(&session).await,
        "`reload` did not discard the rotation"
    );
}

async fn row_58_reset(env: Env) {
    let server = env.start().await;
    let start = json!([["push", "/items", "tea"], ["login", "ada"]]);
    let session = server.open_with("main", start).await;
    let script = json!([
        ["push", "/items", "lost"],
        ["reset"],
        ["set", "/note", "after"]
    ]);
    let reply = server.run(&session, script).send().await.ok();
    assert_eq!(reply.id(), session.id);
    let new = session.with_sid(reply.sid());
    let found = server.load(&new).send().await.ok();
    assert_eq!(found.data()["items"], json!([]));
    assert_eq!(found.data()["note"], "after");
    assert_eq!(found.json()["subject"], json!(null));
    assert!(!server.is_alive(&session).await);

    let reply = server.run(&new, json!([["reset"]])).send().await.ok();
    assert_eq!(
        server.data(&session.with_sid(reply.sid())).await["note"],
        ""
    );
    let fresh = json!([["push", "/items", "lost"], ["login", "ada"], ["reset"]]);
    let reply = server.post("/main/create").script(fresh).send().await.ok();
    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    assert_eq!(
        (&found.data()["items"], &found.json()["subject"]),
        (&json!([]), &json!(null))
    );
}

/// The sid that a load offers, if any.
async fn offered(server: &Server, session: &ClientSession) -> Option<ClientSession> {
    let reply = server.load(session).send().await.ok();
    let sid = reply.sids().into_iter().next()?;
    assert_eq!(reply.cache(), "no-store");
    assert_eq!(sid, reply.sid());
    Some(session.with_sid(sid))
}

async fn row_59_an_offer_and_its_first_use(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("renewing", json!([["push", "/items", "kept"]]))
        .await;
    server.advance(Duration::from_millis(10 * 60_000 - 1));
    assert!(offered(&server, &session).await.is_none(), "too early");
    server.advance(Duration::from_millis(1));
    let new = offered(&server, &session).await.expect("an offer");
    assert_ne!(new.sid, session.sid);
    assert!(
        offered(&server, &session).await.is_none(),
        "an offer is pending"
    );
    assert_eq!(session.events("renewed"), 1);
    // The grace period begins with the first use of the offer, however late.
    server.advance(5 * MINUTE);
    assert!(server.is_alive(&session).await);
    assert_eq!(server.data(&new).await["items"], json!(["kept"]));
    server.advance(Duration::from_secs(29));
    server
        .run(&session, json!([["push", "/items", "in time"]]))
        .send()
        .await
        .ok()
        .without_sid();
    server.advance(Duration::from_secs(1));
    assert!(!server.is_alive(&session).await);
    assert_eq!(server.data(&new).await["items"], json!(["kept", "in time"]));
    server.advance(10 * MINUTE);
    assert!(offered(&server, &new).await.is_some(), "the next offer");
}

async fn row_59_an_offer_that_is_never_used(env: Env) {
    let server = env.start().await;
    let session = server.open("renewing").await;
    let mut offers = Vec::new();
    for _ in 0..5 {
        server.advance(10 * MINUTE);
        offers.push(offered(&server, &session).await.expect("an offer"));
        assert!(server.is_alive(&session).await);
    }
    // Only the last offer is valid, and the current sid stays valid.
    let (last, replaced) = offers.split_last().unwrap();
    for offer in replaced {
        assert!(!server.is_alive(offer).await, "a replaced offer is valid");
    }
    assert!(server.is_alive(&session).await);
    assert!(server.is_alive(last).await);
}

async fn row_59_an_offer_by_cookie(env: Env) {
    let server = env.start().await;
    let dead = "A".repeat(64);
    let create = server.post("/renewing/create").cookie("__Host-sid", &dead);
    let (old, _) = create.send().await.ok().cookie("__Host-sid");
    server.advance(10 * MINUTE);
    let load = |sid: &str| server.get("/renewing/load").cookie("__Host-sid", sid);
    let (new, _) = load(&old).send().await.ok().cookie("__Host-sid");
    load(&new).send().await.ok();
    load(&old).send().await.ok();
    server.advance(Duration::from_secs(30));
    load(&old).send().await.problem(401, "unknown-session");
    load(&new).send().await.ok();
}

async fn row_59_parallel_requests_get_one_valid_offer(env: Env) {
    let server = env.start().await;
    for _ in 0..10 {
        let session = server.open("renewing").await;
        server.advance(10 * MINUTE);
        let replies = at_once((0..20).map(|_| server.load(&session))).await;
        let offers: BTreeSet<_> = replies
            .into_iter()
            .flat_map(|reply| reply.ok().sids())
            .collect();
        let mut living = 0;
        // Using a valid offer promotes it and invalidates the others.
        for offer in &offers {
            living += usize::from(server.is_alive(&session.with_sid(offer)).await);
        }
        assert_eq!((living, offers.len()), (1, 1));
    }
}

async fn row_60_login(env: Env) {
    let server = env.start().await;
    let session = server
        .open_with("main", json!([["push", "/items", "tea"]]))
        .await;
    let reply = server
        .run(
            &session,
            json!([["login", "ada"], ["push", "/items", "cake"]]),
        )
        .send()
        .await
        .ok();
    assert_eq!(reply.json()["subject"], "ada");
    let new = session.with_sid(reply.sid());
    let found = server.load(&new).send().await.ok();
    assert_eq!(found.id(), session.id);
    assert_eq!(found.json()["subject"], "ada");
    assert_eq!(found.data()["items"], json!(["tea", "cake"]));
    assert!(!server.is_alive(&session).await);
    // A rotation keeps the subject; another login replaces it.
    let rotated = server.run(&new, json!([["rotate"]])).send().await.ok();
    let rotated = new.with_sid(rotated.sid());
    assert_eq!(
        server.load(&rotated).send().await.ok().json()["subject"],
        "ada"
    );
    let again = server
        .run(&rotated, json!([["login", "eve"], ["login", "bob"]]))
        .send()
        .await
        .ok();
    let again = server.load(&new.with_sid(again.sid())).send().await.ok();
    assert_eq!(again.json()["subject"], "bob");
}

async fn row_60_login_of_a_new_session(env: Env) {
    let server = env.start().await;
    let script = json!([["login", "ada"], ["push", "/items", "tea"], ["sid"]]);
    let reply = server.post("/main/create").script(script).send().await.ok();
    assert_eq!(reply.results(), json!([reply.sid()]));
    let found = server.get("/main/load").sid(reply.sid()).send().await.ok();
    assert_eq!(found.json()["subject"], "ada");
    assert_eq!(found.data()["items"], json!(["tea"]));
    assert_eq!(
        (
            server.stores.faults().inserts(),
            server.stores.faults().commits()
        ),
        (1, 0)
    );
}

async fn row_60_login_restarts_both_deadlines(env: Env) {
    let server = env.start().await;
    let mut session = server.open("main").await;
    let active = async |session: &ClientSession, rounds| {
        for _ in 0..rounds {
            server.advance(20 * MINUTE);
            assert!(server.is_alive(session).await);
        }
    };
    active(&session, 35).await;
    let reply = server
        .run(&session, json!([["login", "ada"]]))
        .send()
        .await
        .ok();
    session = session.with_sid(reply.sid());
    active(&session, 35).await;
    let life = server.load(&session).send().await.ok().json();
    let life = life["expires"].as_u64().unwrap() - life["created"].as_u64().unwrap();
    assert_eq!(life, 2 * 12 * 3_600_000 - 20 * 60_000);
    server.advance(20 * MINUTE);
    assert!(!server.is_alive(&session).await);
}

async fn row_60_login_reports_the_stored_expiry(env: Env) {
    let server = env.start().await;
    for what in [json!(["login", "ada"]), json!(["reset"])] {
        let session = server.open("main").await;
        for _ in 0..35 {
            server.advance(20 * MINUTE);
            assert!(server.is_alive(&session).await);
        }
        // The operation restarts the deadlines twenty minutes before the session ends.
        let reply = server.run(&session, json!([what])).send().await.ok();
        let found = server
            .load(&session.with_sid(reply.sid()))
            .send()
            .await
            .ok();
        assert_eq!(
            reply.json()["expires"],
            found.json()["expires"],
            "after {what}"
        );
    }
}
