//! Tests of the examples: each runs as a process and is called over HTTP.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "devices")]
mod devices;
#[cfg(feature = "stores")]
mod processes;
mod program;
#[cfg(feature = "stores")]
#[path = "../shared/servers.rs"]
mod servers;
mod shop;

use std::sync::{Arc, Barrier};
use std::thread;

use program::{Program, Reply};
use serde_json::{Value, json};

fn open(program: &Program) -> String {
    let reply = program.post("/sessions", &[], "");
    assert_eq!(reply.status, 201, "{reply:?}");
    let sid = reply.json()["sid"].as_str().expect("a sid").to_owned();
    assert_eq!(reply.header("x-user-session"), Some(&*sid));
    sid
}

fn with(sid: &str) -> [(&'static str, &str); 1] {
    [("X-User-Session", sid)]
}

fn add(program: &Program, sid: &str, item: &str) -> Reply {
    let headers = [
        ("X-User-Session", sid),
        ("Content-Type", "application/json"),
    ];
    program.post(
        "/cart/items",
        &headers,
        &json!({ "item": item }).to_string(),
    )
}

/// The examples with a cart, with and without a framework.
fn shops() -> impl Iterator<Item = Program> {
    apis().chain([Program::start("hyper_plain")])
}

/// The examples with the whole API, one for each framework.
fn apis() -> impl Iterator<Item = Program> {
    APIS.iter().copied().map(Program::start)
}

const APIS: &[&str] = &[
    "rest_api",
    #[cfg(feature = "frameworks")]
    "actix-api",
    #[cfg(feature = "frameworks")]
    "poem-api",
    #[cfg(feature = "frameworks")]
    "rocket-api",
    #[cfg(feature = "frameworks")]
    "salvo-api",
];

#[test]
fn items_are_added_and_shown_until_the_session_is_closed() {
    for shop in shops() {
        let sid = open(&shop);
        assert_eq!(
            shop.get("/cart", &[]).json(),
            json!({ "items": [], "session": false })
        );
        assert_eq!(
            shop.get("/cart", &with(&sid)).json(),
            json!({ "items": [], "session": true })
        );
        let reply = add(&shop, &sid, "tea");
        assert_eq!(
            (reply.status, reply.json()),
            (200, json!({ "items": ["tea"], "session": true }))
        );
        add(&shop, &sid, "milk");
        assert_eq!(
            shop.get("/cart", &with(&sid)).json()["items"],
            json!(["tea", "milk"])
        );
        assert_eq!(shop.delete("/sessions/current", &with(&sid)).status, 204);
        assert_eq!(
            shop.get("/cart", &with(&sid)).json(),
            json!({ "items": [], "session": false })
        );
        let reply = add(&shop, &sid, "sugar");
        assert_eq!(reply.status, 401);
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
    }
}

#[test]
fn adding_an_item_requires_a_session() {
    for shop in shops() {
        let wrong = "A".repeat(64);
        for sid in ["", "guest", &wrong] {
            let reply = add(&shop, sid, "tea");
            assert_eq!(reply.status, 401, "sid {sid:?}: {reply:?}");
            assert!(reply.header("x-user-session").is_none());
        }
    }
}

#[test]
fn overlapping_requests_lose_no_item() {
    for shop in shops() {
        let sid = open(&shop);
        let replies = at_once(32, |number| add(&shop, &sid, &number.to_string()));
        assert!(
            replies.iter().all(|reply| reply.status == 200),
            "{replies:?}"
        );
        let cart = shop.get("/cart", &with(&sid)).json();
        let mut items: Vec<u32> = cart["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| item.as_str().expect("a text").parse().expect("a number"))
            .collect();
        items.sort_unstable();
        assert_eq!(items, (0..32).collect::<Vec<_>>());
    }
}

#[test]
fn the_current_session_shows_user_and_expiry() {
    for api in apis() {
        assert_eq!(api.get("/sessions/current", &[]).status, 401);
        let opened = api.post("/sessions", &[], "").json();
        let sid = opened["sid"].as_str().expect("a sid").to_owned();
        let current = api.get("/sessions/current", &with(&sid)).json();
        assert_eq!(current["id"], opened["id"]);
        assert_eq!(current["user"], Value::Null);
        let (created, expires) = (
            current["created_at"].as_u64(),
            current["expires_at"].as_u64(),
        );
        assert_eq!(
            expires.unwrap() - created.unwrap(),
            30 * 60,
            "idle for 30 minutes"
        );
    }
}

#[test]
fn a_login_rotates_the_sid_and_keeps_the_cart() {
    for api in apis() {
        let before = open(&api);
        add(&api, &before, "tea");
        let headers = [
            ("X-User-Session", &*before),
            ("Content-Type", "application/json"),
        ];
        let reply = api.post("/login", &headers, r#"{"user":"ada"}"#);
        assert_eq!(reply.status, 200);
        let after = reply.json()["sid"].as_str().expect("a sid").to_owned();
        assert_ne!(before, after);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(api.get("/sessions/current", &with(&before)).status, 401);
        assert_eq!(
            api.get("/sessions/current", &with(&after)).json()["user"],
            "ada"
        );
        assert_eq!(
            api.get("/cart", &with(&after)).json()["items"],
            json!(["tea"])
        );
    }
}

#[test]
fn counters_are_exact_under_overlapping_requests() {
    for api in apis() {
        let sid = open(&api);
        let visits = at_once(32, |_| {
            api.post("/visits", &with(&sid), "").json()["visits"].as_u64()
        });
        let mut visits: Vec<_> = visits
            .into_iter()
            .map(|visits| visits.expect("a number"))
            .collect();
        visits.sort_unstable();
        assert_eq!(visits, (1..=32).collect::<Vec<_>>());
        let views = at_once(32, |_| api.post("/views", &with(&sid), "").status);
        assert!(views.iter().all(|status| *status == 204), "{views:?}");
        let current = api.get("/sessions/current", &with(&sid)).json();
        assert_eq!(
            (&current["visits"], &current["views"]),
            (&json!(32), &json!(32))
        );
    }
}

#[test]
fn a_bearer_token_opens_the_same_session() {
    for api in apis() {
        let sid = open(&api);
        add(&api, &sid, "tea");
        let bearer = format!("Bearer {sid}");
        assert_eq!(
            api.get("/cart", &[("Authorization", &bearer)]).json()["items"],
            json!(["tea"])
        );
    }
}

#[cfg(unix)]
#[test]
fn sigterm_shuts_the_program_down_gracefully() {
    for mut api in apis() {
        open(&api);
        assert!(api.terminate().success());
    }
}

#[test]
fn npm_parity_matches_npm_connect_session() {
    let seed = Program::start("npm_parity");
    let sid = seed.get("/logic/sessions/new", &[]).body;
    assert_eq!(sid.len(), 64);
    assert_eq!(seed.get("/logic/", &with(&sid)).body, sid);
    assert_eq!(seed.get("/logic/", &[]).body, "");
    // An intentional difference: npm `connect-session` creates a session for an unknown sid.
    assert_eq!(seed.get("/logic/", &with(&"A".repeat(64))).body, "");
    for (store, get) in [("/usage/", "/usage/get"), ("/maxage/", "/maxage/get")] {
        let sid = seed.get(store, &[]).body;
        assert_eq!(sid.len(), 64);
        assert_eq!(
            seed.get(store, &with(&sid)).body,
            sid,
            "the same session again"
        );
        assert_eq!(seed.get(get, &with(&sid)).body, "Some value");
    }
    // The session expires after one second of real time.
    let sid = seed.get("/maxage/", &[]).body;
    thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(seed.get("/maxage/get", &with(&sid)).body, "");
}

#[test]
fn a_device_and_a_user_have_their_own_sessions() {
    let program = Program::start("two_configs");
    let device = program.post("/devices", &[], "phone").body;
    let login = program.post("/login", &[], "ada");
    assert_eq!((login.status, &*login.body), (200, "welcome\n"));
    let cookie = login.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.starts_with("__Host-sid="), "{cookie}");
    for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    let cookie = cookie.split(';').next().expect("name and value").to_owned();
    let user = cookie.trim_start_matches("__Host-sid=").to_owned();

    let device_only = program.post("/devices/sync", &[("X-Device-Session", &device)], "");
    assert_eq!(device_only.body, "phone for nobody\n");
    let both = program.post(
        "/devices/sync",
        &[("X-Device-Session", &device), ("Cookie", &cookie)],
        "",
    );
    assert_eq!(both.body, "phone for ada\n");
    assert_eq!(
        program.post("/theme", &[("Cookie", &cookie)], "dark").body,
        "ada likes dark\n"
    );
    // Neither sid opens the other's session.
    assert_eq!(
        program
            .post("/devices/sync", &[("X-Device-Session", &user)], "")
            .status,
        401
    );
    let swapped = format!("__Host-sid={device}");
    assert_eq!(
        program
            .post("/theme", &[("Cookie", &swapped)], "dark")
            .status,
        401
    );
    // A form of another site cannot use the cookie.
    let forged = [("Cookie", &*cookie), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(program.post("/theme", &forged, "evil").status, 403);

    let logout = program.post("/logout", &[("Cookie", &cookie)], "");
    assert_eq!(logout.status, 204);
    assert!(
        logout
            .header("set-cookie")
            .is_some_and(|cookie| cookie.contains("Max-Age=0"))
    );
    assert_eq!(
        program
            .post("/theme", &[("Cookie", &cookie)], "dark")
            .status,
        401
    );
}

#[test]
fn only_the_listed_origin_may_change_the_cookie_session() {
    let api = Program::start("browser_api");
    let app = "https://app.shop.example";
    let opened = api.post("/sessions", &[("Origin", app)], "");
    assert_eq!(opened.status, 201);
    assert_eq!(opened.header("access-control-allow-origin"), Some(app));
    assert_eq!(
        opened.header("access-control-expose-headers"),
        Some("x-user-session")
    );
    let sid = opened.header("x-user-session").expect("a sid");
    let added = api.post("/items", &with(sid), "tea");
    assert_eq!(added.json(), json!({ "items": ["tea"] }));

    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let login = api.post("/login", &[form], "user=ada");
    assert_eq!(login.status, 303);
    let cookie = login.header("set-cookie").expect("a cookie");
    let cookie = ("Cookie", cookie.split(';').next().expect("name and value"));
    let site = ("Sec-Fetch-Site", "same-site");
    let theme = |origin, theme: &str| {
        let headers = [form, cookie, site, ("Origin", origin)];
        api.post("/theme", &headers, &format!("theme={theme}"))
    };
    assert_eq!(theme(app, "dark").status, 303);
    let forged = theme("https://blog.shop.example", "evil");
    assert_eq!(forged.status, 403);
    assert_eq!(forged.header("access-control-allow-origin"), Some(app));
    assert_eq!(
        api.get("/profile", &[cookie]).json(),
        json!({ "user": "ada", "theme": "dark" })
    );
}

#[test]
fn two_cookies_of_one_name_are_refused_once() {
    let api = Program::start("shared_cookie");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let login = || {
        let login = api.post("/login", &[form], "user=ada");
        let cookie = login.header("set-cookie").expect("a cookie");
        cookie.split(';').next().expect("name and value").to_owned()
    };
    let both = format!("{}; {}", login(), login());
    let refused = api.get("/profile", &[("Cookie", &both)]);
    assert_eq!(refused.status, 400);
    let expired = refused.header("set-cookie").expect("an expired cookie");
    assert!(expired.contains("Domain=shop.example") && expired.contains("Max-Age=0"));
    let next = api.get("/profile", &[]);
    assert_eq!(next.json(), json!({ "user": null }));
}

/// Runs `count` threads that start together, and returns their results.
fn at_once<T: Send>(count: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(count));
    let run = &run;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let barrier = barrier.clone();
                scope.spawn(move || {
                    barrier.wait();
                    run(number)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

/// Schemathesis compares the responses with it in `scripts/clients`.
#[test]
fn the_rest_api_serves_its_document() {
    let program = Program::start("rest_api");
    let document = program.get("/openapi.json", &[]).json();
    assert_eq!(document["openapi"], "3.1.0");
    let schemes = document["components"]["securitySchemes"].as_object();
    assert_eq!(schemes.expect("schemes").len(), 2);
    let paths = document["paths"].as_object().expect("paths");
    for (path, method, needs_session) in [
        ("/sessions", "post", false),
        ("/sessions/current", "get", true),
        ("/sessions/current", "delete", true),
        ("/login", "post", false),
        ("/cart", "get", false),
        ("/cart/items", "post", true),
        ("/visits", "post", true),
        ("/views", "post", true),
    ] {
        let operation = &paths[path][method];
        let alternatives = operation["security"].as_array().expect("a requirement");
        assert_eq!(alternatives.contains(&json!({})), !needs_session, "{path}");
        assert_eq!(alternatives.len(), if needs_session { 2 } else { 3 });
        assert_eq!(operation["responses"]["401"].is_object(), needs_session);
        for status in ["409", "503"] {
            let content = &operation["responses"][status]["content"];
            assert!(content["application/problem+json"].is_object(), "{path}");
        }
    }
    let add = &paths["/cart/items"]["post"]["responses"]["422"]["content"];
    assert_eq!(add.as_object().expect("media types").len(), 2);
}
