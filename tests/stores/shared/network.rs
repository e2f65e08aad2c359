//! What a network, a server or a full disk does to a store.

use super::*;

/// A server that receives and does not reply: a write that was sent has an unknown outcome; a write
/// that could not be sent and a read are unavailable. All fail within bounded time, and afterwards
/// everything works again. `lock` locks every row until its result is released.
pub async fn network_failures_are_reported<S: Store<Untyped>, Lock>(
    store: Arc<S>,
    proxy: &Proxy,
    lock: impl AsyncFn() -> Lock,
    release: impl AsyncFn(Lock),
) {
    let opened = open(&*store, &json!({"count": 0})).await;
    for (round, network) in (1_u64..).zip([Network::Silent, Network::Broken]) {
        let record = load(&*store, opened).await;
        let change = set(&record, &json!({"count": round}));
        let held = lock().await;
        proxy.take_counts();
        let commit = tokio::spawn({
            let store = store.clone();
            async move { store.commit(opened.key, &change).await }
        });
        // The commit was sent, and the server waits for the lock.
        while !proxy.take_counts().contains_key(&'E') {
            tokio::task::yield_now().await;
        }
        proxy.set(network);
        let failed = commit.await.unwrap().unwrap_err();
        assert!(
            matches!(failed, StoreError::OutcomeUnknown(_)),
            "{failed:?}"
        );
        release(held).await;
        let failed = try_load(&*store, opened).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
        let new = mint();
        let record = new_record(new.secret, &json!({}));
        let failed = store.insert(new.key, &record).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
        proxy.set(Network::Works);
        // The store notices soon that the server is back. The commit was applied or will be: nothing
        // cancels it.
        until("the commit is applied", async || {
            let loaded = try_load(&*store, opened).await;
            loaded.is_ok_and(|record| fixture::json(&record.unwrap()) == json!({"count": round}))
        })
        .await;
        assert!(try_load(&*store, new).await.unwrap().is_none());
    }
}

/// The network fails after a reply: the ping of the application's pool when the connection is returned
/// is lost. The pool replaces the connection, even if it has no other.
pub async fn a_lost_connection_is_replaced<S: Store<Untyped>>(store: &S, proxy: &Proxy) {
    let opened = open(store, &json!({"a": 1})).await;
    proxy.set(Network::LosesPings);
    load(store, opened).await;
    load(store, opened).await;
    proxy.set(Network::Works);
    assert_eq!(fixture::json(&load(store, opened).await), json!({"a": 1}));
}

/// The server restarts while its connections are idle. A read is sent again on a new connection, and the
/// commit that follows it uses that one.
pub async fn a_restart_goes_unnoticed<S: Store<Untyped>>(store: &S, proxy: &Proxy) {
    let opened = open(store, &json!({"a": 1})).await;
    load(store, opened).await;
    proxy.set(Network::Broken);
    // Every connection's task sees it.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    proxy.set(Network::Works);
    let record = load(store, opened).await;
    let committed = store
        .commit(opened.key, &set(&record, &json!({"a": 2})))
        .await;
    assert!(matches!(committed.unwrap(), CommitOutcome::Applied { .. }));
    assert_eq!(fixture::json(&load(store, opened).await), json!({"a": 2}));
}

/// A server that refuses writes still serves what it can read: the touch is skipped, and a secret that was
/// offered is accepted. `reader` has the same table and may not write; `age` halves the time to every
/// idle deadline.
pub async fn sessions_are_served_while_writes_are_refused<S: Store<Untyped>>(
    store: &S,
    reader: &S,
    age: impl AsyncFn(),
) {
    let opened = open(store, &json!({"a": 1})).await;
    let renewing = LoadRequest {
        renewal: Some(Renewal {
            every: Duration::ZERO,
            grace: Duration::from_secs(30),
            candidate: SecretHash::from_bytes([1; 32]),
        }),
        ..request(opened.secret)
    };
    age().await;
    let touched = load(reader, opened).await;
    assert_eq!(fixture::json(&touched), json!({"a": 1}));
    let unoffered = reader.load(opened.key, &renewing).await.unwrap();
    let unoffered = unoffered.found().unwrap();
    assert!(!unoffered.renewed, "no offer that the server does not know");
    let loaded = store.load(opened.key, &renewing).await.unwrap();
    assert!(loaded.found().is_some());
    let offered = Opened {
        secret: SecretHash::from_bytes([1; 32]),
        ..opened
    };
    load(reader, offered).await;
    let refused = reader
        .commit(opened.key, &set(&touched, &json!({"a": 2})))
        .await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}
