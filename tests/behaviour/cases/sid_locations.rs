//! Bearer tokens, sids in URLs, and custom loaders.

use crate::server::Env;
use crate::support::cases::cases;

cases! {
    every_store:
        row_12a_too_many_values
        row_19_bearer_tokens
        row_19_the_bearer_challenge
        row_29_query_values_are_decoded
        row_29_path_values_are_decoded
        row_30_a_custom_loader;
    memory:;
    encoded:;
}

async fn row_12a_too_many_values(env: Env) {
    const MOST: usize = 32;
    let server = env.start().await;
    let session = server.open("main").await;
    let sid = session.sid.as_str();
    let repeated = |name: &str, value: &str, count: usize| {
        let call = server.get("/main/optional");
        (0..count).fold(call, |call, _| call.header(name, value))
    };
    let bearer = format!("Bearer {sid}");
    for (name, value) in [("X-User-Session", sid), ("Authorization", bearer.as_str())] {
        let most = repeated(name, value, MOST).send().await.ok();
        assert_eq!(most.id(), session.id, "{name}");
        // Empty values count, too.
        for value in [value, "", "Basic"] {
            let more = repeated(name, value, MOST + 1).send().await;
            more.problem(400, "ambiguous-session");
        }
    }
    // Only cookies of the name count, because HTTP/2 splits a list of cookies into several headers.
    let cookies = |name: &str, count: usize| {
        let list = vec![format!("{name}=x"); count].join("; ");
        server.get("/main/optional").header("Cookie", list)
    };
    for (name, count) in [("__Host-sid", MOST), ("other", 1_000)] {
        let none = cookies(name, count).send().await.ok();
        assert_eq!(none.json()["session"], false, "{name}");
    }
    let lines = repeated("Cookie", "other=x", MOST + 1);
    assert_eq!(lines.send().await.ok().json()["session"], false);
    for call in [
        cookies("__Host-sid", MOST + 1),
        cookies("__Host-sid", 1_000),
        repeated("Cookie", "a=1; __Host-sid=x", MOST + 1),
    ] {
        call.send().await.problem(400, "ambiguous-session");
    }
    let query = |count| vec!["sid=x"; count].join("&");
    let call = |count| server.get(format!("/urls/-/optional?{}", query(count)));
    assert_eq!(call(MOST).send().await.ok().json()["session"], false);
    call(MOST + 1)
        .send()
        .await
        .problem(400, "ambiguous-session");
}

async fn row_19_bearer_tokens(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let sid = &session.sid;
    for value in [
        format!("Bearer {sid}"),
        format!("bearer {sid}"),
        format!("BEARER   {sid} "),
    ] {
        let reply = server
            .get("/main/load")
            .header("Authorization", &value)
            .send()
            .await
            .ok();
        assert_eq!(reply.id(), session.id, "{value}");
    }
    for value in [
        format!("Basic {sid}"),
        format!("Bearer{sid}"),
        sid.clone(),
        "Bearer".to_owned(),
    ] {
        let reply = server
            .get("/main/load")
            .header("Authorization", &value)
            .send()
            .await;
        reply.problem(401, "missing-session");
    }
    let both = server
        .get("/main/load")
        .header("Authorization", "Basic YTpi")
        .bearer(sid);
    assert_eq!(both.send().await.ok().id(), session.id);
    let other = server.open("main").await;
    let two = server.get("/main/load").bearer(sid).bearer(&other.sid);
    two.send().await.problem(400, "ambiguous-session");
}

async fn row_19_the_bearer_challenge(env: Env) {
    let server = env.start().await;
    let session = server.open("bearer").await;
    let load = || server.get("/bearer/load");
    assert_eq!(
        load().bearer(&session.sid).send().await.ok().id(),
        session.id
    );
    for call in [
        load(),
        load().header("Authorization", "Basic YTpi"),
        load().sid(&session.sid),
    ] {
        let reply = call.send().await.problem(401, "missing-session");
        assert_eq!(reply.challenge(), "Bearer");
    }
    for call in [load().bearer(session.forged().sid), load().bearer("guest")] {
        let challenge = call.send().await.with(401).challenge();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let other = server
        .get("/loose/load")
        .send()
        .await
        .problem(401, "missing-session");
    assert!(
        !other.challenge().contains("Bearer"),
        "a config without `bearer` challenges for a token"
    );
}

async fn row_29_query_values_are_decoded(env: Env) {
    let server = env.start().await;
    let reply = server.post("/urls/-/create").send().await.ok();
    let (sid, id) = (reply.sid(), reply.id());
    let queries = [
        format!("sid={sid}"),
        format!("a=1&sid={sid}&b=2"),
        format!("sid={}", encoded(&sid)),
        format!("{}={sid}", encoded("sid")),
        format!("sid={sid}&sid={}", encoded(&sid)),
        format!("sid=&sid={sid}"),
    ];
    for query in queries {
        let reply = server
            .get(format!("/urls/-/load?{query}"))
            .send()
            .await
            .ok();
        assert_eq!(reply.id(), id, "{query}");
    }
    for query in [
        format!("SID={sid}"),
        format!("xsid={sid}"),
        "sid".to_owned(),
        "sid=%FF%FE".to_owned(),
    ] {
        server
            .get(format!("/urls/-/load?{query}"))
            .send()
            .await
            .problem(401, "missing-session");
    }
    let other = server.post("/urls/-/create").send().await.ok().sid();
    let two = server.get(format!("/urls/-/load?sid={sid}&sid={other}"));
    two.send().await.problem(400, "ambiguous-session");
}

async fn row_29_path_values_are_decoded(env: Env) {
    let server = env.start().await;
    let reply = server.post("/urls/-/create").send().await.ok();
    let (sid, id) = (reply.sid(), reply.id());
    for segment in [sid.clone(), encoded(&sid)] {
        let reply = server.get(format!("/urls/{segment}/load")).send().await;
        if env.framework.has_path_parameters() {
            assert_eq!(reply.ok().id(), id);
        } else {
            reply.problem(401, "missing-session");
        }
    }
}

/// Percent-encodes every byte.
fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

async fn row_30_a_custom_loader(env: Env) {
    let server = env.start().await;
    let reply = server.post("/urls/-/create").send().await.ok();
    let key = format!("key.{}", reply.sid());
    let found = server
        .get("/urls/-/load")
        .header("X-Api-Key", &key)
        .send()
        .await
        .ok();
    assert_eq!(found.id(), reply.id());
    server
        .get("/urls/-/load")
        .header("X-Api-Key", "key")
        .send()
        .await
        .problem(401, "missing-session");
    let unknown = format!("key.{}{}", &reply.sid()[..24], "A".repeat(40));
    let unknown = server
        .get("/urls/-/load")
        .header("X-Api-Key", unknown)
        .send()
        .await;
    unknown.problem(401, "unknown-session");
}
