//! The page.

use std::fmt::Write as _;

use connect_session::store::MemoryStore;
use http::Method;
use serde_json::json;

use super::{Stored, app, ask, get, insert, user};

const EVIL: &str = "\"'><script>alert(1)</script>\r\n&\u{202e}";

/// The text as a value of a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        write!(encoded, "%{byte:02x}").unwrap();
    }
    encoded
}

#[tokio::test]
async fn nothing_that_a_client_chose_becomes_markup() {
    let store = MemoryStore::default();
    let session = Stored {
        subject: Some(EVIL),
        label: Some(EVIL),
        data: Some(json!({EVIL: 1, "visits": EVIL})),
    };
    let id = insert(&store, 1, session).await;
    let app = app(store);
    let paths = [
        format!("?id={id}"),
        format!("?subject={}", encoded(EVIL)),
        format!("?subject={}&ended={}", encoded("<b>"), encoded(EVIL)),
    ];
    for path in &paths {
        let page = get(&app, path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        for part in ["<script", "<b>", "\u{202e}", "'>", "\r"] {
            assert!(!page.body.contains(part), "{part}: {}", page.body);
        }
    }
    let shown = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\r\\n&amp;\\u{202e}";
    let page = get(&app, &paths[0]).await.body;
    // The user, the label, the name of a field and a value.
    assert_eq!(page.matches(shown).count(), 4, "{page}");
    let json = get(&app, &format!("/api/sessions/{id}")).await.json();
    assert_eq!(json["label"], EVIL);
}

#[tokio::test]
async fn long_texts_are_shortened() {
    let store = MemoryStore::default();
    let long = "<".repeat(1 << 20);
    let session = Stored {
        subject: Some(&long),
        label: Some(&long),
        data: Some(json!({"visits": long, "n".repeat(10_000): 1})),
    };
    let id = insert(&store, 1, session).await;
    let fields: serde_json::Map<_, _> = (0..500).map(|at| (format!("f{at}"), json!(1))).collect();
    let many = Stored {
        data: Some(fields.into()),
        ..Stored::default()
    };
    let many = insert(&store, 2, many).await;
    let app = app(store);
    let page = get(&app, &format!("?id={id}")).await.body;
    assert!(page.len() < 20_000, "{}", page.len());
    let api = get(&app, &format!("/api/sessions/{id}")).await;
    assert!(api.body.len() < 20_000, "{}", api.body.len());
    assert!(api.json()["label"].as_str().unwrap().ends_with("<…"));
    let page = get(&app, &format!("?id={many}")).await.body;
    assert!(page.contains("and 400 more") && page.len() < 40_000);
}

#[tokio::test]
async fn values_are_shown_only_of_the_listed_fields() {
    let store = MemoryStore::default();
    let session = Stored {
        data: Some(json!({"visits": 41, "cart": ["a secret wish"]})),
        ..Stored::default()
    };
    let id = insert(&store, 1, session).await;
    let page = get(&app(store), &format!("?id={id}")).await.body;
    assert!(page.contains("<code>visits</code>") && page.contains(">41</code>"));
    assert!(page.contains("<code>cart</code>") && page.contains("not shown"));
    assert!(!page.contains("wish") && page.contains("Nobody"));
}

#[tokio::test]
async fn a_session_is_ended_by_its_form() {
    let store = MemoryStore::default();
    let subject = "ada & <co>";
    for number in 0..3 {
        insert(&store, number, user(subject)).await;
    }
    let app = app(store);
    let list = get(&app, &format!("?subject={}", encoded(subject))).await;
    let actions = list.actions();
    assert_eq!(actions.len(), 4, "one for each session, and one for all");
    let ended = ask(&app, "end", Method::POST, &actions[0]).await;
    assert_eq!(ended.status, 303);
    let list = get(&app, ended.header("location")).await;
    assert!(list.body.contains("One session was ended."));
    assert!(list.body.contains("ada &amp; &lt;co&gt;"));
    assert_eq!(list.actions().len(), 3);

    let again = ask(&app, "end", Method::POST, &actions[0]).await;
    let list = get(&app, again.header("location")).await;
    assert!(list.body.contains("There was no session to end."));

    let ended = ask(&app, "end", Method::POST, list.actions().last().unwrap()).await;
    let list = get(&app, ended.header("location")).await;
    assert!(list.body.contains("2 sessions were ended."));
    assert!(list.body.contains("This user has no session here."));
}

#[tokio::test]
async fn a_session_is_ended_on_its_own_page() {
    let store = MemoryStore::default();
    let id = insert(&store, 1, Stored::default()).await;
    let app = app(store);
    let page = get(&app, &format!("?id={id}")).await;
    let ended = ask(&app, "end", Method::POST, &page.actions()[0]).await;
    assert_eq!(ended.header("location"), "?ended=1");
    let home = get(&app, "?ended=1").await.body;
    assert!(home.contains("One session was ended.") && home.contains("0 sessions are alive."));
    let gone = get(&app, &format!("?id={id}")).await;
    assert_eq!(gone.status, 404);
    assert!(gone.body.contains("There is no such session"));
}

#[tokio::test]
async fn a_list_leads_to_its_next_part() {
    let store = MemoryStore::default();
    for number in 0..150 {
        insert(&store, number, user("ada")).await;
    }
    let app = app(store);
    let first = get(&app, "?subject=ada").await.body;
    assert_eq!(first.matches("scope=\"row\"").count(), 100);
    let (before, _) = first.split_once("\">Earlier logins</a>").unwrap();
    let next = before
        .rsplit("href=\"")
        .next()
        .unwrap()
        .replace("&amp;", "&");
    let second = get(&app, &next).await.body;
    assert_eq!(second.matches("scope=\"row\"").count(), 50);
    assert!(!second.contains("Earlier logins"));
}
