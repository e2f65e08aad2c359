//! From which origins a cookie is accepted: upgrades, how an origin is compared, and proxies.

use http::Method;
use serde_json::json;

use crate::server::{Env, Server};
use crate::support::cases::cases;
use crate::support::client::Call;
use crate::support::events;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_75_an_upgrade_from_another_origin
        row_75_an_upgrade_from_the_own_origin_or_with_a_header
        row_76_default_port_case_and_final_dot
        row_76_the_event_names_both_values
        row_77_a_trusted_proxy_names_the_host_and_the_scheme
        row_77_the_last_proxy_counts
        row_77_without_the_option_proxies_are_not_trusted
        row_77_cookies_are_expired_for_the_host_that_the_client_uses;
    memory:;
    encoded:;
}

async fn open(server: &Server, config: &str, cookie: &str) -> String {
    let reply = server.post(format!("/{config}/create")).send().await.ok();
    reply.cookie(cookie).0
}

fn upgrade(call: Call) -> Call {
    let call = call
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket");
    let call = call.header("Sec-WebSocket-Version", "13");
    call.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// The headers of handshakes from pages of other origins.
const FOREIGN: [&[(&str, &str)]; 4] = [
    &[("Origin", "https://evil.example")],
    &[("Origin", "https://blog.example.com")],
    &[
        ("Origin", "https://shop.example.com"),
        ("Sec-Fetch-Site", "same-site"),
    ],
    &[("Origin", "null")],
];

fn with(call: Call, headers: &[(&str, &str)]) -> Call {
    headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value))
}

async fn row_75_an_upgrade_from_another_origin(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    let ran = Signal::new();
    for headers in FOREIGN {
        for method in [Method::GET, Method::HEAD] {
            for path in ["load", "optional", "create"] {
                let call = server.call(method.clone(), format!("/cookie-first/{path}"));
                let call = call
                    .cookie("__Host-sid", &sid)
                    .script(json!([["signal", ran]]));
                let reply = with(upgrade(call), headers).send().await;
                assert_eq!(reply.status, 403, "{path} {headers:?}");
            }
        }
        // It must not set a cookie either.
        let reply = with(upgrade(server.get("/cookie-first/create")), headers)
            .send()
            .await;
        reply.problem(403, "cross-origin");
    }
    assert_eq!(ran.unreceived(), 0, "the handler ran");
}

async fn row_75_an_upgrade_from_the_own_origin_or_with_a_header(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    let own: [&[(&str, &str)]; 3] = [
        &[("Origin", "https://shop.example.com")],
        &[
            ("Origin", "https://shop.example.com"),
            ("Sec-Fetch-Site", "same-origin"),
        ],
        &[],
    ];
    for headers in own {
        let call = server.get("/cookie-first/load").cookie("__Host-sid", &sid);
        with(upgrade(call), headers).send().await.ok();
    }
    let listed = open(&server, "jar", "__Secure-shop.sid").await;
    let call = server.get("/jar/load").cookie("__Secure-shop.sid", &listed);
    let call = upgrade(call).header("Origin", "https://app.example.com");
    call.send().await.ok();
    // No page can forge a header, and `cross_origin = off` allows everything.
    let session = server.open("main").await;
    let open_jar = open(&server, "open-jar", "__Host-open.sid").await;
    for headers in FOREIGN {
        with(upgrade(server.load(&session)), headers)
            .send()
            .await
            .ok();
        let call = server
            .get("/open-jar/load")
            .cookie("__Host-open.sid", &open_jar);
        with(upgrade(call), headers).send().await.ok();
    }
}

async fn row_76_default_port_case_and_final_dot(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    let post = |host: &str, origin: &str| {
        let call = server.post("/cookie-first/load").host(host);
        call.cookie("__Host-sid", &sid).header("Origin", origin)
    };
    for (host, origin) in [
        ("shop.example.com:443", "https://shop.example.com"),
        ("shop.example.com", "https://shop.example.com:443"),
        ("Shop.Example.COM", "https://shop.example.com"),
        ("shop.example.com.", "https://shop.example.com"),
        ("shop.example.com.:8443", "https://shop.example.com.:8443"),
        ("shop.example.com:80", "http://shop.example.com"),
        ("[::1]:443", "https://[::1]"),
    ] {
        let reply = post(host, origin).send().await;
        assert_eq!(reply.status, 200, "{host} {origin}");
    }
    for (host, origin) in [
        ("shop.example.com:443", "http://shop.example.com"),
        ("shop.example.com:80", "https://shop.example.com"),
        ("shop.example.com", "https://shop.example.com:8443"),
        ("shop.example.com:8443", "https://shop.example.com"),
        ("shop.example.com", "https://shop.example.com.evil.example"),
        ("shop.example.com", "ftp://shop.example.com"),
    ] {
        let reply = post(host, origin).send().await;
        assert_eq!(reply.status, 403, "{host} {origin}");
    }
    let sid = open(&server, "jar", "__Secure-shop.sid").await;
    for origin in [
        "https://app.example.com:443",
        "https://App.example.com",
        "https://app.example.com.",
    ] {
        let call = server
            .post("/jar/load")
            .cookie("__Secure-shop.sid", &sid)
            .header("Origin", origin);
        call.send().await.ok();
    }
    let http = server.post("/jar/load").cookie("__Secure-shop.sid", &sid);
    let http = http.header("Origin", "http://app.example.com");
    http.send().await.problem(403, "cross-origin");
}

async fn row_76_the_event_names_both_values(env: Env) {
    let server = env.start().await;
    let reply = server.post("/cookie-first/create").send().await.ok();
    let (sid, _) = reply.cookie("__Host-sid");
    let post = || server.post("/cookie-first/load").cookie("__Host-sid", &sid);
    let long = format!("https://{}.example", "a".repeat(5_000));
    for origin in ["https://blog.example.com:8443", "https://tab\there", &long] {
        let call = post().header("Origin", origin);
        call.send().await.problem(403, "cross-origin");
    }
    let site = post()
        .header("Sec-Fetch-Site", "same-site")
        .header("Origin", "https://a.example");
    site.send().await.problem(403, "cross-origin");
    let seen = events::of(&reply.id());
    let seen: Vec<_> = seen
        .iter()
        .filter(|seen| seen.name == "cross_origin")
        .collect();
    assert_eq!(seen.len(), 4);
    let text = |at: usize| seen[at].text.lines().next().unwrap();
    assert!(text(0).ends_with("Origin: https://blog.example.com:8443, not shop.example.com"));
    assert!(text(1).ends_with(r"Origin: https://tab\there, not shop.example.com"));
    assert!(seen[2].text.len() < 1_000, "{}", seen[2].text.len());
    assert!(text(2).ends_with("a…, not shop.example.com"), "{}", text(2));
    let expected = "Sec-Fetch-Site: same-site, Origin: https://a.example, not same-origin";
    assert!(text(3).ends_with(expected), "{}", text(3));
}

/// Adds the headers in which a proxy reports the host and the scheme that the client used.
type Forward = fn(Call, host: &str, scheme: &str) -> Call;

/// The two configs with a trusted proxy, and the headers of their proxies.
const PROXIES: [(&str, Forward); 2] = [
    ("x-forwarded", |call, host, scheme| {
        let call = call.header("X-Forwarded-Host", host);
        call.header("X-Forwarded-Proto", scheme)
    }),
    ("forwarded", |call, host, scheme| {
        let value = format!("for=192.0.2.1;Host=\"{host}\"; proto={scheme}");
        call.header("Forwarded", value)
    }),
];

async fn row_77_a_trusted_proxy_names_the_host_and_the_scheme(env: Env) {
    let server = env.start().await;
    for (config, forward) in PROXIES {
        let sid = open(&server, config, "proxied.sid").await;
        let post = |origin: &str| {
            let call = server.post(format!("/{config}/load")).host("backend:3000");
            call.cookie("proxied.sid", &sid).header("Origin", origin)
        };
        let own = "https://shop.example.com:8443";
        for scheme in ["https", "HTTPS", "wss"] {
            forward(post(own), "shop.example.com:8443", scheme)
                .send()
                .await
                .ok();
        }
        let default = post("https://shop.example.com");
        forward(default, "Shop.example.com:443", "https")
            .send()
            .await
            .ok();
        // A page that was loaded without encryption may be forged.
        for (origin, host, scheme) in [
            (
                "http://shop.example.com:8443",
                "shop.example.com:8443",
                "https",
            ),
            ("http://shop.example.com", "shop.example.com", "https"),
            ("https://shop.example.com", "shop.example.com", "http"),
            ("https://backend:3000", "shop.example.com", "https"),
            ("https://evil.example", "shop.example.com", "https"),
        ] {
            let reply = forward(post(origin), host, scheme).send().await;
            assert_eq!(reply.status, 403, "{config} {origin} {host} {scheme}");
        }
        // Without the header, `Host` is compared.
        post("https://backend:3000").send().await.ok();
        post(own).send().await.problem(403, "cross-origin");
    }
}

async fn row_77_the_last_proxy_counts(env: Env) {
    let server = env.start().await;
    for (config, forward) in PROXIES {
        let sid = open(&server, config, "proxied.sid").await;
        let post = |origin: &str| {
            let call = server.post(format!("/{config}/load"));
            call.cookie("proxied.sid", &sid).header("Origin", origin)
        };
        let twice = |call| {
            let call = forward(call, "evil.example", "http");
            forward(call, "shop.example.com", "https")
        };
        twice(post("https://shop.example.com")).send().await.ok();
        for origin in [
            "https://evil.example",
            "http://evil.example",
            "http://shop.example.com",
        ] {
            twice(post(origin))
                .send()
                .await
                .problem(403, "cross-origin");
        }
        let in_one_line = |call: Call| {
            let forwarded =
                r#"host=evil.example;proto=http, for="_x,y";proto=https;host=shop.example.com"#;
            let call = call.header("Forwarded", forwarded);
            let call = call.header("X-Forwarded-Host", "evil.example, shop.example.com");
            call.header("X-Forwarded-Proto", "http,https")
        };
        in_one_line(post("https://shop.example.com"))
            .send()
            .await
            .ok();
        in_one_line(post("http://evil.example"))
            .send()
            .await
            .problem(403, "cross-origin");
    }
}

async fn row_77_without_the_option_proxies_are_not_trusted(env: Env) {
    let server = env.start().await;
    let sid = open(&server, "cookie-first", "__Host-sid").await;
    for (_, forward) in PROXIES {
        let post = |origin: &str| {
            let call = server.post("/cookie-first/load");
            let call = call.cookie("__Host-sid", &sid).header("Origin", origin);
            forward(call, "evil.example", "https")
        };
        post("https://evil.example")
            .send()
            .await
            .problem(403, "cross-origin");
        post("https://shop.example.com").send().await.ok();
        // A proxy that only forwards `Host` does not report the scheme that the client used.
        post("http://shop.example.com").send().await.ok();
    }
}

async fn row_77_cookies_are_expired_for_the_host_that_the_client_uses(env: Env) {
    let server = env.start().await;
    for (config, forward) in PROXIES {
        let first = open(&server, config, "proxied.sid").await;
        let second = open(&server, config, "proxied.sid").await;
        let call = server
            .get(format!("/{config}/load"))
            .host("backend.internal:3000");
        let call = call
            .cookie("proxied.sid", &first)
            .cookie("proxied.sid", &second);
        let refused = forward(call, "shop.example.com:8443", "https").send().await;
        let lines = refused.problem(400, "ambiguous-session").text("set-cookie");
        assert!(lines.contains("; Domain=example.com;"), "{lines}");
        assert!(!lines.contains("backend"), "{lines}");
    }
}
