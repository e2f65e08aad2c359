//! Requests with several sids in one place.

use serde_json::json;

use crate::server::{Env, Server};
use crate::support::cases::cases;
use crate::support::client::Reply;
use crate::support::jar::CookieJar;

cases! {
    every_store:
        row_12_malformed_values_are_ignored
        row_20_malformed_values_are_ignored
        row_20_a_refusal_expires_both_cookies
        row_20_create_continues_and_expires_the_others
        row_20_a_failed_create_expires_all
        row_20_a_host_cookie_has_one_domain_and_path
        row_20_a_view_expires_both_cookies
        row_20_another_origin_expires_nothing
        row_20_unusual_hosts_get_no_domain
        row_20_too_many_cookies_of_the_name_are_expired
        row_20_a_bounded_number_of_cookies;
    memory:;
    encoded:;
}

const HOST: &str = "shop.example.com";

/// The domains and paths from which a browser sends two cookies to `/jar/load`.
const PLACES: &[(Option<&str>, &str)] = &[
    (None, "/jar"),
    (Some("example.com"), "/jar"),
    (Some("example.com"), "/"),
    (Some(HOST), "/jar"),
    (None, "/"),
    (None, "/jar/"),
    (Some(HOST), "/jar/load"),
];

async fn jar_sid(server: &Server) -> String {
    let reply = server.post("/jar/create").send().await.ok();
    reply.cookie("__Secure-shop.sid").0
}

/// The `Set-Cookie` headers that expire a cookie.
fn expired(reply: &Reply, name: &str) -> Vec<String> {
    let lines = reply.headers.get_all("set-cookie").iter();
    let lines = lines.map(|line| line.to_str().unwrap().to_owned());
    let start = format!("{name}=;");
    lines
        .filter(|line| line.starts_with(&start) && line.contains("; Max-Age=0"))
        .collect()
}

async fn row_12_malformed_values_are_ignored(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (sid, other) = (&session.sid, &server.open("main").await.sid);
    let load = || server.get("/main/load");
    for junk in ["guest", "AAAA", &"!".repeat(64), &"A".repeat(65)] {
        for [first, second] in [[junk, sid], [sid, junk]] {
            assert_eq!(
                load().sid(first).sid(second).send().await.ok().id(),
                session.id
            );
            let bearer = load().bearer(first).bearer(second);
            assert_eq!(bearer.send().await.ok().id(), session.id);
        }
        let two = load().sid(sid).sid(junk).sid(other);
        two.send().await.problem(400, "ambiguous-session");
        let none = load().bearer(junk).bearer("guests").send().await;
        let challenge = none.problem(401, "missing-session").challenge();
        assert_eq!(challenge, r#"Bearer error="invalid_token""#);
    }
    let url = server.post("/urls/x/create").send().await.ok();
    let path = format!("/urls/x/load?sid=guest&sid={}&sid=%FF", url.sid());
    assert_eq!(server.get(path).send().await.ok().id(), url.id());
}

async fn row_20_malformed_values_are_ignored(env: Env) {
    let server = env.start().await;
    let reply = server.post("/main/cookie/create").send().await.ok();
    let (sid, _) = reply.cookie("__Host-sid");
    for line in [
        format!("__Host-sid=guest; __Host-sid={sid}"),
        format!("__Host-sid={sid}; __Host-sid=guest; __Host-sid="),
        format!("__Host-sid=\"guest\"; __Host-sid=\"{sid}\"; __Host-sid={sid}"),
    ] {
        let found = server
            .get("/main/load")
            .header("Cookie", &line)
            .send()
            .await;
        assert_eq!(found.ok().id(), reply.id(), "{line}");
    }
}

async fn row_20_a_refusal_expires_both_cookies(env: Env) {
    let server = env.start().await;
    let sids = [jar_sid(&server).await, jar_sid(&server).await];
    for path in ["/jar/load", "/jar/optional"] {
        for (at, first) in PLACES.iter().enumerate() {
            for second in &PLACES[at + 1..] {
                let mut jar = CookieJar::new(HOST);
                for ((domain, place), sid) in [first, second].into_iter().zip(&sids) {
                    jar.keep(
                        "__Secure-shop.sid",
                        sid,
                        *domain,
                        &place.replace("/jar/load", path),
                    );
                }
                jar.keep("theme", "dark", None, "/");
                let refused = jar.send(server.get(path), path).send().await;
                let refused = refused.problem(400, "ambiguous-session");
                assert_eq!(refused.cache(), "no-store");
                jar.store(&refused);
                assert_eq!(jar.len(), 1, "{first:?} {second:?}: {jar:?} {refused:?}");
                let next = jar.send(server.get(path), path).send().await;
                if path == "/jar/load" {
                    next.problem(401, "missing-session");
                } else {
                    assert_eq!(next.ok().json()["session"], false);
                }
            }
        }
    }
}

async fn row_20_create_continues_and_expires_the_others(env: Env) {
    let server = env.start().await;
    let sids = [jar_sid(&server).await, jar_sid(&server).await];
    for (at, first) in PLACES.iter().enumerate() {
        for second in &PLACES[at + 1..] {
            let mut jar = CookieJar::new(HOST);
            for ((domain, place), sid) in [first, second].into_iter().zip(&sids) {
                let place = place.replace("/jar/load", "/jar/create");
                jar.keep("__Secure-shop.sid", sid, *domain, &place);
            }
            let call = server
                .post("/jar/create")
                .header("X-Script", r#"[["set","/note","new"]]"#);
            let created = jar.send(call, "/jar/create").send().await.ok();
            assert_eq!(created.json()["new"], true);
            assert_eq!(created.cache(), "no-store");
            jar.store(&created);
            assert_eq!(jar.len(), 1, "{first:?} {second:?}: {jar:?} {created:?}");
            let next = jar
                .send(server.get("/jar/load"), "/jar/load")
                .send()
                .await
                .ok();
            assert_eq!(
                (next.id(), &next.data()["note"]),
                (created.id(), &json!("new"))
            );
            // The new cookie comes last, for clients that keep one cookie per domain and path.
            let last = created
                .headers
                .get_all("set-cookie")
                .iter()
                .next_back()
                .unwrap();
            assert!(
                !last.to_str().unwrap().starts_with("__Secure-shop.sid=;"),
                "{created:?}"
            );
        }
    }
    // Neither of the two sessions was touched.
    for sid in &sids {
        server
            .get("/jar/load")
            .cookie("__Secure-shop.sid", sid)
            .send()
            .await
            .ok();
    }
}

async fn row_20_a_failed_create_expires_all(env: Env) {
    let server = env.start().await;
    let sids = [jar_sid(&server).await, jar_sid(&server).await];
    for script in [json!([["fail", 422]]), json!([["destroy"]])] {
        if script == json!([["fail", 422]]) && !env.framework.responds_to_errors() {
            continue;
        }
        let mut jar = CookieJar::new(HOST);
        jar.keep("__Secure-shop.sid", &sids[0], None, "/");
        jar.keep("__Secure-shop.sid", &sids[1], Some("example.com"), "/jar");
        let call = server.post("/jar/create").script(script);
        let reply = jar.send(call, "/jar/create").send().await.without_sid();
        jar.store(&reply);
        assert_eq!(jar.len(), 0, "{jar:?} {reply:?}");
    }
}

async fn row_20_a_host_cookie_has_one_domain_and_path(env: Env) {
    let server = env.start().await;
    let first = server.post("/cookie-first/create").send().await.ok();
    let second = server.post("/cookie-first/create").send().await.ok();
    let both = |path: &str| {
        let call = server
            .get(path)
            .cookie("__Host-sid", first.cookie("__Host-sid").0);
        call.cookie("__Host-sid", second.cookie("__Host-sid").0)
    };
    let refused = both("/cookie-first/load").send().await;
    let refused = refused.problem(400, "ambiguous-session");
    let lines = expired(&refused, "__Host-sid");
    // The second one removes a cookie that a browser keeps for embedded pages.
    let declared = "__Host-sid=; Path=/; Secure; HttpOnly; SameSite=Lax";
    assert_eq!(
        lines,
        [
            format!("{declared}; Max-Age=0"),
            format!("{declared}; Partitioned; Max-Age=0")
        ]
    );
    let created = both("/cookie-first/create").send().await.ok();
    let lines = expired(&created, "__Host-sid");
    assert_eq!(lines, [format!("{declared}; Partitioned; Max-Age=0")]);
    assert_eq!(created.sids().len(), 1);
}

async fn row_20_a_view_expires_both_cookies(env: Env) {
    let server = env.start().await;
    let first = server.post("/main/cookie/create").send().await.ok();
    let second = server.post("/main/cookie/create").send().await.ok();
    let both = server
        .get("/main/view")
        .cookie("__Host-sid", first.cookie("__Host-sid").0);
    let both = both.cookie("__Host-sid", second.cookie("__Host-sid").0);
    let reply = both.send().await.without_sid();
    assert_eq!(expired(&reply, "__Host-sid").len(), 2, "{reply:?}");
    assert_eq!(reply.cache(), "no-store");
}

async fn row_20_another_origin_expires_nothing(env: Env) {
    let server = env.start().await;
    let sids = [jar_sid(&server).await, jar_sid(&server).await];
    for path in ["/jar/load", "/jar/optional", "/jar/create"] {
        let call = server.post(path).header("Sec-Fetch-Site", "same-site");
        let call = call
            .cookie("__Secure-shop.sid", &sids[0])
            .cookie("__Secure-shop.sid", &sids[1]);
        let refused = call.send().await.problem(403, "cross-origin");
        assert!(!refused.headers.contains_key("set-cookie"), "{refused:?}");
    }
}

async fn row_20_unusual_hosts_get_no_domain(env: Env) {
    let server = env.start().await;
    let sids = [jar_sid(&server).await, jar_sid(&server).await];
    for host in [
        "127.0.0.1:8080",
        "[::1]:8080",
        "localhost",
        "a;Path=/x.example.com",
    ] {
        let call = server.get("/jar/load").host(host);
        let call = call
            .cookie("__Secure-shop.sid", &sids[0])
            .cookie("__Secure-shop.sid", &sids[1]);
        let Ok(refused) = call.try_send().await else {
            continue;
        };
        if refused.headers.contains_key("set-cookie") {
            for line in expired(&refused, "__Secure-shop.sid") {
                let domain = line.split_once("; Domain=").map(|(_, rest)| rest);
                assert!(
                    domain.is_none_or(|rest| rest.starts_with("example.com;")),
                    "{line}"
                );
            }
        }
    }
}

async fn row_20_too_many_cookies_of_the_name_are_expired(env: Env) {
    let server = env.start().await;
    let mut jar = CookieJar::new(HOST);
    jar.keep(
        "__Secure-shop.sid",
        &jar_sid(&server).await,
        Some("example.com"),
        "/jar",
    );
    for number in [0, 30, 31, 39] {
        // Cookies that another host of the domain may have set.
        let line = format!("__Secure-shop.sid=junk{number}");
        let call = (0..=number).fold(server.get("/jar/load"), |call, _| {
            call.header("Cookie", &line)
        });
        let reply = jar.send(call, "/jar/load").send().await;
        // The sid of the jar comes last, and at most 32 values are allowed.
        if number + 2 > 32 {
            let refused = reply.problem(400, "ambiguous-session");
            assert!(
                expired(&refused, "__Secure-shop.sid").len() > 1,
                "{refused:?}"
            );
        } else {
            reply.ok();
        }
    }
}

async fn row_20_a_bounded_number_of_cookies(env: Env) {
    let server = env.start().await;
    let sids = [jar_sid(&server).await, jar_sid(&server).await];
    let host = format!("{}example.com", "abcdefgh.".repeat(20));
    let call = server.get("/jar/load").host(&host);
    let call = call
        .cookie("__Secure-shop.sid", &sids[0])
        .cookie("__Secure-shop.sid", &sids[1]);
    let refused = call.send().await.problem(400, "ambiguous-session");
    let lines = expired(&refused, "__Secure-shop.sid");
    assert!((2..=32).contains(&lines.len()), "{}", lines.len());
    assert!(lines.concat().len() <= 4096);
}
