//! A server that is killed, frozen or full, or loses its data: nothing is reported as done that was
//! not, no request waits for long, and the store recovers by itself.

use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{
    CommitOutcome, IdentityChange, InsertOutcome, LoadRequest, LoginChange, NewLogin, RedisStore,
    Renewal, SecretHash, Store, StoreError,
};
use serde_json::json;

use super::tools::{
    Redis, Session, change, command, error_chain, json as json_of, load_scripts, no_hang, opened,
    random, set, until,
};
use crate::servers::process::free_ports;
use crate::servers::proxy::Proxy;

async fn with_short_timeouts(url: String) -> RedisStore {
    let builder = RedisStore::builder().url(url);
    let builder = builder.connect_timeout(Duration::from_millis(300));
    builder
        .command_timeout(Duration::from_millis(300))
        .build()
        .await
        .unwrap()
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

fn is_unknown<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::OutcomeUnknown(_)))
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_killed_server_is_reported_and_reconnected() {
    let mut redis = Redis::start(&[]).await;
    let store = with_short_timeouts(redis.url()).await;
    let session = opened(&store, &json!({"a": 1})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    redis.kill();
    // The store sees that the connection is closed, so it knows that the commit was not sent.
    let change = set(&record, &json!({"a": 2}));
    until("a change that is not sent", || async {
        is_unavailable(&session.commit(&store, &change).await)
    })
    .await;
    for _ in 0..100 {
        assert!(is_unavailable(&no_hang("load", session.load(&store)).await));
        assert!(is_unavailable(
            &no_hang("insert", Session::mint().insert(&store, &json!({}))).await
        ));
        assert!(is_unavailable(
            &no_hang("commit", session.commit(&store, &change)).await
        ));
        assert!(is_unavailable(
            &no_hang("destroy", session.destroy(&store)).await
        ));
        let count = Store::<Untyped>::count(&store, "test");
        assert!(is_unavailable(&no_hang("count", count).await));
    }
    redis.restart().await;
    until("the store reconnects", || async {
        session.load(&store).await.is_ok()
    })
    .await;
    // The server has lost the session and the scripts.
    assert!(session.load(&store).await.unwrap().is_none());
    assert!(matches!(
        session.commit(&store, &change).await.unwrap(),
        CommitOutcome::Ended
    ));
    assert!(!session.destroy(&store).await.unwrap());
    opened(&store, &json!({})).await;
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_frozen_server_times_out() {
    let redis = Redis::start(&[]).await;
    let store = with_short_timeouts(redis.url()).await;
    let session = opened(&store, &json!({"n": 1})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    redis.freeze();
    let first = set(&record, &json!({"n": 2}));
    let committed = no_hang("commit", session.commit(&store, &first)).await;
    assert!(is_unknown(&committed), "{committed:?}");
    // Now the store knows that there is no connection.
    let second = set(&record, &json!({"n": 3}));
    let committed = no_hang("commit", session.commit(&store, &second)).await;
    assert!(is_unavailable(&committed), "{committed:?}");
    let many = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { is_unavailable(&session.load(&store).await) })
    });
    for load in many.collect::<Vec<_>>() {
        assert!(no_hang("load", load).await.unwrap());
    }
    redis.thaw();
    until("the store reconnects", || async {
        session.load(&store).await.is_ok()
    })
    .await;
    // The outcome of the first commit is unknown: it was applied once or not at all. The second was
    // not sent.
    let record = session.load(&store).await.unwrap().unwrap();
    let done = (json_of(&record), record.snapshot.version);
    assert!(
        done == (json!({"n": 2}), 2) || done == (json!({"n": 1}), 1),
        "{done:?}"
    );
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_commit_with_a_lost_reply_is_sent_once_and_reported_as_unknown() {
    let redis = Redis::start(&[]).await;
    let proxy = Proxy::to(redis.port).await;
    let store = with_short_timeouts(format!("redis://127.0.0.1:{}", proxy.port)).await;
    let session = opened(&store, &json!({"n": 1})).await;
    let mut record = session.load(&store).await.unwrap().unwrap();
    load_scripts(&store).await;
    let mut raw = redis.raw();
    let mut calls = || {
        let info: String = command(&mut raw, &["INFO", "commandstats"]);
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        let calls = line.unwrap().split(',').next().unwrap();
        calls.parse::<u64>().unwrap()
    };
    for n in 2..12 {
        let change = set(&record, &json!({"n": n}));
        let before = calls();
        proxy.lose_answers(true);
        let committed = no_hang("commit", session.commit(&store, &change)).await;
        assert!(is_unknown(&committed), "{committed:?}");
        proxy.lose_answers(false);
        assert_eq!(calls(), before + 1, "the commit was sent again");
        record = session.load(&store).await.unwrap().unwrap();
        assert_eq!(json_of(&record), json!({ "n": n }));
        assert_eq!(record.commit_id, change.commit_id);
        let before = calls();
        // A retry with the same id learns that the commit was applied.
        let again = session.commit(&store, &change).await.unwrap();
        assert!(matches!(
            again,
            CommitOutcome::Applied {
                snapshot: Some(_),
                ..
            }
        ));
        assert_eq!(calls(), before + 1);
    }
    proxy.lose_answers(true);
    assert!(is_unknown(
        &no_hang("destroy", session.destroy(&store)).await
    ));
    proxy.lose_answers(false);
    assert!(session.load(&store).await.unwrap().is_none());
    let other = Session::mint();
    proxy.lose_answers(true);
    assert!(is_unknown(
        &no_hang("insert", other.insert(&store, &json!({}))).await
    ));
    assert!(
        is_unavailable(&no_hang("load", other.load(&store)).await),
        "a failed load has no unknown outcome"
    );
    proxy.lose_answers(false);
    until("a load", || async { other.load(&store).await.is_ok() }).await;
    assert!(other.load(&store).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn closed_connections_are_reopened() {
    let redis = Redis::start(&[]).await;
    let store = with_short_timeouts(redis.url()).await;
    let session = opened(&store, &json!({"a": 1})).await;
    let mut raw = redis.raw();
    for _ in 0..20 {
        let _: i64 = command(
            &mut raw,
            &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
        );
        until("a load", || async {
            match session.load(&store).await {
                Ok(record) => record
                    .map(|_| true)
                    .expect("the session survives a lost connection"),
                Err(error) => matches!(error, StoreError::Unavailable(_))
                    .then_some(false)
                    .unwrap(),
            }
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_full_server_rejects_new_data_and_keeps_its_sessions() {
    let redis = Redis::start(&[]).await;
    let store = with_short_timeouts(redis.url()).await;
    let session = opened(&store, &json!({"a": 1, "b": "x".repeat(1_000)})).await;
    let other = opened(&store, &json!({})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    // Load the scripts before the server is full.
    session.commit(&store, &change(&record)).await.unwrap();
    assert!(!Session::mint().destroy(&store).await.unwrap());
    let _: String = command(&mut redis.raw(), &["CONFIG", "SET", "maxmemory", "1"]);

    let inserted = Session::mint().insert(&store, &json!({})).await;
    assert!(matches!(inserted, Err(StoreError::Full)), "{inserted:?}");
    let growing = json!({"a": 2, "b": "x".repeat(1_001)});
    let committed = session.commit(&store, &set(&record, &growing)).await;
    assert!(is_unavailable(&committed), "{committed:?}");
    let shown = session.load(&store).await.unwrap().unwrap();
    assert_eq!(
        json_of(&shown),
        json_of(&record),
        "the rejected commit changed the data"
    );
    assert_eq!(shown.snapshot.version, record.snapshot.version);

    // Sessions can still be touched, rotated, shrunk and destroyed.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let candidate = SecretHash::from_bytes(random());
    let request = LoadRequest {
        touch_every: Some(Duration::from_nanos(1)),
        renewal: Some(Renewal {
            every: Duration::from_nanos(1),
            grace: Duration::from_secs(9),
            candidate,
        }),
        ..session.request()
    };
    let touched = Store::<Untyped>::load(&store, session.key, &request)
        .await
        .unwrap()
        .found()
        .unwrap();
    assert!(touched.renewed && touched.deadlines.idle_until > shown.deadlines.idle_until);
    let promoted = Session {
        secret: candidate,
        ..session
    };
    assert!(promoted.load(&store).await.unwrap().is_some());
    let mut rotation = change(&record);
    rotation.identity = Some(IdentityChange {
        secret: session.secret,
        new_generation: false,
        login: LoginChange::Set(NewLogin::new("ada")),
    });
    session.commit(&store, &rotation).await.unwrap();
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(record.subject(), Some("ada"));
    session
        .commit(&store, &set(&record, &json!({"a": 1})))
        .await
        .unwrap();
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(json_of(&record), json!({"a": 1}));
    assert!(other.destroy(&store).await.unwrap());

    let _: String = command(&mut redis.raw(), &["CONFIG", "SET", "maxmemory", "0"]);
    assert!(matches!(
        Session::mint().insert(&store, &json!({})).await,
        Ok(InsertOutcome::Done { .. })
    ));
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_store_outlives_the_runtime_that_created_it() {
    let redis = Redis::start(&[]).await;
    let url = redis.url();
    let store = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(with_short_timeouts(url))
    });
    let store = store.join().unwrap();
    opened(&store, &json!({})).await;
}

/// A server behind a fixed address is demoted, and the address leads to the new primary.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn the_next_request_reaches_the_new_primary() {
    let (old, new) = (Redis::start(&[]).await, Redis::start(&[]).await);
    let proxy = Proxy::to(old.port).await;
    let direct = [
        with_short_timeouts(old.url()).await,
        with_short_timeouts(new.url()).await,
    ];
    for verb in ["insert", "commit", "destroy"] {
        let session = Session::mint();
        for store in &direct {
            session.insert(store, &json!({"n": 1})).await.unwrap();
        }
        proxy.switch_to(old.port);
        let store = with_short_timeouts(format!("redis://127.0.0.1:{}", proxy.port)).await;
        let record = session.load(&store).await.unwrap().unwrap();
        let new_port = new.port.to_string();
        let _: String = command(&mut old.raw(), &["REPLICAOF", "127.0.0.1", &new_port]);
        proxy.switch_to(new.port);
        match verb {
            "insert" => drop(opened(&store, &json!({})).await),
            "commit" => {
                let change = set(&record, &json!({"n": 2}));
                let committed = session.commit(&store, &change).await.unwrap();
                assert!(matches!(committed, CommitOutcome::Applied { .. }));
            }
            _ => assert!(session.destroy(&store).await.unwrap()),
        }
        let _: String = command(&mut old.raw(), &["REPLICAOF", "NO", "ONE"]);
    }
}

/// A server that refuses writes serves what it has: a replica, and one that cannot write its snapshot.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn sessions_are_served_while_writes_are_refused() {
    for fault in ["READONLY", "MISCONF", "NOREPLICAS"] {
        let redis = Redis::start(&["--dbfilename", "snapshot"]).await;
        let store = with_short_timeouts(redis.url()).await;
        let session = opened(&store, &json!({"a": 1})).await;
        let mut raw = redis.raw();
        match fault {
            "READONLY" => {
                let [nobody] = free_ports();
                let nobody = nobody.to_string();
                let _: String = command(&mut raw, &["REPLICAOF", "127.0.0.1", &nobody]);
            }
            "MISCONF" => {
                std::fs::create_dir_all(redis.folder().join("snapshot/is-a-folder")).unwrap();
                let _: String = command(&mut raw, &["CONFIG", "SET", "save", "3600 1000000"]);
                let _: String = command(&mut raw, &["BGSAVE"]);
                until("the snapshot has failed", async || {
                    let info: String = command(&mut redis.raw(), &["INFO", "persistence"]);
                    info.contains("rdb_last_bgsave_status:err")
                })
                .await;
            }
            _ => {
                let replicas = ["CONFIG", "SET", "min-replicas-to-write", "1"];
                let _: String = command(&mut raw, &replicas);
            }
        }
        let due = LoadRequest {
            touch_every: Some(Duration::from_nanos(1)),
            renewal: Some(Renewal {
                every: Duration::ZERO,
                grace: Duration::from_secs(9),
                candidate: SecretHash::from_bytes(random()),
            }),
            ..session.request()
        };
        let shown = Store::<Untyped>::load(&store, session.key, &due).await;
        let shown = shown.unwrap().found().unwrap();
        assert_eq!(json_of(&shown), json!({"a": 1}), "{fault}");
        assert!(!shown.renewed, "{fault}: no offer that was not stored");
        let change = set(&shown, &json!({"a": 2}));
        let refused = session.commit(&store, &change).await;
        assert!(is_unavailable(&refused), "{fault}: {refused:?}");
        let inserted = Session::mint().insert(&store, &json!({})).await;
        assert!(is_unavailable(&inserted), "{fault}: {inserted:?}");
    }
}

/// Once it is known that a server does not answer, no request waits for it.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn requests_do_not_wait_for_a_frozen_server() {
    let redis = Redis::start(&[]).await;
    let builder = RedisStore::builder().url(redis.url());
    let builder = builder.connect_timeout(Duration::from_millis(300));
    let builder = builder.command_timeout(Duration::from_millis(300));
    let store = builder.build().await.unwrap();
    let session = opened(&store, &json!({})).await;
    redis.freeze();
    until("the store notices", async || {
        let failed = session.load(&store).await.unwrap_err();
        error_chain(&failed).contains("there is no connection")
    })
    .await;
    for _ in 0..1_000 {
        let mut loading = Box::pin(session.load(&store));
        // Ready when it is first polled: it waits for nothing.
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(loading.as_mut().poll(context)));
        assert!(matches!(polled.await, std::task::Poll::Ready(Err(_))));
        tokio::task::yield_now().await;
    }
    redis.thaw();
    until("the store reconnects", async || {
        session.load(&store).await.is_ok()
    })
    .await;
}
