//! A server that is killed, frozen, full, or forgets everything: what was not done is not told as
//! done, nobody waits for long, and nothing has to be started again.

use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{
    CommitOutcome, IdentityChange, InsertOutcome, LoadRequest, RedisStore, Renewal, SecretHash,
    Store, StoreError, SubjectChange,
};
use serde_json::json;

use super::tools::{
    Redis, Session, change, command, json as json_of, opened, random, set, soon, until,
};
use crate::servers::proxy::Proxy;

async fn impatient(url: String) -> RedisStore {
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
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_killed_server_is_told_and_found_again() {
    let mut redis = Redis::start(&[]).await;
    let store = impatient(redis.url()).await;
    let session = opened(&store, &json!({"a": 1})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    redis.kill();
    // The store sees the end of the connection, and then knows that nothing is sent.
    let change = set(&record, &json!({"a": 2}));
    until("a change that is not sent", || async {
        is_unavailable(&session.commit(&store, &change).await)
    })
    .await;
    for _ in 0..100 {
        assert!(is_unavailable(&soon("load", session.load(&store)).await));
        assert!(is_unavailable(
            &soon("insert", Session::mint().insert(&store, &json!({}))).await
        ));
        assert!(is_unavailable(
            &soon("commit", session.commit(&store, &change)).await
        ));
        assert!(is_unavailable(
            &soon("destroy", session.destroy(&store)).await
        ));
        let count = Store::<Untyped>::count(&store, "test");
        assert!(is_unavailable(&soon("count", count).await));
    }
    redis.restart().await;
    until("the store finds it again", || async {
        session.load(&store).await.is_ok()
    })
    .await;
    // It has forgotten the session and the scripts.
    assert!(session.load(&store).await.unwrap().is_none());
    assert!(matches!(
        session.commit(&store, &change).await.unwrap(),
        CommitOutcome::Ended
    ));
    assert!(!session.destroy(&store).await.unwrap());
    opened(&store, &json!({})).await;
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_frozen_server_keeps_nobody_waiting() {
    let redis = Redis::start(&[]).await;
    let store = impatient(redis.url()).await;
    let session = opened(&store, &json!({"n": 1})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    redis.freeze();
    let first = set(&record, &json!({"n": 2}));
    let committed = soon("commit", session.commit(&store, &first)).await;
    assert!(is_unknown(&committed), "{committed:?}");
    // From now on it is known that there is no connection.
    let second = set(&record, &json!({"n": 3}));
    let committed = soon("commit", session.commit(&store, &second)).await;
    assert!(is_unavailable(&committed), "{committed:?}");
    let many = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { is_unavailable(&session.load(&store).await) })
    });
    for load in many.collect::<Vec<_>>() {
        assert!(soon("load", load).await.unwrap());
    }
    redis.thaw();
    until("the store finds it again", || async {
        session.load(&store).await.is_ok()
    })
    .await;
    // Nobody knows of the first, which was done once or not at all; the second was not sent.
    let record = session.load(&store).await.unwrap().unwrap();
    let done = (json_of(&record), record.snapshot.version);
    assert!(
        done == (json!({"n": 2}), 2) || done == (json!({"n": 1}), 1),
        "{done:?}"
    );
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_change_whose_answer_is_lost_is_sent_once_and_not_told_as_done() {
    let redis = Redis::start(&[]).await;
    let proxy = Proxy::to(redis.port).await;
    let store = impatient(format!("redis://127.0.0.1:{}", proxy.port)).await;
    let session = opened(&store, &json!({"n": 1})).await;
    let mut record = session.load(&store).await.unwrap().unwrap();
    // All scripts are known from now on.
    session.commit(&store, &change(&record)).await.unwrap();
    assert!(!Session::mint().destroy(&store).await.unwrap());
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
        let committed = soon("commit", session.commit(&store, &change)).await;
        assert!(is_unknown(&committed), "{committed:?}");
        proxy.lose_answers(false);
        assert_eq!(calls(), before + 1, "sent again");
        record = session.load(&store).await.unwrap().unwrap();
        assert_eq!(json_of(&record), json!({ "n": n }));
        assert_eq!(record.commit_id, change.commit_id);
        let before = calls();
        // Who asks again with the same id learns that it was done.
        let again = session.commit(&store, &change).await.unwrap();
        assert!(matches!(again, CommitOutcome::Applied(Some(_))));
        assert_eq!(calls(), before + 1);
    }
    proxy.lose_answers(true);
    assert!(is_unknown(&soon("destroy", session.destroy(&store)).await));
    proxy.lose_answers(false);
    assert!(session.load(&store).await.unwrap().is_none());
    let other = Session::mint();
    proxy.lose_answers(true);
    assert!(is_unknown(
        &soon("insert", other.insert(&store, &json!({}))).await
    ));
    assert!(
        is_unavailable(&soon("load", other.load(&store)).await),
        "nothing to be unsure of"
    );
    proxy.lose_answers(false);
    until("a load", || async { other.load(&store).await.is_ok() }).await;
    assert!(other.load(&store).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_connection_that_the_server_closes_is_made_again() {
    let redis = Redis::start(&[]).await;
    let store = impatient(redis.url()).await;
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
                    .expect("a lost connection is no lost session"),
                Err(error) => matches!(error, StoreError::Unavailable(_))
                    .then_some(false)
                    .unwrap(),
            }
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_full_server_takes_no_new_data_and_keeps_what_it_has() {
    let redis = Redis::start(&[]).await;
    let store = impatient(redis.url()).await;
    let session = opened(&store, &json!({"a": 1, "b": "x".repeat(1_000)})).await;
    let other = opened(&store, &json!({})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    // The scripts are known before it is full.
    session.commit(&store, &change(&record)).await.unwrap();
    assert!(!Session::mint().destroy(&store).await.unwrap());
    let _: String = command(&mut redis.raw(), &["CONFIG", "SET", "maxmemory", "1"]);

    let inserted = Session::mint().insert(&store, &json!({})).await;
    assert!(matches!(inserted, Err(StoreError::Full)), "{inserted:?}");
    let committed = session
        .commit(&store, &set(&record, &json!({"a": 2})))
        .await;
    assert!(is_unavailable(&committed), "{committed:?}");
    let shown = session.load(&store).await.unwrap().unwrap();
    assert_eq!(json_of(&shown), json_of(&record), "not even half of it");
    assert_eq!(shown.snapshot.version, record.snapshot.version);

    // Sessions live on, a secret can be changed, data can shrink, and everything can end.
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
        subject: SubjectChange::Set("ada".into()),
    });
    session.commit(&store, &rotation).await.unwrap();
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(record.subject.as_deref(), Some("ada"));
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
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_store_outlives_the_runtime_that_it_was_made_in() {
    let redis = Redis::start(&[]).await;
    let url = redis.url();
    let store = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(impatient(url))
    });
    let store = store.join().unwrap();
    opened(&store, &json!({})).await;
}
