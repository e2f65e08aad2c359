//! Records: stored unchanged, and found only with the right id, secret, transport and namespace.

use serde_json::{Map, Value, json};

use crate::record::{Change, Key, LoadRequest, NewRecord, Transport};
use crate::store::{CommitOutcome, InsertOutcome, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{self, change_of, request, secret, set};
use crate::untyped::Untyped;

/// A load returns the inserted data and commit id, with epoch and generation 0.
pub async fn a_load_returns_the_inserted_record<S: Store<Untyped>>(fixture: Fixture<S>) {
    let data = json!({
        "text": "naïve 日本語 🦀 \u{0} \" \\ \n", "empty": "", "yes": true, "no": false, "null": null,
        "biggest": u64::MAX, "lowest": i64::MIN, "half": 0.5, "tiny": -1.25e-7,
        "list": [1, [2, [3, {}]], []], "nested": {"a": {"b": {"c": null}}},
    });
    let record = fixture.new_record(secret(), &data);
    let (commit_id, lifetime) = (record.commit_id, record.lifetime);
    let opened = fixture.open_as(record).await;
    assert_eq!(
        fixture::json(&opened.snapshot),
        data,
        "the snapshot that the insert returned"
    );
    let loaded = fixture.get(&opened).await;
    assert_eq!(fixture::json(&loaded.snapshot), data);
    assert_eq!((loaded.epoch, loaded.generation), (0, 0));
    assert_eq!(loaded.commit_id, commit_id);
    assert_eq!(loaded.subject(), None);
    assert!(!loaded.renewed);
    let deadlines = loaded.deadlines;
    assert!(deadlines.created_at < deadlines.idle_until);
    assert!(deadlines.idle_until < deadlines.absolute_until);
    assert_eq!(deadlines.expires_at(), deadlines.idle_until);
    assert_eq!(loaded.lifetime, lifetime);
    assert_eq!(fixture.count().await, 1);
}

/// A session without data can be stored, changed and destroyed.
pub async fn a_session_without_data_can_be_stored<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({})).await;
    let loaded = fixture.get(&opened).await;
    assert_eq!(fixture::json(&loaded.snapshot), json!({}));
    fixture
        .apply(opened.key, &set(&loaded, &json!({"a": 1})))
        .await;
    let loaded = fixture.get(&opened).await;
    fixture.apply(opened.key, &set(&loaded, &json!({}))).await;
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({})
    );
    assert!(fixture.destroy(opened.key).await);
}

/// Keys that a store may use itself, or that have a meaning elsewhere, are plain data.
pub async fn hostile_keys_are_plain_data<S: Store<Untyped>>(fixture: Fixture<S>) {
    let keys = [
        "id",
        "sid",
        "version",
        "expires",
        "data",
        "secret",
        "subject",
        "epoch",
        "rev",
        "ttl",
        "__proto__",
        "constructor",
        "toString",
        "",
        " ",
        ".",
        "a.b",
        "a b",
        "a:b",
        "a/b",
        "$",
        "$set",
        "%s",
        "*",
        "?",
        "[0]",
        "{}",
        "'",
        "\"",
        "\\",
        "`",
        "--",
        ";",
        "\0",
        "\n",
        "\r\n",
        "é",
        "日本語",
        "🦀",
    ];
    let with = |value: fn(usize) -> Value| -> Value {
        let fields = keys.iter().enumerate();
        Value::Object(
            fields
                .map(|(at, key)| ((*key).to_owned(), value(at)))
                .collect(),
        )
    };
    let opened = fixture
        .open(&with(|at| json!({"id": at, "__proto__": "x", "": null})))
        .await;
    let loaded = fixture.get(&opened).await;
    assert_eq!(
        fixture::json(&loaded.snapshot),
        with(|at| json!({"id": at, "__proto__": "x", "": null}))
    );
    fixture
        .apply(opened.key, &set(&loaded, &with(|at| json!(at))))
        .await;
    let loaded = fixture.get(&opened).await;
    assert_eq!(fixture::json(&loaded.snapshot), with(|at| json!(at)));
    fixture.apply(opened.key, &set(&loaded, &json!({}))).await;
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({})
    );
}

/// 64 KiB in one field and many small fields can be stored.
pub async fn large_data_is_kept<S: Store<Untyped>>(fixture: Fixture<S>) {
    let long = json!({"long": "é".repeat(32 * 1024)});
    let many: Map<String, Value> = (0..2_000)
        .map(|at| (format!("field {at:04}"), json!("x".repeat(16))))
        .collect();
    for data in [long, Value::Object(many)] {
        let opened = fixture.open(&json!({})).await;
        let loaded = fixture.get(&opened).await;
        fixture.apply(opened.key, &set(&loaded, &data)).await;
        assert!(
            fixture::json(&fixture.get(&opened).await.snapshot) == data,
            "stored by a commit"
        );
        let opened = fixture.open(&data).await;
        assert!(
            fixture::json(&fixture.get(&opened).await.snapshot) == data,
            "stored by an insert"
        );
    }
}

/// No operation finds or creates a session with an unknown id.
pub async fn no_operation_finds_an_unknown_id<S: Store<Untyped>>(fixture: Fixture<S>) {
    let record = fixture.get(&fixture.open(&json!({})).await).await;
    let (key, secret) = fixture.mint();
    assert!(fixture.load(key, secret).await.is_none());
    let change = Change {
        lifetime: Some(fixture.lifetime(5.0, 5.0)),
        ..set(&record, &json!({"a": 1}))
    };
    assert!(matches!(
        fixture.commit(key, &change).await,
        CommitOutcome::Ended
    ));
    assert!(matches!(
        fixture.commit(key, &change_of(&record)).await,
        CommitOutcome::Ended
    ));
    assert!(!fixture.destroy(key).await);
    assert!(fixture.load(key, secret).await.is_none());
    assert_eq!(fixture.count().await, 1);
}

/// A load with a wrong secret finds nothing, and does not keep the session alive.
pub async fn a_wrong_secret_neither_reads_nor_extends<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let mut almost = *opened.secret.as_bytes();
    almost[31] ^= 1;
    fixture.pass(6.0).await;
    for wrong in [secret(), crate::sid::SecretHash::from_bytes(almost)] {
        assert!(fixture.load(opened.key, wrong).await.is_none());
    }
    fixture.pass(5.0).await;
    assert!(
        !fixture.is_alive(&opened).await,
        "a load with a wrong secret must not keep it alive"
    );
}

/// A sid that was set as a cookie is unknown in another transport, and vice versa.
pub async fn a_sid_is_unknown_in_another_transport<S: Store<Untyped>>(fixture: Fixture<S>) {
    for (own, other) in [
        (Transport::Cookie, Transport::Other),
        (Transport::Other, Transport::Cookie),
    ] {
        let record = NewRecord {
            transport: own,
            ..fixture.new_record(secret(), &json!({}))
        };
        let opened = fixture.open_as(record).await;
        let by = |transport| LoadRequest {
            transport,
            ..request(opened.secret)
        };
        assert!(fixture.load_with(opened.key, by(own)).await.is_some());
        assert!(fixture.load_with(opened.key, by(other)).await.is_none());
        fixture.pass(6.0).await;
        assert!(fixture.load_with(opened.key, by(other)).await.is_none());
        fixture.pass(5.0).await;
        let own = fixture.load_with(opened.key, by(own)).await;
        assert!(
            own.is_none(),
            "a load by the other transport must not keep it alive"
        );
    }
}

/// No operation finds a record under another namespace.
pub async fn a_record_is_unknown_in_another_namespace<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"a": 1})).await;
    let record = fixture.get(&opened).await;
    let namespace = format!("{}-other", fixture.namespace).leak();
    for namespace in [namespace, ""] {
        let foreign = Key {
            namespace,
            id: opened.key.id,
        };
        assert!(fixture.load(foreign, opened.secret).await.is_none());
        let change = set(&record, &json!({"a": 2}));
        assert!(matches!(
            fixture.commit(foreign, &change).await,
            CommitOutcome::Ended
        ));
        assert!(!fixture.destroy(foreign).await);
    }
    assert_eq!(
        fixture.store.count(namespace).await.expect("count failed"),
        0
    );
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 1})
    );
}

/// An insert never replaces a living record.
pub async fn a_live_record_is_never_replaced<S: Store<Untyped>>(fixture: Fixture<S>) {
    let opened = fixture.open(&json!({"first": 1})).await;
    let other = fixture.new_record(secret(), &json!({"other": 1}));
    assert!(matches!(
        fixture.insert(opened.key, &other).await,
        InsertOutcome::Exists
    ));
    assert!(fixture.load(opened.key, other.secret).await.is_none());
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"first": 1})
    );
    assert_eq!(fixture.count().await, 1);
}

/// `now` is the clock that the deadlines are compared with.
pub async fn now_is_the_clock_of_the_deadlines<S: Store<Untyped>>(fixture: Fixture<S>) {
    let before = fixture.store.now();
    let opened = fixture.open(&json!({})).await;
    let after = fixture.store.now();
    let created = fixture.get(&opened).await.deadlines.created_at;
    // `now` may only be an estimate of a server's clock.
    let slack = std::time::Duration::from_secs(5);
    assert!(before <= created + slack && created <= after + slack);
}
