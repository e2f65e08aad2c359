//! Unusual requests and responses: malformed sids, other methods, bodies and streams.

use http::Method;
use serde_json::json;

use crate::server::Env;
use crate::support::cases::cases;
use crate::support::raw::Raw;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_13_malformed_sids
        row_14_head_and_options
        row_15_the_request_body_is_complete
        row_16_a_streaming_response;
    memory:;
    encoded:;
}

async fn row_13_malformed_sids(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    server.stores.faults().reset_counts();
    let texts = [
        "guest".to_owned(),
        session.sid[..63].to_owned(),
        format!("{}A", session.sid),
        format!("{}+/", &session.sid[..62]),
        format!("{}==", &session.sid[..62]),
        format!("{} ", &session.sid[..63]),
        "é".repeat(32),
        "A".repeat(64 << 10),
        "__proto__".to_owned(),
    ];
    for text in texts {
        let reply = server.get("/main/load").sid(&text).send().await;
        reply.problem(401, "missing-session");
        let reply = server.get("/main/optional").sid(&text).send().await.ok();
        assert_eq!(reply.json()["session"], false);
    }
    // Servers reject a NUL in a header, but not in a query.
    let query = format!("/urls/-/load?sid={}%00", &session.sid[..63]);
    server
        .get(query)
        .send()
        .await
        .problem(401, "missing-session");
    let mut raw = Raw::connect(server.address).await;
    let nul = format!(
        "GET /main/load HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-User-Session: {}\0\r\n\r\n",
        &session.sid[..63]
    );
    raw.write(nul).await;
    assert!(raw.read_to_end().await.starts_with("HTTP/1.1 400"));
    assert_eq!(server.stores.faults().loads(), 0, "the store was called");
    let created = server.post("/main/create").sid("guest").send().await.ok();
    assert_eq!(created.json()["new"], true);
}

async fn row_14_head_and_options(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let reply = server.load(&session).method(Method::HEAD).send().await.ok();
    assert!(reply.body.is_empty());
    assert_eq!(reply.cache(), server.load(&session).send().await.cache());
    let ran = Signal::new();
    let missing = server
        .get("/main/load")
        .method(Method::HEAD)
        .script(json!([["signal", ran]]));
    assert!(missing.send().await.with(401).body.is_empty());

    server.stores.faults().reset_counts();
    for path in ["/main/create", "/main/load"] {
        for call in [server.get(path), server.get(path).sid(&session.sid)] {
            let reply = call
                .method(Method::OPTIONS)
                .script(json!([["signal", ran]]))
                .send()
                .await;
            assert!(reply.with(204).without_sid().body.is_empty());
        }
    }
    assert_eq!(ran.unreceived(), 0, "the handler ran");
    let optional = server
        .get("/main/optional")
        .sid(&session.sid)
        .method(Method::OPTIONS);
    let reply = optional.send().await.ok().without_sid();
    assert_eq!(reply.json()["session"], false);
    assert_eq!(server.stores.writes() + server.stores.faults().loads(), 0);
}

async fn row_15_the_request_body_is_complete(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let body: String = (0..40_000)
        .map(|number: u32| number.to_string() + ",")
        .collect();
    let reply = server
        .post("/main/echo")
        .sid(&session.sid)
        .body(body.clone())
        .send()
        .await
        .ok();
    assert!(
        reply.body == body.as_bytes(),
        "{} of {} bytes",
        reply.body.len(),
        body.len()
    );

    let mut raw = Raw::connect(server.address).await;
    let request = format!(
        "POST /main/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nX-User-Session: {}\r\n\r\n",
        session.sid
    );
    raw.write(request).await;
    for part in body.as_bytes().chunks(10_007) {
        raw.write(format!("{:x}\r\n", part.len())).await;
        raw.write(part).await;
        raw.write("\r\n").await;
    }
    raw.write("0\r\n\r\n").await;
    let reply = raw.read_to_end().await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{}", &reply[..200]);
    assert!(reply.ends_with(&body), "the echoed body differs");
}

async fn row_16_a_streaming_response(env: Env) {
    let server = env.start().await;
    let signal = Signal::new();
    let name = serde_json::to_value(&signal).unwrap();
    let mut raw = Raw::connect(server.address).await;
    let request = format!(
        "GET /main/stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Signal: {}\r\n\r\n",
        name.as_str().unwrap()
    );
    raw.write(request).await;
    // The second part does not exist yet.
    let begun = raw.read_until("first").await.to_lowercase();
    assert!(begun.starts_with("http/1.1 200"), "{begun}");
    let (_, rest) = begun
        .split_once("x-user-session: ")
        .expect("a sid in the head");
    assert!(!begun.contains("second"));
    let sid = rest[..64].to_owned();
    signal.send(1);
    let all = raw.read_to_end().await;
    assert!(all.contains("second"), "{all}");
    // Get the sid in its original case.
    let at = all.to_lowercase().find(&sid).unwrap();
    server
        .get("/main/load")
        .sid(&all[at..at + 64])
        .send()
        .await
        .ok();
}
