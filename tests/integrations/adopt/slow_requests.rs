//! Requests that adopt a session so slowly that it ends, or that another one confirms its record.

use std::time::Duration;

use connect_session::SessionConfig as _;
use connect_session::store::{Store as _, SubjectKey};

use super::steps::{Point, When, is_stored};
use super::{Latest, Server, Shop, until};

const A_SECOND: Duration = Duration::from_secs(1);
/// After it, a record that nobody has confirmed is gone.
const A_MINUTE: Duration = Duration::from_secs(61);

/// One request confirms the record that another has inserted after the session ended.
#[tokio::test]
async fn row_113_a_stale_confirmation_brings_no_session_back() {
    let server = Server::new(Shop::layer());
    let old = server.old_session("ann");
    let confirm = server.steps().wait_at(Point::Next("commit"), When::Before);
    let mut confirming = server.start("/", &old);
    until(&confirm, &mut confirming).await;
    let read = server.steps().wait_at(Point::Next("read"), When::After);
    let mut inserting = server.start("/", &old);
    until(&read, &mut inserting).await;

    let sid = server.goes_on(&old).await;
    server.logs_out(&old, &sid).await;

    server.clock.advance(A_SECOND);
    let loaded = server.steps().wait_at(Point::Next("load"), When::After);
    read.go_on();
    until(&loaded, &mut inserting).await;
    assert_eq!(server.count().await, 1, "a record that opens nothing");
    confirm.go_on();
    let confirming = confirming.await.unwrap();
    assert_eq!(confirming.status, 401, "{}", confirming.body);
    loaded.go_on();
    let inserting = inserting.await.unwrap();
    assert_eq!(inserting.status, 401, "{}", inserting.body);
    assert_eq!(server.count().await, 0);
    assert_eq!(server.status("/", &old).await, 401);
}

/// The record of a request expires while it waits, and another request inserts one. The first request goes on before
/// or after that record is confirmed.
async fn goes_on_with_the_record_of_a_later_request(later_waits: When) {
    let server = Server::new(Shop::layer());
    let old = server.old_session("ann");
    let first = server.steps().wait_at(Point::Next("commit"), When::Before);
    let mut slow = server.start("/", &old);
    until(&first, &mut slow).await;
    server.clock.advance(A_MINUTE);
    let second = server.steps().wait_at(Point::Next("commit"), later_waits);
    let mut later = server.start("/", &old);
    until(&second, &mut later).await;
    first.go_on();
    assert_eq!(slow.await.unwrap().status, 200);
    second.go_on();
    assert_eq!(later.await.unwrap().status, 200);
    let sid = server.goes_on(&old).await;
    server.logs_out(&old, &sid).await;
}

#[tokio::test]
async fn row_114_a_request_that_confirms_the_record_of_a_later_one() {
    goes_on_with_the_record_of_a_later_request(When::Before).await;
}

#[tokio::test]
async fn row_114_a_request_that_finds_the_confirmed_record_of_a_later_one() {
    goes_on_with_the_record_of_a_later_request(When::After).await;
}

#[tokio::test]
async fn row_113_a_session_that_ends_while_it_is_adopted() {
    let server = Server::new(Shop::layer());
    let old = server.old_session("ann");
    let confirmed = server.steps().wait_at(Point::Next("commit"), When::After);
    let mut slow = server.start("/", &old);
    until(&confirmed, &mut slow).await;
    let index = server.store.as_subject_index().unwrap();
    let ann = SubjectKey::new(Shop::OPTIONS.namespace, "ann");
    assert_eq!(index.end_all(ann, None).await.unwrap().len(), 1);
    confirmed.go_on();
    assert_eq!(slow.await.unwrap().status, 401);
    assert!(!is_stored(&old["old=".len()..]));
    assert_eq!(server.status("/", &old).await, 401);
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn row_117_a_session_that_is_replaced_while_it_is_adopted() {
    let server = Server::new(Latest::layer());
    let (first, second) = (server.old_session("ann"), server.old_session("ann"));
    let confirmed = server.steps().wait_at(Point::Next("commit"), When::After);
    let mut slow = server.start("/", &first);
    until(&confirmed, &mut slow).await;
    server.clock.advance(A_SECOND);
    let sid = server.goes_on(&second).await;
    confirmed.go_on();
    let slow = slow.await.unwrap();
    assert_eq!(slow.status, 401);
    assert!(slow.body.contains("session-replaced"), "{}", slow.body);
    assert!(!is_stored(&first["old=".len()..]));
    assert_eq!(server.status("/", &first).await, 401);
    assert_eq!(server.status("/", &sid).await, 200);
}
