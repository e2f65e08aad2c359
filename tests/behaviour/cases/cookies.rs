//! Cookies, and the origins that they are accepted from.

use http::Method;
use serde_json::json;

use crate::server::{Env, Server};
use crate::support::cases::cases;
use crate::support::client::Call;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_22_attributes_as_declared
        row_22_max_age_follows_the_absolute_deadline
        row_22_max_age_after_a_login
        row_22a_the_lifetime_of_a_session_decides_whether_its_cookie_persists
        row_28_destroy_clears_the_cookie
        row_28b_a_logout_clears_what_the_browser_keeps_of_the_site
        row_28a_a_cookie_from_another_origin
        row_28a_the_own_and_listed_origins_are_allowed
        row_28a_header_sessions_are_exempt;
    memory:;
    encoded:;
}

fn sorted(mut parts: Vec<String>) -> Vec<String> {
    parts.sort();
    parts
}

async fn open(server: &Server, config: &str, cookie: &str) -> String {
    let reply = server.post(format!("/{config}/create")).send().await.ok();
    let (sid, _) = reply.cookie(cookie);
    assert_eq!(sid.len(), 64);
    sid
}

async fn row_22_attributes_as_declared(env: Env) {
    let server = env.start().await;
    let plain = server.post("/cookie-first/create").send().await.ok();
    let (_, attributes) = plain.cookie("__Host-sid");
    assert_eq!(
        sorted(attributes),
        ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    );
    let full = server.post("/jar/create").send().await.ok();
    let (_, attributes) = full.cookie("__Secure-shop.sid");
    let expected = [
        "Domain=example.com",
        "HttpOnly",
        "Max-Age=86400",
        "Path=/jar",
        "SameSite=Strict",
        "Secure",
    ];
    assert_eq!(sorted(attributes), expected);
}

async fn row_22_max_age_follows_the_absolute_deadline(env: Env) {
    let server = env.start().await;
    let mut sid = open(&server, "jar", "__Secure-shop.sid").await;
    for minutes in [20_u64, 40, 60] {
        server.advance(std::time::Duration::from_secs(20 * 60));
        let call = server
            .post("/jar/load")
            .cookie("__Secure-shop.sid", &sid)
            .script(json!([["rotate"]]));
        let (new, attributes) = call.send().await.ok().cookie("__Secure-shop.sid");
        let left = format!("Max-Age={}", 86_400 - minutes * 60);
        assert!(
            attributes.contains(&left),
            "{attributes:?} after {minutes} minutes"
        );
        sid = new;
    }
}

async fn row_22a_the_lifetime_of_a_session_decides_whether_its_cookie_persists(env: Env) {
    let server = env.start().await;
    // `jar` says `persistent`, `cookie-first` does not.
    for (config, cookie) in [("jar", "__Secure-shop.sid"), ("cookie-first", "__Host-sid")] {
        let sid = open(&server, config, cookie).await;
        let set = |idle: u64, absolute: u64| {
            let call = server.post(format!("/{config}/load")).cookie(cookie, &sid);
            call.script(json!([["set_lifetime", idle, absolute]]))
                .send()
        };
        for (idle, absolute, max_age) in [
            (1_000, 7_200, None),
            (1_000, 100_000, Some("Max-Age=100000")),
            (80_000, 86_400, Some("Max-Age=86400")),
            (60, 86_400, None),
            (1_800, 86_400, (config == "jar").then_some("Max-Age=86400")),
        ] {
            let (_, attributes) = set(idle, absolute).await.ok().cookie(cookie);
            let found = attributes.iter().find(|it| it.starts_with("Max-Age"));
            assert_eq!(
                found.map(String::as_str),
                max_age,
                "{config} {idle} {absolute}"
            );
        }
        // The cookie stays as it is when the sid changes later.
        set(1_000, 100_000).await.ok();
        let rotate = server.post(format!("/{config}/load")).cookie(cookie, &sid);
        let reply = rotate.script(json!([["rotate"]])).send().await.ok();
        let (_, attributes) = reply.cookie(cookie);
        assert!(
            attributes.contains(&"Max-Age=100000".to_owned()),
            "{config}"
        );
    }
}

async fn row_22_max_age_after_a_login(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "jar", "__Secure-shop.sid").await;
    server.advance(std::time::Duration::from_secs(20 * 60));
    let call = server
        .post("/jar/load")
        .cookie("__Secure-shop.sid", &sid)
        .script(json!([["login", "ada"]]));
    let (_, attributes) = call.send().await.ok().cookie("__Secure-shop.sid");
    // A login restarts both deadlines, and the browser must keep the cookie until they pass.
    assert!(
        attributes.contains(&"Max-Age=86400".to_owned()),
        "{attributes:?}"
    );
}

async fn row_28_destroy_clears_the_cookie(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "jar", "__Secure-shop.sid").await;
    let destroy = json!([["destroy"]]);
    let call = server
        .post("/jar/load")
        .cookie("__Secure-shop.sid", &sid)
        .script(destroy.clone());
    let (value, attributes) = call
        .send()
        .await
        .ok()
        .without_sid()
        .cookie("__Secure-shop.sid");
    assert_eq!(value, "");
    for part in ["Path=/jar", "Domain=example.com", "Max-Age=0"] {
        assert!(
            attributes.contains(&part.to_owned()),
            "{attributes:?} has no {part}"
        );
    }
    server
        .get("/jar/load")
        .cookie("__Secure-shop.sid", &sid)
        .send()
        .await
        .problem(401, "unknown-session");

    let session = server.open("main").await;
    let by_header = server.run(&session, destroy).send().await.ok();
    assert!(
        !by_header.headers.contains_key("set-cookie"),
        "{by_header:?}"
    );
    if env.framework.responds_to_errors() {
        let sid = open(&server, "jar", "__Secure-shop.sid").await;
        let script = json!([["destroy"], ["fail", 500]]);
        let call = server
            .post("/jar/load")
            .cookie("__Secure-shop.sid", &sid)
            .script(script);
        assert_eq!(
            call.send().await.with(500).cookie("__Secure-shop.sid").0,
            ""
        );
    }
}

async fn row_28b_a_logout_clears_what_the_browser_keeps_of_the_site(env: Env) {
    let server = env.start().await;
    let open_jar = || open(&server, "jar", "__Secure-shop.sid");
    let send = async |sid: &str, script| {
        let call = server.post("/jar/load").cookie("__Secure-shop.sid", sid);
        let reply = call.script(script).send().await;
        reply
            .headers
            .get_all("clear-site-data")
            .iter()
            .fold(String::new(), |values, value| {
                values + value.to_str().unwrap()
            })
    };
    let sid = open_jar().await;
    assert_eq!(send(&sid, json!([["push", "/items", "x"]])).await, "");
    let clears = r#""cache", "storage""#;
    assert_eq!(send(&sid, json!([["destroy"]])).await, clears);
    assert_eq!(send(&sid, json!([])).await, "", "the session is unknown");

    let own = json!([
        ["header", "Clear-Site-Data", r#""clientHints", "cache""#],
        ["destroy"]
    ]);
    let merged = r#""clientHints", "cache", "storage""#;
    assert_eq!(send(&open_jar().await, own).await, merged);
    if env.framework.responds_to_errors() {
        let script = json!([["destroy"], ["fail", 500]]);
        assert_eq!(send(&open_jar().await, script).await, clears);
    }

    // Only where the config says so, and only for cookies.
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    let call = server.post("/cookie-first/load").cookie("__Host-sid", &sid);
    let reply = call.script(json!([["destroy"]])).send().await.ok();
    assert_eq!(reply.cookie("__Host-sid").0, "");
    assert!(!reply.headers.contains_key("clear-site-data"));
}

/// The headers that browsers send with cross-origin requests.
fn cross_origin() -> [fn(Call) -> Call; 6] {
    [
        |call| call.header("Sec-Fetch-Site", "cross-site"),
        |call| call.header("Sec-Fetch-Site", "same-site"),
        |call| call.header("Origin", "https://evil.example"),
        |call| call.header("Origin", "null"),
        |call| call.header("Origin", "https://shop.example.com.evil.example"),
        |call| {
            let call = call.header("Sec-Fetch-Site", "cross-site");
            call.header("Origin", "https://shop.example.com")
        },
    ]
}

async fn row_28a_a_cookie_from_another_origin(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    let ran = Signal::new();
    let with = |method: Method, path: &str| {
        let call = server.call(method, path).cookie("__Host-sid", &sid);
        call.script(json!([["signal", ran], ["push", "/items", "evil"]]))
    };
    let paths = [
        "/cookie-first/load",
        "/cookie-first/optional",
        "/cookie-first/create",
    ];
    let writes = server.stores.writes();
    for cross_origin in cross_origin() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for path in paths {
                let reply = cross_origin(with(method.clone(), path)).send().await;
                reply.problem(403, "cross-origin");
            }
        }
        // A page of another origin cannot set a new session in the browser either.
        let create = cross_origin(server.post("/cookie-first/create"))
            .send()
            .await;
        create.problem(403, "cross-origin");
        cross_origin(server.get("/cookie-first/load").cookie("__Host-sid", &sid))
            .send()
            .await
            .ok();
    }
    assert_eq!(ran.unreceived(), 0, "the handler ran");
    assert_eq!(server.stores.writes(), writes);
}

async fn row_28a_the_own_and_listed_origins_are_allowed(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    let post = || server.post("/cookie-first/load").cookie("__Host-sid", &sid);
    post().send().await.ok();
    post()
        .header("Sec-Fetch-Site", "same-origin")
        .send()
        .await
        .ok();
    post().header("Sec-Fetch-Site", "none").send().await.ok();
    post()
        .header("Origin", "https://shop.example.com")
        .send()
        .await
        .ok();

    let sid = open(&server, "jar", "__Secure-shop.sid").await;
    let post = || server.post("/jar/load").cookie("__Secure-shop.sid", &sid);
    let listed = || post().header("Origin", "https://app.example.com");
    listed().send().await.ok();
    listed()
        .header("Sec-Fetch-Site", "same-site")
        .send()
        .await
        .ok();
    let other = post()
        .header("Origin", "https://app.example.com:8443")
        .send()
        .await;
    other.problem(403, "cross-origin");

    let sid = open(&server, "open-jar", "__Host-open.sid").await;
    for cross_origin in cross_origin() {
        cross_origin(
            server
                .post("/open-jar/load")
                .cookie("__Host-open.sid", &sid),
        )
        .send()
        .await
        .ok();
    }
}

async fn row_28a_header_sessions_are_exempt(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (cookie, _) = server
        .post("/main/cookie/create")
        .send()
        .await
        .ok()
        .cookie("__Host-sid");
    for cross_origin in cross_origin() {
        cross_origin(server.run(&session, json!([["rotate"], ["fail", 400]])))
            .send()
            .await
            .with(400);
        cross_origin(server.post("/main/load").bearer(&session.sid))
            .send()
            .await
            .ok();
        cross_origin(server.post("/main/create")).send().await.ok();
        // The header takes precedence over the cookie.
        let both = server
            .post("/main/load")
            .sid(&session.sid)
            .cookie("__Host-sid", &cookie);
        assert_eq!(cross_origin(both).send().await.ok().id(), session.id);
    }
}
