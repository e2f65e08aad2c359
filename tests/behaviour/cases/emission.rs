//! How a response carries a sid.

use serde_json::json;

use crate::server::Env;
use crate::support::cases::cases;
use crate::support::client::{Call, Reply};

cases! {
    every_store:
        row_21_a_new_sid_uses_the_transport_of_the_old_one
        row_21_a_first_sid_uses_the_configured_transport
        row_21_a_rotated_sid_keeps_its_transport
        row_23_cookies_of_the_handler_are_kept
        row_27_nothing_is_emitted_when_nothing_changed;
    memory:;
    encoded:;
}

type Send = fn(Call, &str) -> Call;

/// The location of a reply's only sid: the name of a header, or `cookie` and its name.
fn sid_location(reply: &Reply) -> String {
    assert_eq!(reply.sids().len(), 1, "not exactly one sid: {reply:?}");
    for name in ["x-user-session", "x-other", "authorization"] {
        if reply.headers.contains_key(name) {
            return name.to_owned();
        }
    }
    let cookie = reply.text("set-cookie");
    format!("cookie {}", cookie.split('=').next().unwrap())
}

async fn row_21_a_new_sid_uses_the_transport_of_the_old_one(env: Env) {
    let server = env.start().await;
    let dead = server.open("main").await.forged();
    let dead = dead.sid.as_str();
    let header: Send = |call, sid| call.sid(sid);
    let bearer: Send = |call, sid| call.bearer(sid);
    let cookie: Send = |call, sid| call.cookie("__Host-sid", sid);
    let plain_cookie: Send = |call, sid| call.cookie("sid", sid);
    let api_key: Send = |call, sid| call.header("X-Api-Key", format!("key.{sid}"));
    let cases = [
        ("/main/create", header, "x-user-session"),
        ("/main/create", bearer, "x-user-session"),
        ("/main/create", cookie, "cookie __Host-sid"),
        ("/main/cookie/create", header, "x-user-session"),
        ("/cookie-first/create", cookie, "cookie __Host-sid"),
        ("/cookie-first/create", header, "x-user-session"),
        ("/cookie-first/create", bearer, "x-user-session"),
        ("/emit-cookie/create", header, "x-user-session"),
        ("/emit-cookie/create", plain_cookie, "cookie sid"),
        ("/urls/-/create", api_key, "x-user-session"),
    ];
    for (path, send, expected) in cases {
        let reply = send(server.post(path), dead).send().await.ok();
        assert_eq!(sid_location(&reply), expected, "{path}");
    }
    let query = server
        .post(format!("/urls/-/create?sid={dead}"))
        .send()
        .await
        .ok();
    assert_eq!(sid_location(&query), "x-user-session");
}

async fn row_21_a_first_sid_uses_the_configured_transport(env: Env) {
    let server = env.start().await;
    let cases = [
        ("/main/create", "x-user-session"),
        ("/main/cookie/create", "cookie __Host-sid"),
        ("/main/other/create", "x-other"),
        ("/cookie-first/create", "cookie __Host-sid"),
        ("/emit-cookie/create", "cookie sid"),
        ("/jar/create", "cookie __Secure-shop.sid"),
        ("/bearer/create", "x-user-session"),
        ("/urls/-/create", "x-user-session"),
        ("/loose/create", "x-user-session"),
    ];
    for (path, expected) in cases {
        let reply = server.post(path).send().await.ok();
        assert_eq!(sid_location(&reply), expected, "{path}");
    }
}

async fn row_21_a_rotated_sid_keeps_its_transport(env: Env) {
    let server = env.start().await;
    let rotate = json!([["rotate"]]);
    let session = server.open("main").await;
    let reply = server.run(&session, rotate.clone()).send().await.ok();
    assert_eq!(sid_location(&reply), "x-user-session");
    let reply = server
        .post("/main/load")
        .bearer(reply.sid())
        .script(rotate.clone())
        .send()
        .await
        .ok();
    assert_eq!(sid_location(&reply), "x-user-session");

    let (sid, _) = server
        .post("/main/cookie/create")
        .send()
        .await
        .ok()
        .cookie("__Host-sid");
    let call = server
        .post("/main/load")
        .cookie("__Host-sid", &sid)
        .script(rotate);
    let reply = call.send().await.ok();
    assert_eq!(sid_location(&reply), "cookie __Host-sid");
    let (new, _) = reply.cookie("__Host-sid");
    assert_ne!(new, sid);
    server
        .get("/main/load")
        .cookie("__Host-sid", &new)
        .send()
        .await
        .ok();
}

async fn row_23_cookies_of_the_handler_are_kept(env: Env) {
    let server = env.start().await;
    let own = json!([
        ["header", "Set-Cookie", "theme=dark"],
        ["header", "Set-Cookie", "lang=en; Path=/"],
    ]);
    for path in ["/jar/create", "/main/create", "/main/cookie/create"] {
        let reply = server.post(path).script(own.clone()).send().await.ok();
        assert_eq!(reply.cookie("theme").0, "dark", "{path}");
        assert_eq!(
            reply.cookie("lang"),
            ("en".to_owned(), vec!["Path=/".to_owned()]),
            "{path}"
        );
        assert_eq!(reply.sids().len(), 1, "{path}");
    }
    let reply = server.post("/jar/create").script(own).send().await.ok();
    assert_eq!(reply.cookie("__Secure-shop.sid").0.len(), 64);
}

async fn row_27_nothing_is_emitted_when_nothing_changed(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    server.load(&session).send().await.ok().without_sid();
    server
        .get("/main/optional")
        .sid(&session.sid)
        .send()
        .await
        .ok()
        .without_sid();
    server
        .post("/main/create")
        .sid(&session.sid)
        .send()
        .await
        .ok()
        .without_sid();
    let changed = json!([["push", "/items", "tea"], ["update", ["add", "/visits", 1]]]);
    server
        .run(&session, changed.clone())
        .send()
        .await
        .ok()
        .without_sid();
    server
        .run(&session, json!([["set_lifetime", 60, 120]]))
        .send()
        .await
        .ok()
        .without_sid();
    let (sid, _) = server
        .post("/jar/create")
        .send()
        .await
        .ok()
        .cookie("__Secure-shop.sid");
    let by_cookie = server
        .post("/jar/load")
        .cookie("__Secure-shop.sid", sid)
        .script(changed)
        .send()
        .await
        .ok();
    assert!(
        !by_cookie.headers.contains_key("set-cookie"),
        "{by_cookie:?}"
    );
}
