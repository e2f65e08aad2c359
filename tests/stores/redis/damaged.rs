//! Values that cannot be read as a session: records that are damaged or of another version, and what others have
//! stored.

use axum::Router;
use axum::routing::post;
use connect_session::store::{InsertOutcome, Key, RedisStore};
use connect_session::{Error, Session, session, session_config};
use http::StatusCode;
use serde_json::json;

use super::stored::{is_undecodable, overwrite, store};
use super::tools::{NAMESPACE, Session as Known, command, opened, raw, set};
use crate::data::tools::send;
use crate::fixture::Opened;
use crate::{servers, shared};

/// The length of the header of a record without a subject.
const HEADER: usize = 114;

/// Asserts that every operation rejects the record and leaves it unchanged.
async fn assert_rejected_and_unchanged(store: &RedisStore, session: Known, key: &str, what: &str) {
    let mut raw = raw(&servers::url("TEST_REDIS_URL"));
    let before: Vec<u8> = command(&mut raw, &["DUMP", key]);
    let other = opened(store, &json!({}))
        .await
        .load(store)
        .await
        .unwrap()
        .unwrap();
    assert!(is_undecodable(&session.load(store).await), "load, {what}");
    let inserted = session.insert(store, &json!({})).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Exists), "insert, {what}");
    let change = set(&other, &json!({"a": 1}));
    assert!(
        is_undecodable(&session.commit(store, &change).await),
        "commit, {what}"
    );
    assert_eq!(
        command::<Vec<u8>>(&mut raw, &["DUMP", key]),
        before,
        "{what}"
    );
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn foreign_keys_are_rejected_and_only_removed_by_an_end() {
    let (store, prefix, mut raw) = store().await;
    let foreign: [&[&str]; 6] = [
        &["SET", "", "text"],
        &["RPUSH", "", "element"],
        &["SADD", "", "member"],
        &["ZADD", "", "1", "member"],
        &["HSET", "", "some", "hash"],
        &["SET", "", ""],
    ];
    for words in foreign {
        let session = Known::mint();
        let key = prefix.clone() + &session.name();
        let mut words = words.to_vec();
        words[1] = &key;
        let _: ::redis::Value = command(&mut raw, &words);
        assert_rejected_and_unchanged(&store, session, &key, words[0]).await;
        assert!(
            session.destroy(&store).await.unwrap(),
            "an end takes effect"
        );
        assert_eq!(command::<i64>(&mut raw, &["EXISTS", &key]), 0);
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn damaged_records_are_rejected_and_not_changed() {
    let (store, prefix, mut raw) = store().await;
    let session = opened(&store, &json!({"a": 1})).await;
    let key = prefix.clone() + &session.name();
    let whole: Vec<u8> = command(&mut raw, &["GET", &key]);
    let ttl: String = command::<i64>(&mut raw, &["PTTL", &key]).to_string();
    let mut put = |bytes: &[u8]| {
        let words = [b"SET", key.as_bytes(), bytes, b"PX", ttl.as_bytes()];
        let _: String = command(&mut raw, &words);
    };
    for length in 0..HEADER {
        put(&whole[..length]);
        assert_rejected_and_unchanged(&store, session, &key, &format!("{length} bytes")).await;
    }
    for length in HEADER + 1..whole.len() {
        put(&whole[..length]);
        assert!(
            is_undecodable(&session.load(&store).await),
            "{length} bytes"
        );
    }
    // A reserved flag, an unknown length of the other secrets, and lengths of the sections.
    for (at, byte) in [
        (2, 0x40),
        (3, 1),
        (3, 44),
        (106, 1),
        (109, 9),
        (110, 1),
        (113, 9),
    ] {
        let mut damaged = whole.clone();
        damaged[at] = byte;
        put(&damaged);
        assert_rejected_and_unchanged(&store, session, &key, &format!("byte {at}")).await;
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn records_of_a_later_format_are_rejected_but_can_be_destroyed() {
    let (store, prefix, mut raw) = store().await;
    let session = opened(&store, &json!({"a": 1})).await;
    let key = prefix + &session.name();
    overwrite(&mut raw, &key, 1, &[2]);
    assert_rejected_and_unchanged(&store, session, &key, "a later format").await;
    assert!(session.destroy(&store).await.unwrap());
    assert_eq!(command::<i64>(&mut raw, &["EXISTS", &key]), 0);
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_wrong_secret_does_not_learn_that_a_header_is_damaged() {
    let (store, prefix, mut raw) = store().await;
    shared::a_wrong_secret_reads_no_record(&store, async |opened: Opened| {
        let Opened { key, secret } = opened;
        let session = Known { key, secret };
        let key = prefix + &session.name();
        overwrite(&mut raw, &key, 2, &[0x40]);
    })
    .await;
}

session_config! {
    struct Replacing {
        namespace: "test",
        on_undecodable: replace,
    }
}

#[session(create)]
async fn create(session: Session<Replacing>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn logout(session: Session<Replacing>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Nothing tells damage from what a later version has written, so the record stays.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn row_37m_what_is_no_session_is_not_replaced() {
    let (store, prefix, mut raw) = store().await;
    let app = Router::new()
        .route("/create", post(create))
        .route("/logout", post(logout))
        .layer(Replacing::layer().with_store(store.clone()));
    let (_, sid, id) = send(&app, "POST", "/create", "").await;
    let session = Known {
        key: Key {
            namespace: NAMESPACE,
            id: id.parse().unwrap(),
        },
        ..Known::mint()
    };
    let key = prefix + &session.name();
    overwrite(&mut raw, &key, 2, &[0x40]);
    let damaged: Vec<u8> = command(&mut raw, &["GET", &key]);
    let forged = format!("{}{}", &sid[..24], "A".repeat(40));

    let (status, _, body) = send(&app, "POST", "/logout", &sid).await;
    assert_eq!(status, 500, "{body}");
    assert!(body.contains("#undecodable"), "{body}");
    let (status, ..) = send(&app, "POST", "/logout", &forged).await;
    assert_eq!(status, 401);
    let (status, fresh, new_id) = send(&app, "POST", "/create", &sid).await;
    assert_eq!(status, 200, "{new_id}");
    assert_ne!(new_id, id);
    assert_eq!(command::<Vec<u8>>(&mut raw, &["GET", &key]), damaged);

    let (status, ..) = send(&app, "POST", "/logout", &fresh).await;
    assert_eq!(status, 204);
    // An administrator can end it.
    assert!(session.destroy(&store).await.unwrap());
}
