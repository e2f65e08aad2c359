//! The sessions of a user: logins, lists, limits, and handlers that need a login.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::client::Reply;
use crate::support::events;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_97_a_handler_for_users
        row_97_a_user_or_none
        row_97_a_fresh_login
        row_97_a_level
        row_98_a_step_up
        row_98_a_renewal_is_no_proof
        row_101_events_name_the_user;
    memory:
        row_94_devices
        row_94_others_are_ended_only_after_a_proof
        row_94a_still_alive
        row_95_a_login_that_began_before_the_end
        row_96_the_oldest_session_ends
        row_96a_a_login_is_refused
        row_99_a_replaced_sid_comes_back;
    encoded:;
    sqlite:
        row_94_devices
        row_94_others_are_ended_only_after_a_proof
        row_94a_still_alive
        row_95_a_login_that_began_before_the_end
        row_96_the_oldest_session_ends
        row_96a_a_login_is_refused
        row_99_a_replaced_sid_comes_back;
    servers:
        row_94_devices
        row_94_others_are_ended_only_after_a_proof
        row_94a_still_alive
        row_95_a_login_that_began_before_the_end
        row_96_the_oldest_session_ends
        row_96a_a_login_is_refused
        row_97_a_handler_for_users
        row_97_a_level
        row_98_a_step_up
        row_101_events_name_the_user;
}

const MINUTE: Duration = Duration::from_secs(60);

impl Server {
    /// A new session of a user.
    async fn log_in(&self, config: &'static str, user: &str) -> ClientSession {
        // Logins of the same millisecond have no order.
        if self.stores.has_movable_clock() {
            self.advance(Duration::from_millis(1));
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let script = json!([["label", format!("device of {user}")], ["login", user]]);
        self.open_with(config, script).await
    }

    /// Asks a handler of `Main` below `/main/user`.
    async fn ask(&self, handler: &str, session: &ClientSession, script: Value) -> Reply {
        let call = self.post(format!("/main/user/{handler}"));
        call.sid(&session.sid).script(script).send().await
    }

    async fn devices(&self, session: &ClientSession) -> Value {
        let reply = self.run(session, json!([["devices"]])).send().await.ok();
        reply.results()[0].clone()
    }
}

async fn row_94_devices(env: Env) {
    let server = env.start().await;
    let anonymous = server.open("main").await;
    assert_eq!(server.devices(&anonymous).await, Value::Null);
    let phone = server.log_in("main", "ada").await;
    let laptop = server.log_in("main", "ada").await;
    let foreign = server.log_in("main", "bob").await;
    let devices = server.devices(&phone).await;
    let shown = devices["sessions"].as_array().unwrap().iter();
    let shown = shown.map(|shown| {
        assert_eq!(shown["created_at"], shown["logged_in_at"]);
        assert!(shown["last_seen_at"].as_u64() < shown["expires_at"].as_u64());
        json!([
            shown["id"],
            shown["label"],
            shown["level"],
            shown["is_current"]
        ])
    });
    let expected = json!([
        [laptop.id, "device of ada", 1, false],
        [phone.id, "device of ada", 1, true],
    ]);
    assert_eq!(shown.collect::<Value>(), expected);
    assert!(!devices.to_string().contains(&laptop.sid[24..]));

    for (id, ended) in [(&foreign, false), (&laptop, true), (&laptop, false)] {
        let reply = server
            .run(&phone, json!([["end", id.id]]))
            .send()
            .await
            .ok();
        assert_eq!(reply.results(), json!([ended]));
    }
    assert!(server.is_alive(&foreign).await && server.is_alive(&phone).await);
    assert!(!server.is_alive(&laptop).await);
    assert_eq!(laptop.events("revoked"), 1);
    let mut revoked = events::of(&laptop.id);
    revoked.retain(|seen| seen.name == "revoked");
    assert_eq!(revoked[0].subject.as_deref(), Some("ada"));

    let tablet = server.log_in("main", "ada").await;
    let reply = server.run(&tablet, json!([["end_all"]])).send().await;
    assert_eq!(reply.ok().results(), json!([2]));
    assert!(!server.is_alive(&phone).await && !server.is_alive(&tablet).await);
    assert!(server.is_alive(&foreign).await);
}

async fn row_94_others_are_ended_only_after_a_proof(env: Env) {
    let server = env.start().await;
    let anonymous = server.open("main").await;
    let others = json!([["end_others"]]);
    let reply = server.run(&anonymous, others.clone()).send().await;
    if env.framework.responds_to_errors() {
        reply.problem(401, "login-required");
    }
    let phone = server.log_in("main", "ada").await;
    let laptop = server.log_in("main", "ada").await;
    let script = json!([["try", ["end_others"]]]);
    let reply = server.ask("required", &phone, script).await.ok();
    assert_eq!(reply.results(), json!(["ReauthenticationRequired"]));
    assert!(server.is_alive(&laptop).await);
    let reply = server.ask("fresh", &phone, others.clone()).await.ok();
    assert_eq!(reply.results(), json!([1]));
    assert!(!server.is_alive(&laptop).await && server.is_alive(&phone).await);

    let laptop = server.log_in("main", "ada").await;
    let script = json!([["reauthenticate"], ["end_others"]]);
    let reply = server.run(&phone, script).send().await.ok();
    assert_eq!(reply.results(), json!([1]));
    assert!(!server.is_alive(&laptop).await);
    assert!(server.is_alive(&phone.with_sid(reply.sid())).await);
}

async fn row_94a_still_alive(env: Env) {
    let server = env.start().await;
    for is_ended in [false, true] {
        let session = server.log_in("main", "ada").await;
        let (asked, ended) = (Signal::new(), Signal::new());
        let script = json!([
            ["still_alive"],
            ["signal", asked],
            ["await", ended],
            ["still_alive"]
        ]);
        let open = tokio::spawn(server.run(&session, script).send());
        asked.wait().await;
        if is_ended {
            server.run(&session, json!([["end_all"]])).send().await.ok();
        }
        ended.send(1);
        let reply = open.await.unwrap();
        assert_eq!(reply.ok().results(), json!([true, !is_ended]));
    }
}

async fn row_95_a_login_that_began_before_the_end(env: Env) {
    let server = env.start().await;
    let other = server.log_in("main", "ada").await;
    let (begun, checked) = (Signal::new(), Signal::new());
    let script = json!([["login_after", "ada", begun, checked], ["sid"]]);
    let login = tokio::spawn(server.post("/main/create").script(script).send());
    begun.wait().await;
    server.run(&other, json!([["end_all"]])).send().await.ok();
    checked.send(1);
    login.await.unwrap().problem(409, "login-revoked");
    assert!(!server.is_alive(&other).await);

    // One that begins after it.
    let (begun, checked) = (Signal::new(), Signal::new());
    checked.send(1);
    let script = json!([["login_after", "ada", begun, checked]]);
    server.open_with("main", script).await;
}

async fn row_96_the_oldest_session_ends(env: Env) {
    let server = env.start().await;
    let first = server.log_in("limited", "ada").await;
    let foreign = server.log_in("limited", "bob").await;
    let second = server.log_in("limited", "ada").await;
    assert!(server.is_alive(&first).await && server.is_alive(&second).await);
    let third = server.log_in("limited", "ada").await;
    assert_eq!(
        (first.events("replaced"), third.events("logged_in")),
        (1, 1)
    );
    for session in [&second, &third, &foreign] {
        assert!(server.is_alive(session).await);
    }
    // Each request of its client is told why. A request with the id and another secret is not.
    for _ in 0..2 {
        let reply = server.load(&first).send().await;
        reply.problem(401, "session-replaced");
    }
    let reply = server.load(&first.forged()).send().await;
    reply.problem(401, "unknown-session");
    // For everything else it has ended.
    let optional = server.get("/limited/optional").sid(&first.sid).send().await;
    assert_eq!(optional.ok().json()["session"], false);
    let reply = server.post("/limited/create").sid(&first.sid).send().await;
    assert_ne!(reply.ok().id(), first.id);
    for session in [&second, &third, &foreign] {
        assert!(server.is_alive(session).await);
    }
}

async fn row_96a_a_login_is_refused(env: Env) {
    let server = env.start().await;
    let first = server.log_in("refusing", "ada").await;
    server.log_in("refusing", "ada").await;
    let login = json!([["login", "ada"]]);
    let reply = server.post("/refusing/create").script(login.clone()).send();
    reply.await.problem(409, "too-many-sessions");
    assert!(server.is_alive(&first).await);
    // Again with a session of the user.
    server.run(&first, login).send().await.ok();
}

async fn row_97_a_handler_for_users(env: Env) {
    let server = env.start().await;
    let handler = "/main/user/required";
    let reply = server.get(handler).send().await;
    let reply = reply.problem(401, "missing-session");
    assert_eq!(reply.challenge(), "Bearer");
    let session = server
        .open_with("main", json!([["set", "/note", "kept"]]))
        .await;
    let reply = server.get(handler).sid(&session.sid).send().await;
    let reply = reply.problem(401, "login-required");
    let expected = "Bearer error=\"insufficient_user_authentication\"";
    assert_eq!(reply.challenge(), expected);
    assert_eq!(server.data(&session).await["note"], "kept");

    let reply = server.run(&session, json!([["login", "ada"]])).send().await;
    let session = session.with_sid(reply.ok().sid());
    let script = json!([["set", "/note", "changed"]]);
    let reply = server.ask("required", &session, script).await.ok();
    assert_eq!(reply.json()["subject"], "ada");
    assert_eq!(server.data(&session).await["note"], "changed");
    server
        .ask("required", &session, json!([["destroy"]]))
        .await
        .ok();
    assert!(!server.is_alive(&session).await);
}

async fn row_97_a_user_or_none(env: Env) {
    let server = env.start().await;
    let handler = "/main/user/optional";
    let reply = server.get(handler).send().await.ok();
    assert_eq!(reply.json()["session"], false);
    let session = server.open("main").await;
    let reply = server.get(handler).sid(&session.sid).send().await.ok();
    assert_eq!(reply.json()["session"], false);
    assert!(server.is_alive(&session).await);
    let session = server.log_in("main", "ada").await;
    let reply = server.get(handler).sid(&session.sid).send().await.ok();
    assert_eq!(reply.json()["subject"], "ada");
}

async fn row_97_a_fresh_login(env: Env) {
    let server = env.start().await;
    let anonymous = server.open("main").await;
    let reply = server.ask("fresh", &anonymous, json!([])).await;
    reply.problem(401, "login-required");
    let session = server.log_in("main", "ada").await;
    server.advance(Duration::from_millis(5 * 60_000 - 1));
    server.ask("fresh", &session, json!([])).await.ok();
    // A use is no proof.
    server.advance(Duration::from_millis(1));
    let script = json!([["set", "/note", "not reached"]]);
    let reply = server.ask("fresh", &session, script).await;
    let reply = reply.problem(401, "reauthentication-required");
    assert_eq!(reply.json()["max_age"], 300);
    let expected = "Bearer error=\"insufficient_user_authentication\", max_age=\"300\"";
    assert_eq!(reply.challenge(), expected);
    assert_eq!(server.data(&session).await["note"], "");
    // Nor is a new sid.
    let reply = server.run(&session, json!([["rotate"]])).send().await.ok();
    let session = session.with_sid(reply.sid());
    let reply = server.ask("fresh", &session, json!([])).await;
    reply.problem(401, "reauthentication-required");
    let reply = server
        .run(&session, json!([["reauthenticate"]]))
        .send()
        .await
        .ok();
    let session = session.with_sid(reply.sid());
    server.advance(Duration::from_millis(5 * 60_000 - 1));
    server.ask("fresh", &session, json!([])).await.ok();
}

async fn row_97_a_level(env: Env) {
    let server = env.start().await;
    let session = server.log_in("main", "ada").await;
    let reply = server.ask("level", &session, json!([])).await;
    let reply = reply.problem(401, "step-up-required");
    assert_eq!(reply.json()["level"], 2);
    let expected = "Bearer error=\"insufficient_user_authentication\", acr_values=\"2\"";
    assert_eq!(reply.challenge(), expected);
    let reply = server
        .run(&session, json!([["step_up", 2]]))
        .send()
        .await
        .ok();
    let session = session.with_sid(reply.sid());
    let reply = server.ask("level", &session, json!([["level"]])).await.ok();
    assert_eq!(reply.results(), json!([2]));
    // The next login begins with the first level again.
    let reply = server
        .run(&session, json!([["login", "ada"]]))
        .send()
        .await
        .ok();
    let session = session.with_sid(reply.sid());
    let reply = server.ask("level", &session, json!([])).await;
    reply.problem(401, "step-up-required");
}

async fn row_98_a_step_up(env: Env) {
    let server = env.start().await;
    let anonymous = server.open("main").await;
    let script = json!([
        ["try", ["step_up", 2]],
        ["try", ["reauthenticate"]],
        ["level"]
    ]);
    let reply = server.run(&anonymous, script).send().await.ok();
    assert_eq!(
        reply.results(),
        json!(["LoginRequired", "LoginRequired", 0])
    );

    let session = server.log_in("main", "ada").await;
    let before = server.load(&session).send().await.ok();
    // A request that began before goes on, and its change is stored.
    let (begun, done) = (Signal::new(), Signal::new());
    let script = json!([
        ["signal", begun],
        ["await", done],
        ["push", "/items", "tea"]
    ]);
    let parallel = tokio::spawn(server.run(&session, script).send());
    begun.wait().await;
    let script = json!([["step_up", 2], ["level"]]);
    let reply = server.run(&session, script).send().await.ok();
    assert_eq!(reply.results(), json!([2]));
    let new = session.with_sid(reply.sid());
    done.send(1);
    parallel.await.unwrap().ok().without_sid();
    assert!(!server.is_alive(&session).await, "the old sid");
    let found = server.load(&new).send().await.ok();
    assert_eq!(found.data()["items"], json!(["tea"]));
    assert_eq!(found.json()["created"], before.json()["created"]);
}

async fn row_98_a_renewal_is_no_proof(env: Env) {
    let server = env.start().await;
    let session = server.log_in("renewing", "ada").await;
    let before = server.load(&session).send().await.ok();
    assert!(before.json()["authenticated"].is_u64());
    server.advance(10 * MINUTE);
    let offered = server.load(&session).send().await.ok().sid();
    let renewed = session.with_sid(offered);
    let after = server.load(&renewed).send().await.ok();
    assert_eq!(
        after.json()["authenticated"],
        before.json()["authenticated"]
    );
    let reply = server.run(&renewed, json!([["reauthenticate"]])).send();
    let renewed = renewed.with_sid(reply.await.ok().sid());
    let proved = server.load(&renewed).send().await.ok();
    let since = |reply: &Reply| reply.json()["authenticated"].as_u64().unwrap();
    assert_eq!(since(&proved) - since(&before), 10 * 60 * 1_000);
}

async fn row_99_a_replaced_sid_comes_back(env: Env) {
    let server = env.start().await;
    for (config, ends) in [("renewing", false), ("watchful", true)] {
        let old = server.log_in(config, "ada").await;
        server.advance(9 * MINUTE + Duration::from_secs(59));
        assert!(server.is_alive(&old).await);
        server.advance(Duration::from_secs(1));
        let new = old.with_sid(server.load(&old).send().await.ok().sid());
        assert!(server.is_alive(&new).await);
        assert!(server.is_alive(&old).await, "within the grace period");
        server.advance(Duration::from_secs(31));
        assert!(!server.is_alive(&old.forged()).await);
        assert!(server.is_alive(&new).await);
        assert_eq!(old.events("secret_reused"), 0);

        assert!(!server.is_alive(&old).await);
        let mut reused = events::of(&old.id);
        reused.retain(|seen| seen.name == "secret_reused");
        assert_eq!(reused.len(), 1);
        assert_eq!(reused[0].subject.as_deref(), Some("ada"));
        assert_eq!(server.is_alive(&new).await, !ends, "{config}");
    }
}

async fn row_101_events_name_the_user(env: Env) {
    // An event has the user as it is; only a text for people would have to escape it.
    let user = "grace \"\n|";
    let server = env.start().await;
    let session = server.open("main").await;
    let steps = [
        json!(["rotate"]),
        json!(["login", user]),
        json!(["step_up", 2]),
        json!(["reset"]),
        json!(["login", user]),
        json!(["destroy"]),
    ];
    let mut sid = session.sid.clone();
    for step in steps {
        let call = server.run(&session.with_sid(&sid), json!([step]));
        let reply = call.send().await.ok();
        sid = reply.sids().pop().unwrap_or(sid);
    }
    let seen = events::of(&session.id).into_iter().filter_map(|seen| {
        assert!(
            !seen.text.lines().next().unwrap().contains("grace"),
            "{}",
            seen.text
        );
        let routine = ["created", "loaded", "committed"].contains(&seen.name);
        (!routine).then_some((seen.name, seen.subject))
    });
    let of_user = |name| (name, Some(user.to_owned()));
    let expected = [
        ("rotated", None),
        of_user("logged_in"),
        of_user("reauthenticated"),
        ("reset", None),
        of_user("logged_in"),
        of_user("destroyed"),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}
