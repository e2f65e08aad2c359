//! Estimates of the server's time that are wrong: the program was suspended, or the server's clock was set.

use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{CommitOutcome, InsertOutcome, RedisStore, Store};
use serde_json::json;

use super::tools::{Redis, Session, command, json as json_of, opened, set};
use crate::servers::proxy::Proxy;

const HOUR: i64 = 3_600;

/// A server, a proxy that tells a time which is so many seconds ahead, a store behind the proxy, and one at the server.
async fn wrong_by(seconds: i64) -> (Redis, Proxy, RedisStore, RedisStore) {
    let redis = Redis::start(&[]).await;
    let proxy = Proxy::to(redis.port).await;
    proxy.set_seconds_ahead(seconds);
    let behind = RedisStore::connect(format!("redis://127.0.0.1:{}", proxy.port));
    let (behind, direct) = (behind.await.unwrap(), RedisStore::connect(redis.url()));
    (redis, proxy, behind, direct.await.unwrap())
}

/// The idle timeout of the sessions is half an hour.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_change_by_a_wrong_estimate_ends_no_session() {
    for seconds in [-HOUR, HOUR] {
        let (redis, _proxy, behind, direct) = wrong_by(seconds).await;
        let session = opened(&direct, &json!({"n": 0})).await;
        let record = session.load(&direct).await.unwrap().unwrap();
        let change = set(&record, &json!({"n": 1}));
        let committed = session.commit(&behind, &change).await.unwrap();
        let is_applied = matches!(committed, CommitOutcome::Applied { .. });
        assert!(is_applied, "{seconds} s: {committed:?}");
        let after = session.load(&direct).await.unwrap();
        let after = after.unwrap_or_else(|| panic!("it has ended: {seconds} s"));
        assert_eq!(json_of(&after), json!({"n": 1}));
        let extended = (after.deadlines.idle_until).saturating_since(record.deadlines.idle_until);
        assert!(extended < Duration::from_secs(60), "{extended:?}");
        let key = session.name();
        let ends: u64 = command(&mut redis.raw(), &["PEXPIRETIME", &key]);
        assert_eq!(ends, after.deadlines.expires_at().as_millis());
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_session_is_not_created_by_an_old_estimate() {
    for seconds in [-HOUR, HOUR] {
        let (_redis, proxy, behind, direct) = wrong_by(seconds).await;
        // After a load that finds nothing, the estimate is old in a second.
        assert!(Session::mint().load(&behind).await.unwrap().is_none());
        proxy.set_seconds_ahead(0);
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let session = Session::mint();
        let inserted = session.insert(&behind, &json!({"n": 0})).await.unwrap();
        assert!(matches!(inserted, InsertOutcome::Done { .. }));
        let record = session.load(&direct).await.unwrap();
        let record = record.unwrap_or_else(|| panic!("it has ended: {seconds} s"));
        let now = Store::<Untyped>::now(&direct).as_millis();
        let age = now.abs_diff(record.deadlines.created_at.as_millis());
        assert!(age < 60_000, "{seconds} s: {age} ms");
    }
}
