//! The loaders, and the order in which they are tried.

use serde_json::json;

use crate::server::{ClientSession, Env, Server};
use crate::support::cases::cases;
use crate::support::client::Call;

cases! {
    every_store:
        row_17_the_declared_order_in_all_combinations
        row_18_malformed_sids_are_skipped_but_unknown_sids_are_not
        row_20_a_cookie_among_others
        row_21a_a_sid_keeps_its_transport
        row_21b_a_sid_belongs_to_one_config;
    memory:;
    encoded:;
}

type Send = fn(Call, &ClientSession) -> Call;

/// A session whose sid is in the cookie `__Host-sid`.
async fn open_cookie(server: &Server, path: &str) -> ClientSession {
    let reply = server.post(path).send().await.ok();
    let session = server.open("main").await;
    let (sid, _) = reply.cookie("__Host-sid");
    ClientSession {
        id: reply.id(),
        ..session.with_sid(sid)
    }
}

/// A session whose sid is in a header, of a config that may prefer a cookie.
async fn open_header(server: &Server, path: &str) -> ClientSession {
    let dead = server.open("main").await.forged();
    let reply = server.post(path).sid(&dead.sid).send().await.ok();
    ClientSession {
        id: reply.id(),
        ..dead.with_sid(reply.sid())
    }
}

async fn row_17_the_declared_order_in_all_combinations(env: Env) {
    let server = env.start().await;
    let main = [
        open_header(&server, "/main/create").await,
        open_header(&server, "/main/create").await,
        open_cookie(&server, "/main/cookie/create").await,
    ];
    let cookie_first = [
        open_header(&server, "/cookie-first/create").await,
        open_header(&server, "/cookie-first/create").await,
        open_cookie(&server, "/cookie-first/create").await,
    ];
    let send: [Send; 3] = [
        |call, session| call.sid(&session.sid),
        |call, session| call.bearer(&session.sid),
        |call, session| call.cookie("__Host-sid", &session.sid),
    ];
    let orders = [
        ("/main/load", &main, [0, 1, 2]),
        ("/cookie-first/load", &cookie_first, [2, 0, 1]),
    ];
    for (path, sessions, order) in orders {
        for present in 0..8_u8 {
            let is_present = |place: &usize| present & (1 << *place) != 0;
            let places = (0..3).filter(is_present);
            let call = places.fold(server.get(path), |call, at| send[at](call, &sessions[at]));
            let reply = call.send().await;
            match order.into_iter().find(is_present) {
                Some(first) => {
                    assert_eq!(reply.ok().id(), sessions[first].id, "{path} {present:03b}");
                }
                None => drop(reply.problem(401, "missing-session")),
            }
        }
    }
}

async fn row_18_malformed_sids_are_skipped_but_unknown_sids_are_not(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let cookie = open_cookie(&server, "/main/cookie/create").await;
    let good = server
        .get("/main/load")
        .sid("guest")
        .bearer("guest")
        .cookie("__Host-sid", &cookie.sid);
    assert_eq!(good.send().await.ok().id(), cookie.id);
    let loads = server.stores.faults().loads();
    let unknown = server
        .get("/main/load")
        .sid(&session.forged().sid)
        .bearer(&session.sid);
    unknown.send().await.problem(401, "unknown-session");
    assert_eq!(
        server.stores.faults().loads(),
        loads + 1,
        "another loader was tried"
    );
    let unknown = server
        .get("/main/optional")
        .sid(&session.forged().sid)
        .bearer(&session.sid);
    assert_eq!(unknown.send().await.ok().json()["session"], false);
}

async fn row_20_a_cookie_among_others(env: Env) {
    let server = env.start().await;
    let session = open_cookie(&server, "/main/cookie/create").await;
    let other = open_cookie(&server, "/main/cookie/create").await;
    let (sid, load) = (&session.sid, || server.get("/main/load"));
    let found = [
        format!("__Host-sid={sid}"),
        format!("a=1; __Host-sid={sid}; b=2"),
        format!("a=1;__Host-sid={sid};b=2"),
        format!("__Host-sid=\"{sid}\""),
        format!(
            "x__Host-sid={}; __Host-sid={sid}; __Host-sidx={}",
            other.sid, other.sid
        ),
        format!("__Host-sid={sid}; __Host-sid={sid}"),
    ];
    for line in found {
        let reply = load().header("Cookie", &line).send().await.ok();
        assert_eq!(reply.id(), session.id, "{line}");
    }
    let two_lines = load()
        .header("Cookie", "a=1")
        .header("Cookie", format!("__Host-sid={sid}"));
    assert_eq!(two_lines.send().await.ok().id(), session.id);
    for line in [
        format!("__Host-Sid={sid}"),
        format!("a=__Host-sid={sid}"),
        "__Host-sid=".to_owned(),
    ] {
        load()
            .header("Cookie", &line)
            .send()
            .await
            .problem(401, "missing-session");
    }
    let one_line = load().header(
        "Cookie",
        format!("__Host-sid={sid}; __Host-sid={}", other.sid),
    );
    one_line.send().await.problem(400, "ambiguous-session");
    let two_lines = load()
        .cookie("__Host-sid", sid)
        .cookie("__Host-sid", &other.sid);
    two_lines.send().await.problem(400, "ambiguous-session");
}

async fn row_21a_a_sid_keeps_its_transport(env: Env) {
    let server = env.start().await;
    let cookie = open_cookie(&server, "/main/cookie/create").await;
    let header = server.open("main").await;
    let load = || server.get("/main/load");
    load()
        .sid(&cookie.sid)
        .send()
        .await
        .problem(401, "unknown-session");
    load()
        .bearer(&cookie.sid)
        .send()
        .await
        .problem(401, "unknown-session");
    load()
        .cookie("__Host-sid", &header.sid)
        .send()
        .await
        .problem(401, "unknown-session");
    assert_eq!(load().bearer(&header.sid).send().await.ok().id(), header.id);
    let by_cookie = load()
        .cookie("__Host-sid", &cookie.sid)
        .script(json!([["sid"]]));
    let reply = by_cookie.send().await.ok().without_sid();
    assert_eq!((reply.id(), reply.results()), (cookie.id, json!([null])));
    assert!(!String::from_utf8_lossy(&reply.body).contains(&cookie.sid));
    let new = server
        .post("/main/cookie/create")
        .script(json!([["sid"], ["debug"]]))
        .send()
        .await
        .ok();
    assert_eq!(
        new.results()[0],
        json!(null),
        "scripts can read the sid of an HttpOnly cookie"
    );
    assert!(!String::from_utf8_lossy(&new.body).contains(&new.cookie("__Host-sid").0[24..]));
}

async fn row_21b_a_sid_belongs_to_one_config(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    for path in [
        "/rejecting/load",
        "/lenient/load",
        "/renewing/load",
        "/loose/load",
        "/bare/load",
    ] {
        server
            .get(path)
            .sid(&session.sid)
            .send()
            .await
            .problem(401, "unknown-session");
    }
    assert!(server.is_alive(&session).await);
}
