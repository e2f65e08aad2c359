//! The stored records: their expiry, their keys, and their data.

use std::time::Duration;

use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitOutcome, IdentityChange, InsertOutcome, Lifetime, LoginChange, NewLogin,
    RedisStore, StoreError,
};
use serde_json::json;

use super::tools::{change, command, json as json_of, opened, random, raw, set};
use crate::servers;

/// A store with its own key prefix on the shared server, and a direct connection.
pub(super) async fn store() -> (RedisStore, String, ::redis::Connection) {
    let url = servers::url("TEST_REDIS_URL");
    let prefix = format!("kept {:x}:", u64::from_le_bytes(random()));
    let builder = RedisStore::builder().url(&url).prefix(&prefix);
    (builder.build().await.unwrap(), prefix, raw(&url))
}

pub(super) fn is_undecodable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Undecodable { .. }))
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn keys_expire_with_their_session() {
    let (store, prefix, mut raw) = store().await;
    let session = opened(&store, &json!({"a": 1})).await;
    let key = prefix + &session.name();
    let mut ends = |key: &str| command::<u64>(&mut raw, &["PEXPIRETIME", key]);
    let millis = Timestamp::as_millis;

    let record = session.load(&store).await.unwrap().unwrap();
    let ahead = ends(&key).abs_diff(millis(record.deadlines.idle_until));
    assert!(
        ahead < 1_000,
        "the record was written by the estimated clock"
    );
    let request = connect_session::store::LoadRequest {
        touch_every: Some(Duration::from_nanos(1)),
        ..session.request()
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    let touched = connect_session::store::Store::<connect_session::Untyped>::load(
        &store,
        session.key,
        &request,
    );
    let touched = touched.await.unwrap().found().unwrap().deadlines;
    assert!(touched.idle_until > record.deadlines.idle_until);
    assert_eq!(ends(&key), millis(touched.idle_until), "touched");

    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
    for (idle, absolute) in [
        (minute, hour),
        (hour, minute),
        (Duration::MAX, Duration::MAX),
    ] {
        let lifetime = Some(Lifetime::new(idle, absolute));
        let change = Change {
            lifetime,
            ..change(&record)
        };
        let committed = session.commit(&store, &change).await.unwrap();
        assert!(matches!(
            committed,
            CommitOutcome::Applied { snapshot: None, .. }
        ));
        let deadlines = session.load(&store).await.unwrap().unwrap().deadlines;
        assert_eq!(
            ends(&key),
            millis(deadlines.expires_at()),
            "{idle:?} {absolute:?}"
        );
        let length = deadlines
            .expires_at()
            .saturating_since(record.deadlines.created_at);
        assert!(length >= idle.min(absolute).min(Duration::from_secs(1 << 36)));
    }
    assert!(session.destroy(&store).await.unwrap());
    assert_eq!(command::<i64>(&mut raw, &["EXISTS", &key]), 0);
}

/// A change of the data extends the session to the earlier of its deadlines.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn keys_of_changed_sessions_expire_with_them() {
    let (store, prefix, mut raw) = store().await;
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
    for (idle, absolute) in [(minute, hour), (hour, minute)] {
        let session = opened(&store, &json!({"n": 0})).await;
        let key = prefix.clone() + &session.name();
        let record = session.load(&store).await.unwrap().unwrap();
        let lifetime = Change {
            lifetime: Some(Lifetime::new(idle, absolute)),
            ..change(&record)
        };
        session.commit(&store, &lifetime).await.unwrap();
        // As if the session had been used four seconds ago. A load does not extend it yet.
        let record = session.load(&store).await.unwrap().unwrap();
        let earlier = record.deadlines.idle_until.as_millis() - 4_000;
        overwrite(&mut raw, &key, 60, &earlier.to_be_bytes()[2..]);
        let record = session.load(&store).await.unwrap().unwrap();
        let changed = set(&record, &json!({"n": 1}));
        let committed = session.commit(&store, &changed).await.unwrap();
        assert!(matches!(committed, CommitOutcome::Applied { .. }));
        let ends = command::<u64>(&mut raw, &["PEXPIRETIME", &key]);
        let before = record.deadlines;
        let deadlines = session.load(&store).await.unwrap().unwrap().deadlines;
        let extended = deadlines.idle_until.saturating_since(before.idle_until);
        assert!(
            (1_000..30_000).contains(&extended.as_millis()),
            "{extended:?}"
        );
        assert_eq!(deadlines.absolute_until, before.absolute_until);
        assert_eq!(
            ends,
            deadlines.expires_at().as_millis(),
            "{idle:?} {absolute:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn sessions_past_their_deadline_are_ended_even_if_the_key_exists() {
    let (store, prefix, mut raw) = store().await;
    for deadline in [60, 66] {
        let session = opened(&store, &json!({"old": 1})).await;
        let key = prefix.clone() + &session.name();
        let record = session.load(&store).await.unwrap().unwrap();
        let _: i64 = command(&mut raw, &["PERSIST", &key]);
        overwrite(&mut raw, &key, deadline, &[0, 0, 0, 0, 0, 1]);
        assert!(session.load(&store).await.unwrap().is_none());
        let committed = session
            .commit(&store, &set(&record, &json!({"a": 1})))
            .await;
        assert!(matches!(committed.unwrap(), CommitOutcome::Ended));
        let inserted = session.insert(&store, &json!({"new": 1})).await.unwrap();
        assert!(
            matches!(inserted, InsertOutcome::Exists),
            "the key is occupied"
        );
        session.destroy(&store).await.unwrap();
        assert_eq!(command::<i64>(&mut raw, &["EXISTS", &key]), 0);
    }
}

/// A record of which only the data is damaged, and whose key outlives it, as one that was restored without
/// its expiry.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn an_undecodable_session_that_has_ended_is_unknown() {
    let (store, prefix, mut raw) = store().await;
    let session = opened(&store, &json!({"a": 1})).await;
    let key = prefix + &session.name();
    let length: usize = command(&mut raw, &["STRLEN", &key]);
    overwrite(&mut raw, &key, length - 1, b"}");
    assert!(is_undecodable(&session.load(&store).await));
    let _: i64 = command(&mut raw, &["PERSIST", &key]);
    overwrite(&mut raw, &key, 60, &[0, 0, 0, 0, 0, 1]);
    assert!(session.load(&store).await.unwrap().is_none());
    assert_eq!(
        command::<i64>(&mut raw, &["PTTL", &key]),
        -1,
        "it was written"
    );
}

/// Overwrites bytes of a stored record.
pub(super) fn overwrite(raw: &mut ::redis::Connection, key: &str, at: usize, bytes: &[u8]) {
    let at = at.to_string();
    let _: i64 = command(raw, &[b"SETRANGE", key.as_bytes(), at.as_bytes(), bytes]);
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn names_and_values_are_not_interpreted() {
    let (store, _, _) = store().await;
    let hostile = json!({
        "'; return redis.call('FLUSHALL') --": "]]; redis.call('FLUSHALL')",
        "a.b": {"$set": 1},
        "\u{0}": "\u{0}",
        "m:secret": 1,
        "d:a": 2,
        "": 3,
        "1 ": "1 1",
        "\r\n$3\r\nfoo\r\n": "*1\r\n$8\r\nFLUSHALL\r\n",
        "x".repeat(64 * 1024): "x".repeat(64 * 1024),
    });
    let session = opened(&store, &hostile).await;
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(json_of(&record), hostile);
    let mut other = hostile.clone();
    for value in other.as_object_mut().unwrap().values_mut() {
        *value = json!("changed");
    }
    session.commit(&store, &set(&record, &other)).await.unwrap();
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(json_of(&record), other);
    session
        .commit(&store, &set(&record, &json!({"m:secret": 1})))
        .await
        .unwrap();
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(json_of(&record), json!({"m:secret": 1}));
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn undecodable_fields_are_named() {
    let (store, prefix, mut raw) = store().await;
    for text in [&b"{1"[..], b"\xff1", b"1 ", b"--"] {
        let session = opened(&store, &json!({"a": 10})).await;
        let key = prefix.clone() + &session.name();
        let whole: Vec<u8> = command(&mut raw, &["GET", &key]);
        overwrite(&mut raw, &key, whole.len() - 2, text);
        let loaded = session.load(&store).await;
        let is_named = matches!(&loaded, Err(StoreError::Undecodable { field: Some(field), .. }) if field == "a");
        assert!(is_named == (text != b"1 "), "{loaded:?}");
    }
}

/// A load by a later version may write what this version does not know, and no change tells of it.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn unknown_flags_and_secrets_are_not_overwritten() {
    let (store, prefix, mut raw) = store().await;
    for (at, byte) in [(0, b'1'), (1, 2), (2, 0x41), (3, 50)] {
        let session = opened(&store, &json!({"a": 1})).await;
        let key = prefix.clone() + &session.name();
        let record = session.load(&store).await.unwrap().unwrap();
        overwrite(&mut raw, &key, at, &[byte]);
        let before: Vec<u8> = command(&mut raw, &["GET", &key]);
        let change = set(&record, &json!({"a": 2}));
        let committed = session.commit(&store, &change).await;
        assert!(is_undecodable(&committed), "{at}: {committed:?}");
        assert_eq!(command::<Vec<u8>>(&mut raw, &["GET", &key]), before);
    }
}

/// Parts that a later version adds to a record survive a change by this one.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn unknown_parts_and_fields_survive_a_change() {
    let (store, prefix, mut raw) = store().await;
    let session = opened(&store, &json!({"a": 1})).await;
    let key = prefix + &session.name();
    let whole: Vec<u8> = command(&mut raw, &["GET", &key]);
    let (header, fields) = whole.split_at(106);
    let [login, other] = [[200, 0, 0, 0, 1, 7], [201, 0, 0, 0, 1, 8]];
    let mut extended = header.to_vec();
    for section in [login, other] {
        extended.extend([0, 0, 0, 6]);
        extended.extend(section);
    }
    extended.extend_from_slice(&fields[8..]);
    let _: String = command(&mut raw, &[b"SET", key.as_bytes(), &extended]);
    let record = session.load(&store).await.unwrap().unwrap();
    let changed = set(&record, &json!({"a": 2}));
    session.commit(&store, &changed).await.unwrap();
    let after: Vec<u8> = command(&mut raw, &["GET", &key]);
    assert_eq!(after[106..126], extended[106..126]);

    let mut login_change = change(&record);
    login_change.identity = Some(IdentityChange {
        secret: session.secret,
        new_generation: true,
        login: LoginChange::Set(NewLogin::new("ada")),
    });
    session.commit(&store, &login_change).await.unwrap();
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(record.subject(), Some("ada"));
    let after: Vec<u8> = command(&mut raw, &["GET", &key]);
    assert!(after.windows(6).any(|part| part == other));
    assert!(
        !after.windows(6).any(|part| part == login),
        "it describes the login before"
    );
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn prefixes_are_not_patterns() {
    let url = servers::url("TEST_REDIS_URL");
    let unique = format!("{:x}", u64::from_le_bytes(random()));
    let store = |prefix: &str| {
        RedisStore::builder()
            .url(&url)
            .prefix(prefix.to_owned() + &unique)
            .build()
    };
    let count = async |store: &RedisStore| {
        connect_session::store::Store::<connect_session::Untyped>::count(
            store,
            super::tools::NAMESPACE,
        )
        .await
        .unwrap()
    };
    let plain = store("a").await.unwrap();
    opened(&plain, &json!({})).await;
    for prefix in ["*", "?", "[a]", "\\a", "[^b]", "a*"] {
        let wild = store(prefix).await.unwrap();
        assert_eq!(count(&wild).await, 0, "{prefix}");
        opened(&wild, &json!({})).await;
        assert_eq!(count(&wild).await, 1, "{prefix}");
    }
    assert_eq!(count(&plain).await, 1);
}
