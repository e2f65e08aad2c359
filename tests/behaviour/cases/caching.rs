//! Response headers for caches and for pages of other origins.

use serde_json::{Value, json};

use crate::server::Env;
use crate::support::cases::cases;
use crate::support::client::{Call, Reply};

cases! {
    every_store:
        row_24_a_response_with_a_sid_is_not_cached
        row_24_a_response_of_a_session_is_private
        row_24b_shared_caches_do_not_store_a_response_of_a_session
        row_24b_a_handler_can_share_its_response
        row_24c_headers_for_shared_caches_only_are_restricted
        row_24a_a_401_of_the_application_keeps_its_headers
        row_25_vary_is_merged
        row_26_expose_headers_is_merged;
    memory:;
    encoded:;
}

async fn row_24_a_response_with_a_sid_is_not_cached(env: Env) {
    let server = env.start().await;
    let public = ["header", "Cache-Control", "public, max-age=60"];
    for path in ["/main/create", "/main/cookie/create", "/jar/create"] {
        let reply = server.post(path).script(json!([public])).send().await.ok();
        assert_eq!(reply.cache(), "no-store", "{path}");
    }
    let session = server.open("main").await;
    let read = server
        .run(&session, json!([public, public, ["sid"]]))
        .send()
        .await
        .ok();
    assert_eq!(read.cache(), "no-store");
    assert_eq!(read.results(), json!([session.sid]));
    let rotated = server
        .run(&session, json!([public, ["rotate"]]))
        .send()
        .await
        .ok();
    assert_eq!(rotated.cache(), "no-store");
    let (sid, _) = server
        .post("/jar/create")
        .send()
        .await
        .ok()
        .cookie("__Secure-shop.sid");
    let cleared = server
        .post("/jar/load")
        .cookie("__Secure-shop.sid", sid)
        .script(json!([public, ["destroy"]]));
    assert_eq!(cleared.send().await.ok().cache(), "no-store");
}

async fn row_24_a_response_of_a_session_is_private(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let private = "private, no-cache";
    assert_eq!(server.load(&session).send().await.ok().cache(), private);
    let optional = server.get("/main/optional").sid(&session.sid);
    assert_eq!(optional.send().await.ok().cache(), private);
    let changed = server
        .run(&session, json!([["push", "/items", "tea"]]))
        .send()
        .await
        .ok();
    assert_eq!(changed.cache(), private);
    let own = json!([["header", "Cache-Control", "max-age=60"]]);
    let none = server.get("/main/optional");
    assert_eq!(none.clone().send().await.ok().cache(), "");
    assert_eq!(none.script(own).send().await.ok().cache(), "max-age=60");
    if env.framework.responds_to_errors() {
        let failed = server
            .run(&session, json!([["fail", 418]]))
            .send()
            .await
            .with(418);
        assert_eq!(failed.cache(), private);
        let read = server.run(&session, json!([["sid"], ["fail", 418]]));
        assert_eq!(read.send().await.with(418).cache(), "no-store");
    }
}

/// The `Cache-Control` headers that a handler sets, and the one that is sent.
const DIRECTIVES: [(&[&str], &str); 8] = [
    (&["public, max-age=60"], "private, max-age=60"),
    (&["Public", "S-MAXAGE=60, max-age=5"], "private, max-age=5"),
    (&["max-age=60, immutable"], "private, max-age=60, immutable"),
    (&["no-cache"], "private, no-cache"),
    (
        &["private=\"x-total, x\", must-revalidate"],
        "private, must-revalidate",
    ),
    (&["private, max-age=60"], "private, max-age=60"),
    (&["no-store"], "no-store"),
    (&["public, no-store"], "no-store"),
];

async fn row_24b_shared_caches_do_not_store_a_response_of_a_session(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for (lines, expected) in DIRECTIVES {
        let headers = lines
            .iter()
            .map(|line| json!(["header", "Cache-Control", line]));
        let script = json!(headers.collect::<Vec<_>>());
        let call = |path: &str| server.post(path).script(script.clone());
        for path in ["/main/load", "/main/optional", "/main/create"] {
            let reply = call(path).sid(&session.sid).send().await.ok();
            assert_eq!(reply.cache(), expected, "{path} {lines:?}");
            assert_eq!(reply.headers.get_all("cache-control").iter().count(), 1);
        }
        // Without a session, the header is left alone.
        let reply = call("/main/optional").send().await.ok();
        let sent: Vec<_> = reply.headers.get_all("cache-control").iter().collect();
        assert_eq!(sent, *lines, "{lines:?}");
    }
}

async fn row_24b_a_handler_can_share_its_response(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let call = |script| server.post("/main/shared").sid(&session.sid).script(script);
    let public = json!(["header", "Cache-Control", "public, max-age=60"]);
    let shared = call(json!([public])).send().await.ok();
    assert_eq!(shared.cache(), "public, max-age=60");
    assert_eq!(
        call(json!([])).send().await.ok().cache(),
        "private, no-cache"
    );
    // A sid is never shared.
    let script = json!([public, ["sid"]]);
    assert_eq!(call(script).send().await.ok().cache(), "no-store");
    let rotated = call(json!([public, ["rotate"]])).send().await.ok();
    assert_eq!(rotated.cache(), "no-store");
    let refused = call(json!([public])).send().await.with(401);
    assert_eq!(refused.cache(), "no-store");
}

/// Headers that a shared cache obeys in place of `Cache-Control`.
const FOR_SHARED_CACHES: [&str; 3] = [
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Surrogate-Control",
];

async fn row_24c_headers_for_shared_caches_only_are_restricted(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let public = FOR_SHARED_CACHES.map(|name| json!(["header", name, "public, max-age=60"]));
    let call = |path: &str, more: &[Value]| {
        let script = [&public, more].concat();
        server.post(path).script(json!(script))
    };
    let sent = |reply: &Reply| FOR_SHARED_CACHES.map(|name| reply.text(name));
    let known = |path: &str, more: &[Value]| call(path, more).sid(&session.sid);
    for reply in [
        known("/main/load", &[]).send().await.ok(),
        known("/main/optional", &[]).send().await.ok(),
        known("/main/load", &[json!(["sid"])]).send().await.ok(),
        call("/main/create", &[]).send().await.ok(),
        // A sid is never shared.
        known("/main/shared", &[json!(["sid"])]).send().await.ok(),
    ] {
        assert_eq!(sent(&reply), ["no-store"; 3]);
    }
    let shared = known("/main/shared", &[]).send().await.ok();
    assert_eq!(sent(&shared), ["public, max-age=60"; 3]);
    let without_session = call("/main/optional", &[]).send().await.ok();
    assert_eq!(sent(&without_session), ["public, max-age=60"; 3]);
}

async fn row_24a_a_401_of_the_application_keeps_its_headers(env: Env) {
    let server = env.start().await;
    let own = json!([
        ["status", 401],
        ["header", "WWW-Authenticate", "Basic"],
        ["header", "Cache-Control", "private, max-age=60"],
    ]);
    let session = server.open("main").await;
    for path in ["/main/optional", "/bearer/optional"] {
        for sid in [None, Some(&session.sid), Some(&session.forged().sid)] {
            let call = server.get(path).script(own.clone());
            let call = sid.into_iter().fold(call, Call::sid);
            let reply = call.send().await.with(401);
            assert_eq!(reply.challenge(), "Basic");
            assert_eq!(reply.cache(), "private, max-age=60");
        }
    }
}

async fn row_25_vary_is_merged(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let vary = |reply: &Reply| {
        let text = reply.text("vary").to_lowercase();
        let mut names: Vec<_> = text.split(',').map(|name| name.trim().to_owned()).collect();
        names.sort();
        names
    };
    let ours = ["authorization", "cookie", "x-user-session"];
    let refused = server.get("/main/load").send().await.with(401);
    let none = server.get("/main/optional").send().await.ok();
    let options = server
        .get("/main/load")
        .method(http::Method::OPTIONS)
        .send()
        .await
        .with(204);
    for reply in [
        server.load(&session).send().await.ok(),
        refused,
        none,
        options,
    ] {
        assert_eq!(vary(&reply), ours);
    }
    let own = json!([
        ["header", "Vary", "Accept"],
        ["header", "Vary", "origin, COOKIE"]
    ]);
    let reply = server.run(&session, own).send().await.ok();
    assert_eq!(
        vary(&reply),
        [
            "accept",
            "authorization",
            "cookie",
            "origin",
            "x-user-session"
        ]
    );
    let reply = server
        .run(&session, json!([["header", "Vary", "*"]]))
        .send()
        .await
        .ok();
    assert_eq!(vary(&reply), ["*"]);
    // A sid in the URL is part of the cache key.
    assert_eq!(
        server
            .get("/urls/-/optional")
            .send()
            .await
            .ok()
            .text("vary"),
        ""
    );
}

async fn row_26_expose_headers_is_merged(env: Env) {
    let server = env.start().await;
    let exposed = |reply: &Reply| reply.text("access-control-expose-headers").to_lowercase();
    let create = || {
        server
            .post("/main/create")
            .header("Origin", "https://app.example.com")
    };
    assert_eq!(exposed(&create().send().await.ok()), "x-user-session");
    let own = json!([["header", "Access-Control-Expose-Headers", "X-Total"]]);
    let merged = exposed(&create().script(own.clone()).send().await.ok());
    let mut names: Vec<_> = merged.split(", ").collect();
    names.sort_unstable();
    assert_eq!(names, ["x-total", "x-user-session"]);
    let session = server.open("main").await;
    let load = server
        .run(&session, own)
        .header("Origin", "https://app.example.com")
        .send()
        .await
        .ok();
    assert_eq!(exposed(&load), "x-total", "the response contains no sid");
    assert_eq!(
        exposed(&server.post("/main/create").send().await.ok()),
        "",
        "the request has no `Origin`"
    );
}
