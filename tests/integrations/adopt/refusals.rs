//! Old sessions of a user who has as many sessions as allowed, with `on_max_sessions: refuse`.

use super::steps::{Point, When, is_stored};
use super::{AtMostOne, Reply, Server, until};

fn is_refused(reply: &Reply) -> bool {
    assert!(matches!(reply.status.as_u16(), 200 | 409), "{}", reply.body);
    assert_eq!(
        reply.status == 409,
        reply.body.contains("too-many-sessions")
    );
    assert!(reply.status == 200 || reply.sid.is_none());
    reply.status == 409
}

#[tokio::test]
async fn row_117_one_too_many_is_refused_and_stays() {
    let server = Server::new(AtMostOne::layer());
    let (first, second) = (server.old_session("ann"), server.old_session("ann"));
    let sid = server.goes_on(&first).await;
    for _ in 0..2 {
        assert!(is_refused(&server.get("/", &second).await));
        assert!(is_stored(&second["old=".len()..]));
        assert_eq!(server.count().await, 1);
    }
    assert_eq!(server.status("/", &sid).await, 200);
    // Another user is not concerned.
    let other = server.old_session("bob");
    assert_eq!(server.status("/", &other).await, 200);
    assert_eq!(server.count().await, 2);

    assert_eq!(server.status("/log-out", &sid).await, 200);
    assert_eq!(server.status("/", &second).await, 200);
    assert!(!is_stored(&second["old=".len()..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_117_of_two_at_once_one_is_refused() {
    let server = Server::new(AtMostOne::layer());
    let olds = [server.old_session("ann"), server.old_session("ann")];
    let requests: Vec<_> = (0..32)
        .map(|number| (number % 2, server.start("/", &olds[number % 2])))
        .collect();
    let mut refused = [0, 0];
    for (number, request) in requests {
        refused[number] += usize::from(is_refused(&request.await.unwrap()));
    }
    refused.sort_unstable();
    assert_eq!(refused, [0, 16]);
    assert_eq!(server.count().await, 1);
    let stored = olds.iter().filter(|old| is_stored(&old["old=".len()..]));
    assert_eq!(stored.count(), 1);
}

/// The record of a request is ended by another one, which was refused: the first one is refused, too.
#[tokio::test]
async fn row_117_a_request_whose_record_is_ended_by_a_refusal() {
    for (point, when) in [
        (Point::Next("insert"), When::After),
        (Point::Next("load"), When::After),
        (Point::Next("commit"), When::Before),
    ] {
        let server = Server::new(AtMostOne::layer());
        let (first, second) = (server.old_session("ann"), server.old_session("ann"));
        let sid = server.goes_on(&first).await;
        let step = server.steps().wait_at(point, when);
        let mut waiting = server.start("/", &second);
        until(&step, &mut waiting).await;
        assert!(is_refused(&server.get("/", &second).await));
        step.go_on();
        assert!(is_refused(&waiting.await.unwrap()), "{point:?}");
        assert_eq!(server.count().await, 1);
        assert_eq!(server.status("/log-out", &sid).await, 200);
        assert_eq!(server.status("/", &second).await, 200);
    }
}

/// A refusal whose record could not be removed is one for the next request, too.
#[tokio::test]
async fn row_117_a_refusal_that_is_interrupted() {
    for when in [When::Before, When::After] {
        let server = Server::new(AtMostOne::layer());
        let (first, second) = (server.old_session("ann"), server.old_session("ann"));
        let sid = server.goes_on(&first).await;
        let end = server.steps().wait_at(Point::Next("destroy"), when);
        let mut request = server.start("/", &second);
        until(&end, &mut request).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert!(is_refused(&server.get("/", &second).await));
        assert_eq!(server.count().await, 1);
        assert_eq!(server.status("/log-out", &sid).await, 200);
        assert_eq!(server.status("/", &second).await, 200);
    }
}
