//! Who may do what, and which headers every response has.

use std::sync::Mutex;

use connect_session::store::MemoryStore;
use connect_session::{Event, EventKind};
use http::Method;
use http::header::{HOST, ORIGIN};

use super::{app, ask, ask_with, get, insert, user};

/// The events of failed authorizers and of requests from another origin.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(super) fn record(event: &Event<'_>) {
    if matches!(
        event.kind,
        EventKind::AuthorizerFailed { .. } | EventKind::CrossOrigin { .. }
    ) {
        EVENTS.lock().unwrap().push(event.to_string());
    }
}

fn has_event(text: &str) -> bool {
    let events = EVENTS.lock().unwrap();
    events.iter().any(|event| event.contains(text))
}

/// A request of each kind, with the id of a session of `ada`.
fn requests(id: &str) -> Vec<(Method, String)> {
    let get = |path: &str| (Method::GET, path.to_owned());
    vec![
        get(""),
        get("/"),
        get("?subject=ada"),
        (Method::GET, format!("?id={id}")),
        get("?id=wrong"),
        get("/nothing"),
        get("/openapi.json"),
        get("/api/counts"),
        get("/api/sessions"),
        get("/api/sessions?subject=ada"),
        (Method::GET, format!("/api/sessions/{id}")),
        get("/api/sessions/wrong"),
        (Method::PUT, "/api/counts".to_owned()),
        (Method::POST, format!("?end={id}")),
        (Method::POST, "?end_all=ada".to_owned()),
        (Method::DELETE, format!("/api/sessions/{id}")),
        (Method::DELETE, "/api/sessions?subject=ada".to_owned()),
    ]
}

#[tokio::test]
async fn a_caller_who_is_denied_gets_a_403_and_nothing_else() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, user("ada")).await.to_string();
    let app = app(store);
    for (method, path) in requests(&id) {
        let answer = ask(&app, "", method.clone(), &path).await;
        assert_eq!(answer.status, 403, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["detail"], "The caller may not use this page");
        assert!(!answer.body.contains(&id) && !answer.body.contains("ada"));
    }
    let list = get(&app, "/api/sessions?subject=ada").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_authorizer_that_fails_is_a_503_that_shows_nothing() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, user("ada")).await.to_string();
    let app = app(store);
    for (method, path) in requests(&id) {
        let answer = ask(&app, "unclear", method.clone(), &path).await;
        assert_eq!(answer.status, 503, "{method} {path}");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!answer.body.contains(&id) && !answer.body.contains("database"));
    }
    assert!(has_event("authorizer_failed"));
    assert!(has_event("the staff's database is down"));
    let list = get(&app, "/api/sessions?subject=ada").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_caller_who_may_only_read_ends_nothing_and_sees_no_button() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, user("ada")).await.to_string();
    let app = app(store);
    for (method, path) in requests(&id) {
        let answer = ask(&app, "read", method.clone(), &path).await;
        let ends = method != Method::GET && (path.contains(&id) || path.contains("ada"));
        assert_eq!(answer.status == 403, ends, "{method} {path}");
        assert!(!answer.body.contains("method=\"post\""), "{}", answer.body);
    }
    let list = get(&app, "/api/sessions?subject=ada").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_response_has_the_headers_that_protect_it() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, user("ada")).await.to_string();
    let app = app(store);
    for role in ["", "unclear", "read", "end"] {
        for (method, path) in requests(&id) {
            let answer = ask(&app, role, method.clone(), &path).await;
            let what = format!("{role} {method} {path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "{what}");
            let policy = answer.header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none'; "),
                "{what}: {policy}"
            );
            assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        }
    }
}

#[tokio::test]
async fn no_page_of_another_origin_ends_a_session() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, user("ada")).await.to_string();
    let site = "sec-fetch-site".parse::<http::HeaderName>().unwrap();
    let app = app(store);
    let ending = requests(&id);
    let ending = ending
        .iter()
        .filter(|(method, _)| [Method::POST, Method::DELETE].contains(method));
    for (method, path) in ending {
        for (name, value) in [
            (site.clone(), "cross-site"),
            (site.clone(), "same-site"),
            (ORIGIN, "https://evil.example"),
            (ORIGIN, "null"),
        ] {
            let what = format!("{method} {path} {name}: {value}");
            let answer = ask_with(&app, "end", method.clone(), path, [(name, value)]).await;
            assert_eq!(answer.status, 403, "{what}");
            assert!(answer.body.contains("another origin"), "{what}");
        }
    }
    assert!(has_event("Origin: https://evil.example, not shop.example"));
    let list = get(&app, "/api/sessions?subject=ada").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);

    let own = [(HOST, "shop.example"), (ORIGIN, "https://shop.example")];
    let path = format!("?end={id}");
    let answer = ask_with(&app, "end", Method::POST, &path, own).await;
    assert_eq!(answer.status, 303);
    let own = [(site, "same-origin"), (ORIGIN, "https://shop.example")];
    let answer = ask_with(&app, "end", Method::POST, &path, own).await;
    assert_eq!(answer.header("location"), "?ended=0");
}
