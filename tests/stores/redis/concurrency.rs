//! Concurrent writers on two independent stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use connect_session::store::{CommitOutcome, RedisStore};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::tools::{Session, json as json_of, opened, set};
use crate::servers;

const WRITERS: usize = 64;

async fn two_stores(make: impl AsyncFn() -> RedisStore) {
    let stores = [make().await, make().await];
    let session = opened(&stores[0], &json!({"n": 0})).await;
    let barrier = Arc::new(Barrier::new(WRITERS));
    let writers: Vec<_> = (0..WRITERS)
        .map(|at| {
            let (store, barrier) = (stores[at % 2].clone(), barrier.clone());
            tokio::spawn(async move {
                let loaded = session.load(&store).await.unwrap().unwrap();
                barrier.wait().await;
                field(&store, session, at, &loaded).await;
                barrier.wait().await;
                count_up(&store, session).await
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for writer in writers {
        numbers.push(writer.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (1..=WRITERS as u64).collect::<Vec<_>>(),
        "two increments returned the same number"
    );
    let record = session.load(&stores[1]).await.unwrap().unwrap();
    let fields: BTreeMap<String, Value> = serde_json::from_value(json_of(&record)).unwrap();
    assert_eq!(fields.len(), WRITERS + 1);
    assert_eq!(fields["n"], json!(WRITERS));
    assert_eq!(
        record.snapshot.version,
        1 + 2 * WRITERS as u64,
        "a change was applied more or less than once"
    );
}

/// Sets a separate field, and retries after conflicts.
async fn field(
    store: &RedisStore,
    session: Session,
    at: usize,
    loaded: &connect_session::store::Record<connect_session::Untyped>,
) {
    let mut record = loaded.clone();
    loop {
        let mut data = json_of(&record);
        data[format!("field {at}")] = json!(at);
        match session.commit(store, &set(&record, &data)).await.unwrap() {
            CommitOutcome::Applied {
                snapshot: Some(_), ..
            } => return,
            CommitOutcome::Conflict(theirs) => record = *theirs,
            other => panic!("{other:?}"),
        }
    }
}

/// Increments the counter, and retries after conflicts.
async fn count_up(store: &RedisStore, session: Session) -> u64 {
    let mut record = session.load(store).await.unwrap().unwrap();
    loop {
        let mut data = json_of(&record);
        let next = data["n"].as_u64().unwrap() + 1;
        data["n"] = json!(next);
        match session.commit(store, &set(&record, &data)).await.unwrap() {
            CommitOutcome::Applied { .. } => return next,
            CommitOutcome::Conflict(theirs) => record = *theirs,
            CommitOutcome::Ended | CommitOutcome::Refused(_) => panic!("the session ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn on_one_server() {
    two_stores(async || {
        RedisStore::connect(servers::url("TEST_REDIS_URL"))
            .await
            .unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Redis Cluster; scripts/test starts one"]
async fn on_a_cluster() {
    let urls = servers::url("TEST_REDIS_CLUSTER_URLS");
    two_stores(async || {
        RedisStore::builder()
            .cluster(urls.split(','))
            .build()
            .await
            .unwrap()
    })
    .await;
}
