//! A sid that a renewal has replaced comes back.

use std::sync::Arc;
use std::time::Duration;

use super::{Client, Server, events_of, problem, renewing, strict};

/// Logs in, and has the sid renewed. Returns the client with its first sid, and with the new one, which it has
/// used.
async fn renewed(server: &Server, user: &str) -> [Client; 2] {
    let old = server.log_in(user).await;
    server.clock.advance(Duration::from_secs(601));
    let (status, _, sid) = server.send("GET", "/me", &old.sid).await;
    assert_eq!(status, 200);
    let new = Client {
        sid: sid.expect("a new sid"),
        id: old.id.clone(),
    };
    assert!(server.is_alive(&new).await);
    [old, new]
}

const AFTER_THE_GRACE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn row_99_a_replaced_sid_that_comes_back_is_reported_or_ends_the_session() {
    let apps = [
        (renewing::app as fn(_, &_) -> _, false),
        (strict::app, true),
    ];
    for (app, ends) in apps {
        let server = Server::new(app);
        let [old, new] = renewed(&server, "ada").await;
        assert!(server.is_alive(&old).await, "within the grace period");
        server.clock.advance(AFTER_THE_GRACE);
        events_of(&old);
        // A secret that was never one of the session.
        let other = server.log_in("bob").await;
        let guess = [&old.sid[..22], &other.sid[22..]].concat();
        let (status, ..) = server.send("GET", "/me", &guess).await;
        assert_eq!(
            (status.as_u16(), events_of(&old)),
            (401, vec!["unknown_sid".to_owned()])
        );
        assert!(server.is_alive(&new).await);

        let (status, body, sid) = server.send("GET", "/me", &old.sid).await;
        let expected = (401, "unknown-session".to_owned(), None);
        assert_eq!((status.as_u16(), problem(&body), sid), expected);
        let expected = [
            "unknown_sid".to_owned(),
            format!("secret_reused ada {ends}"),
        ];
        assert_eq!(events_of(&old), expected);
        assert_eq!(server.is_alive(&new).await, !ends);

        // Where a session is optional, too.
        let [old, new] = renewed(&server, "ada").await;
        server.clock.advance(AFTER_THE_GRACE);
        events_of(&old);
        for path in ["/maybe", "/maybe-view"] {
            let (status, body, _) = server.send("GET", path, &old.sid).await;
            assert_eq!((status.as_u16(), &*body), (200, "false"));
        }
        let events = events_of(&old);
        assert_eq!(events[..2], expected);
        assert_eq!(server.is_alive(&new).await, !ends);
    }
}

/// A request that was let in before the end of the grace period is none that brings a sid back.
#[tokio::test]
async fn row_99_a_request_that_outlasts_the_grace_period_ends_no_session() {
    let server = Arc::new(Server::new(strict::app));
    let [old, new] = renewed(&server, "ada").await;
    events_of(&old);
    let waiting = tokio::spawn({
        let (server, sid) = (server.clone(), old.sid.clone());
        async move { server.send("POST", "/reload", &sid).await }
    });
    server.gates.begun.notified().await;
    server.clock.advance(AFTER_THE_GRACE);
    server.gates.checked.notify_one();
    let (status, body, _) = waiting.await.unwrap();
    let expected = (409, "session-ended".to_owned());
    assert_eq!((status.as_u16(), problem(&body)), expected);
    let events = events_of(&old);
    assert!(
        !events
            .iter()
            .any(|event| event.starts_with("secret_reused")),
        "{events:?}"
    );
    assert!(server.is_alive(&new).await);
}

/// A session that could not be ended is ended by the next request with the replaced sid.
#[tokio::test]
async fn row_99_an_end_that_fails_is_tried_again() {
    let server = Server::new(strict::app);
    let [old, new] = renewed(&server, "ada").await;
    server.clock.advance(AFTER_THE_GRACE);
    events_of(&old);
    server.faults.fail_destroys(true);
    let (status, body, _) = server.send("GET", "/me", &old.sid).await;
    let expected = (503, "store-unavailable".to_owned());
    assert_eq!((status.as_u16(), problem(&body)), expected);
    assert_eq!(
        events_of(&old),
        ["unknown_sid", "secret_reused ada false", "store_error"]
    );
    assert!(server.is_alive(&new).await);
    server.faults.clear();
    let (status, ..) = server.send("GET", "/me", &old.sid).await;
    assert_eq!(status, 401);
    assert!(!server.is_alive(&new).await);
}
