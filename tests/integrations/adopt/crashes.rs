//! A request that adopts a session ends at any of its steps.

use std::time::Duration;

use super::steps::{Point, When, end_old};
use super::{Server, Shop};

/// The calls of an adoption: it reads the old session twice and removes it, and inserts, commits and loads the
/// new one.
const STEPS: usize = 8;

/// Starts a request that ends at the call with this number. Returns `None` if it has fewer.
async fn crashed(number: usize, when: When) -> Option<(Server<Shop>, String)> {
    let server = Server::new(Shop::layer());
    let old = server.old_session("ann");
    let step = server.steps().wait_at(Point::Call(number), when);
    let mut request = server.start("/", &old);
    tokio::select! {
        reply = &mut request => {
            assert_eq!(reply.unwrap().status, 200);
            return None;
        }
        () = step.reached() => {}
    }
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    Some((server, old))
}

/// The next request of the client completes what is missing.
#[tokio::test]
async fn row_114_a_crash_at_any_step_loses_nothing() {
    for when in [When::Before, When::After] {
        for pause in [0, 61] {
            let mut number = 0;
            while let Some((server, old)) = crashed(number, when).await {
                server.clock.advance(Duration::from_secs(pause));
                let sid = server.goes_on(&old).await;
                server.logs_out(&old, &sid).await;
                number += 1;
            }
            assert!(number >= STEPS, "{number}");
        }
    }
}

/// A record that is not confirmed does not outlive the old session.
#[tokio::test]
async fn row_113_a_crash_and_then_a_logout_in_the_old_program() {
    for when in [When::Before, When::After] {
        let (mut number, mut adopted) = (0, 0);
        while let Some((server, old)) = crashed(number, when).await {
            end_old(&old["old=".len()..]);
            if server.steps().has_done("commit") {
                let sid = server.goes_on(&old).await;
                server.logs_out(&old, &sid).await;
                adopted += 1;
            } else {
                assert_eq!(server.status("/", &old).await, 401);
                server.clock.advance(Duration::from_secs(61));
                assert_eq!(server.status("/", &old).await, 401);
                assert_eq!(server.count().await, 0);
            }
            number += 1;
        }
        assert!(0 < adopted && adopted < number, "{adopted} of {number}");
    }
}

/// The response is a 503, and the next request completes what is missing.
#[tokio::test]
async fn row_115_a_failure_at_any_step_loses_nothing() {
    for when in [When::Before, When::After] {
        let mut number = 0;
        loop {
            let server = Server::new(Shop::layer());
            let old = server.old_session("ann");
            server.steps().fail_at(Point::Call(number), when);
            let reply = server.get("/", &old).await;
            if !server.steps().all_caught() {
                assert_eq!(reply.status, 200);
                break;
            }
            // The last calls are those of the response, which may do without.
            let is_adopting = number < STEPS;
            assert_eq!(reply.status == 503, is_adopting, "{number}: {}", reply.body);
            assert!(reply.sid.is_none() || !is_adopting);
            let sid = server.goes_on(&old).await;
            server.logs_out(&old, &sid).await;
            number += 1;
        }
        assert!(number >= STEPS, "{number}");
    }
}
