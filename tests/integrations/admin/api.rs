//! The JSON API.

use std::time::Duration;

use axum::body::Body;
use connect_session::store::MemoryStore;
use connect_session::testing::FakeClock;
use http::{Method, Request};
use serde_json::json;

use super::{Stored, app, ask, get, insert, send, user};

#[tokio::test]
async fn a_session_is_shown_with_its_life_and_the_names_of_its_fields() {
    let clock = FakeClock::new();
    let store = MemoryStore::builder().clock(clock.clone()).build();
    let id = Stored {
        subject: Some("ada"),
        label: Some("laptop"),
        data: Some(json!({"visits": 3, "cart": ["a secret wish"]})),
    };
    let id = insert(&store, 1, id).await;
    let app = app(store);
    let shown = get(&app, &format!("/api/sessions/{id}")).await;
    let json = shown.json();
    assert_eq!(json["id"], id.to_string());
    assert_eq!(
        (&json["subject"], &json["label"]),
        (&json!("ada"), &json!("laptop"))
    );
    assert_eq!(json["level"], 1);
    let created = json["created_at"].as_u64().unwrap();
    for time in ["logged_in_at", "authenticated_at", "last_seen_at"] {
        assert_eq!(json[time], created, "{time}");
    }
    assert_eq!(json["expires_at"], created + 1_800_000);
    assert_eq!(
        json["fields"],
        json!([{"name": "cart"}, {"name": "visits", "value": "3"}])
    );
    assert!(!shown.body.contains("wish"));

    // A look is no use of the session.
    clock.advance(Duration::from_secs(1_200));
    let later = get(&app, &format!("/api/sessions/{id}")).await;
    assert_eq!(later.body, shown.body);
    clock.advance(Duration::from_secs(600));
    assert_eq!(get(&app, &format!("/api/sessions/{id}")).await.status, 404);
}

#[tokio::test]
async fn the_sessions_of_a_user_are_listed_in_parts() {
    let store = MemoryStore::default();
    for number in 0..250 {
        insert(&store, number, user("ada & co")).await;
    }
    insert(&store, 1_000, user("eve")).await;
    let app = app(store);
    let mut ids = Vec::new();
    let mut path = "/api/sessions?subject=ada+%26%20co".to_owned();
    let mut sizes = Vec::new();
    loop {
        let part = get(&app, &path).await.json();
        let sessions = part["sessions"].as_array().unwrap();
        assert!(
            sessions
                .iter()
                .all(|session| session["subject"] == "ada & co")
        );
        assert!(sessions.iter().all(|session| session["fields"].is_null()));
        sizes.push(sessions.len());
        ids.extend(sessions.iter().map(|session| session["id"].to_string()));
        let Some(next) = part["next"].as_str() else {
            break;
        };
        path = format!("/api/sessions?subject=ada+%26%20co&after={next}");
    }
    assert_eq!(sizes, [100, 100, 50]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 250);
}

#[tokio::test]
async fn a_session_is_ended_once() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, user("ada")).await;
    let path = format!("/api/sessions/{id}");
    let app = app(store);
    let statuses = [
        ask(&app, "end", Method::DELETE, &path).await.status,
        ask(&app, "end", Method::DELETE, &path).await.status,
        get(&app, &path).await.status,
    ];
    assert_eq!(statuses.map(|status| status.as_u16()), [204, 404, 404]);
}

#[tokio::test]
async fn ten_thousand_sessions_are_counted_listed_and_ended() {
    let store = MemoryStore::default();
    for number in 0..10_000 {
        insert(&store, number, user("ada")).await;
    }
    insert(&store, 20_000, user("eve")).await;
    let app = app(store);
    let counts = get(&app, "/api/counts").await.json();
    let expected = json!({"config": "Shop", "sessions": 10_001, "or_more": false});
    assert_eq!(counts, expected);
    assert!(
        get(&app, "")
            .await
            .body
            .contains("10,001 sessions are alive.")
    );
    let list = get(&app, "/api/sessions?subject=ada").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 100);
    let ended = ask(&app, "end", Method::DELETE, "/api/sessions?subject=ada").await;
    assert_eq!(ended.json(), json!({"ended": 10_000}));
    assert_eq!(get(&app, "/api/counts").await.json()["sessions"], 1);
    let list = get(&app, "/api/sessions?subject=ada").await.json();
    assert_eq!(list, json!({"sessions": [], "next": null}));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_without_repeating_it() {
    let app = app(MemoryStore::default());
    let cases = [
        (
            Method::GET,
            "/api/sessions",
            400,
            "The query needs `subject`",
        ),
        (
            Method::GET,
            "/api/sessions?subject=",
            400,
            "The query needs `subject`",
        ),
        (
            Method::DELETE,
            "/api/sessions",
            400,
            "The query needs `subject`",
        ),
        (
            Method::GET,
            "/api/sessions?subject=a&after=zzz",
            400,
            "`after` is not",
        ),
        (Method::GET, "/api/sessions?subject=%ff", 400, "not UTF-8"),
        (Method::GET, "/api/sessions/zzz", 400, "is a UUID"),
        (Method::DELETE, "/api/sessions/zzz", 400, "is a UUID"),
        (Method::GET, "/api/zzz", 404, "nothing under this path"),
        (
            Method::PATCH,
            "/api/sessions?subject=a",
            405,
            "no such method",
        ),
        (Method::POST, "/api/counts", 405, "no such method"),
        (
            Method::POST,
            "?zzz=1",
            400,
            "The query needs `end` or `end_all`",
        ),
        (Method::DELETE, "", 405, "no such method"),
    ];
    for (method, path, status, detail) in cases {
        let answer = ask(&app, "end", method.clone(), path).await;
        assert_eq!(answer.status, status, "{method} {path}");
        let shown = if path.starts_with("/api") {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            answer.json()["detail"].to_string()
        } else {
            answer.body.clone()
        };
        assert!(shown.contains(detail), "{method} {path}: {shown}");
        assert!(!answer.body.contains("zzz"), "{method} {path}: {shown}");
        assert_eq!(answer.header("allow").is_empty(), status != 405);
    }
}

#[tokio::test]
async fn no_response_contains_a_sid() {
    let app = app(MemoryStore::default());
    let mut request = Request::post("/log-in").body(Body::from("ada")).unwrap();
    request
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    let sid = send(&app, request).await;
    let sid = sid.header("x-user-session").to_owned();
    assert_eq!(sid.len(), 64);
    let list = get(&app, "/api/sessions?subject=ada").await;
    let id = list.json()["sessions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answers = [
        list,
        get(&app, &format!("/api/sessions/{id}")).await,
        get(&app, &format!("?id={id}")).await,
        get(&app, "?subject=ada").await,
        // Somebody pastes a sid where an id belongs.
        get(&app, &format!("?id={sid}")).await,
        get(&app, &format!("/api/sessions/{sid}")).await,
        ask(&app, "end", Method::POST, &format!("?end={sid}")).await,
    ];
    for answer in answers {
        assert!(!answer.body.contains(&sid[22..]), "{}", answer.body);
        assert!(answer.headers.get("set-cookie").is_none());
        let mut headers = answer.headers.values();
        assert!(!headers.any(|value| value.to_str().unwrap().contains(&sid[22..])));
    }
}

#[tokio::test]
async fn the_document_describes_every_path() {
    let app = app(MemoryStore::default());
    let document = get(&app, "/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let paths: Vec<_> = paths.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        ["/api/counts", "/api/sessions", "/api/sessions/{id}"]
    );
    for method in ["get", "delete"] {
        for path in ["/api/sessions", "/api/sessions/{id}"] {
            let responses = &document["paths"][path][method]["responses"];
            for status in ["403", "503"] {
                assert!(responses[status].is_object(), "{method} {path} {status}");
            }
        }
    }
}
