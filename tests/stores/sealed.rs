//! `Sealed` around each store that encodes data.

mod conformance;
mod over_http;

use connect_session::store::{
    AnyStore, CommitOutcome, InsertOutcome, MemoryStore, NewLogin, NewRecord, Sealed, SealingKeys,
    SqliteStore, Store, StoreError,
};
use connect_session::{SessionId, Untyped};
use serde_json::{Value, json};

use crate::data::on_every_store;
use crate::data::stores::Stores;
use crate::fixture::{self, error_chain, load, mint, new_record, open, set, try_load};

const FIRST: [u8; 32] = *b"the first key, which has 32 byte";
const SECOND: [u8; 32] = *b"the second one has as many bytes";

fn keys() -> SealingKeys {
    SealingKeys::new("first", &FIRST).unwrap()
}

fn sealed(stores: &Stores) -> Sealed<AnyStore<Untyped>> {
    Sealed::new(stores.of(), keys())
}

fn is_undecodable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Undecodable { .. }))
}

on_every_store! {
    @encoding
    what_is_stored_shows_no_value
    a_wrong_key_is_undecodable_and_changes_nothing
    the_key_can_be_changed_without_a_pause
    sessions_from_before_can_be_read_and_are_sealed
    a_field_opens_only_where_it_was_sealed
    a_conflict_has_the_opened_data
    users_are_listed
    an_administrator_sees_no_value
}

/// What a program without the key reads.
async fn stored(stores: &Stores, opened: fixture::Opened) -> Value {
    fixture::json(&load(&stores.of::<Untyped>(), opened).await)
}

async fn what_is_stored_shows_no_value(stores: &Stores) {
    let store = sealed(stores);
    let data = json!({"name": "hunter2", "nested": {"list": ["hunter2", 1.5, null]}, "no": 7});
    let opened = open(&store, &data).await;
    assert_eq!(fixture::json(&load(&store, opened).await), data);
    let before = stored(stores, opened).await;
    for (name, text) in before.as_object().unwrap() {
        let text = text.as_str().unwrap();
        assert!(text.starts_with("sealed1.first."), "{name}: {text}");
    }
    assert_eq!(before.as_object().unwrap().len(), 3);
    // The same value has another text each time.
    let record = load(&store, opened).await;
    let changed = json!({"name": "hunter2", "no": 8, "new": true});
    let committed = store.commit(opened.key, &set(&record, &changed)).await;
    assert!(matches!(committed, Ok(CommitOutcome::Applied { .. })));
    assert_eq!(fixture::json(&load(&store, opened).await), changed);
    let after = stored(stores, opened).await;
    assert_ne!(before["name"], after["name"]);
    assert!(!after.to_string().contains("hunter2"));
}

async fn a_wrong_key_is_undecodable_and_changes_nothing(stores: &Stores) {
    let opened = open(&sealed(stores), &json!({"name": "hunter2"})).await;
    let before = stored(stores, opened).await;
    let same_id = SealingKeys::new("first", &SECOND).unwrap();
    let other_id = SealingKeys::new("second", &FIRST).unwrap();
    for keys in [same_id, other_id] {
        let store = Sealed::new(stores.of::<Untyped>(), keys);
        let loaded = try_load(&store, opened).await;
        assert!(is_undecodable(&loaded), "{loaded:?}");
        let error = error_chain(&loaded.unwrap_err());
        assert!(error.contains("`name`") && error.contains("key"), "{error}");
        assert!(!error.contains("sealed1"), "{error}");
    }
    assert_eq!(stored(stores, opened).await, before);
    assert_eq!(
        fixture::json(&load(&sealed(stores), opened).await),
        json!({"name": "hunter2"})
    );
    assert!(sealed(stores).destroy(opened.key).await.unwrap());
}

async fn the_key_can_be_changed_without_a_pause(stores: &Stores) {
    let with = |keys| Sealed::new(stores.of::<Untyped>(), keys);
    let old = with(keys());
    let both = with(keys().with_key("second", &SECOND).unwrap());
    let new_first = SealingKeys::new("second", &SECOND).unwrap();
    let new_first = with(new_first.with_key("first", &FIRST).unwrap());
    let new = with(SealingKeys::new("second", &SECOND).unwrap());
    let is_sealed_with = async |opened, id: &str| {
        let fields = stored(stores, opened).await;
        (fields.as_object().unwrap().values()).all(|text| {
            text.as_str()
                .unwrap()
                .starts_with(&format!("sealed1.{id}."))
        })
    };
    let opened = open(&old, &json!({"n": 1, "kept": "a"})).await;
    let change = async |store: &Sealed<_>, n: u8| {
        let record = load(store, opened).await;
        let change = set(&record, &json!({"n": n, "kept": "a"}));
        let committed = store.commit(opened.key, &change).await;
        assert!(matches!(committed, Ok(CommitOutcome::Applied { .. })));
    };
    change(&both, 2).await;
    assert!(is_sealed_with(opened, "first").await);
    change(&old, 3).await;
    change(&new_first, 4).await;
    assert!(is_sealed_with(opened, "second").await, "all fields");
    change(&both, 5).await;
    change(&new_first, 6).await;
    let data = fixture::json(&load(&new, opened).await);
    assert_eq!(data, json!({"n": 6, "kept": "a"}));
}

async fn sessions_from_before_can_be_read_and_are_sealed(stores: &Stores) {
    let plain = stores.of::<Untyped>();
    let opened = open(&plain, &json!({"n": 1, "kept": "hunter2"})).await;
    assert!(is_undecodable(&try_load(&sealed(stores), opened).await));
    let store = Sealed::accepting_unsealed(stores.of::<Untyped>(), keys());
    let record = load(&store, opened).await;
    let change = set(&record, &json!({"n": 2, "kept": "hunter2"}));
    let committed = store.commit(opened.key, &change).await;
    assert!(matches!(committed, Ok(CommitOutcome::Applied { .. })));
    assert!(!stored(stores, opened).await.to_string().contains("hunter2"));
    let data = fixture::json(&load(&sealed(stores), opened).await);
    assert_eq!(data, json!({"n": 2, "kept": "hunter2"}));
}

/// Somebody who can write to the database copies what is there.
async fn a_field_opens_only_where_it_was_sealed(stores: &Stores) {
    let (store, plain) = (sealed(stores), stores.of::<Untyped>());
    let mine = open(&store, &json!({"role": "user", "note": "admin"})).await;
    let fields = stored(stores, mine).await;
    let copies = [
        json!({"role": fields["note"], "note": fields["note"]}),
        json!({"role": "admin", "note": fields["note"]}),
        json!({"role": format!("{}x", fields["role"].as_str().unwrap()), "note": fields["note"]}),
        json!({"role": "sealed1.first.", "note": fields["note"]}),
        json!({"role": "sealed1.first.AAAA", "note": fields["note"]}),
        json!({"role": "sealed1.", "note": fields["note"]}),
    ];
    for copy in copies {
        let record = load(&plain, mine).await;
        let committed = plain.commit(mine.key, &set(&record, &copy)).await;
        assert!(matches!(committed, Ok(CommitOutcome::Applied { .. })));
        let loaded = try_load(&store, mine).await;
        assert!(is_undecodable(&loaded), "{copy}: {loaded:?}");
    }
    // In another session, and in the same one of another namespace.
    let other = mint();
    let same_id = fixture::Opened {
        key: connect_session::store::Key {
            id: mine.key.id,
            ..other.key
        },
        ..other
    };
    let same_namespace = fixture::Opened {
        key: connect_session::store::Key {
            namespace: mine.key.namespace,
            ..mint().key
        },
        ..other
    };
    for place in [other, same_id, same_namespace] {
        let record = new_record(place.secret, &fields);
        let inserted = plain.insert(place.key, &record).await.unwrap();
        // Some databases keep no two sessions with one id.
        if matches!(inserted, InsertOutcome::Exists) {
            assert_eq!(place.key, same_id.key);
            continue;
        }
        assert!(is_undecodable(&try_load(&store, place).await));
    }
}

async fn a_conflict_has_the_opened_data(stores: &Stores) {
    let store = sealed(stores);
    let opened = open(&store, &json!({"n": 1})).await;
    let before = load(&store, opened).await;
    fixture::update(&store, opened, |data| data["n"] = json!(2)).await;
    let committed = store
        .commit(opened.key, &set(&before, &json!({"n": 3})))
        .await;
    let Ok(CommitOutcome::Conflict(record)) = committed else {
        panic!("{committed:?}");
    };
    assert_eq!(fixture::json(&record), json!({"n": 2}));
}

async fn users_are_listed(stores: &Stores) {
    let store = sealed(stores);
    let opened = mint();
    let record = NewRecord {
        login: Some(NewLogin::new("ada")),
        ..new_record(opened.secret, &json!({"name": "hunter2"}))
    };
    fixture::open_as(&store, opened, &record).await;
    // A `TowerStore` has no index, sealed or not.
    let plain = stores.of::<Untyped>();
    let index = Store::<Untyped>::as_subject_index(&store);
    assert_eq!(index.is_some(), plain.as_subject_index().is_some());
    let Some(index) = index else { return };
    let subject = connect_session::store::SubjectKey::new(opened.key.namespace, "ada");
    let page = index.list(subject, None, 10).await.unwrap();
    let ids: Vec<SessionId> = page.sessions.iter().map(|session| session.id).collect();
    assert_eq!(ids, [opened.key.id]);
}

async fn an_administrator_sees_no_value(stores: &Stores) {
    let store = sealed(stores);
    let opened = open(&store, &json!({"name": "hunter2"})).await;
    let plain = stores.of::<Untyped>();
    let inspect = Store::<Untyped>::as_inspect(&store);
    assert_eq!(inspect.is_some(), plain.as_inspect().is_some());
    let Some(inspect) = inspect else { return };
    let found = inspect.inspect(opened.key).await.unwrap().unwrap();
    assert!(found.fields["name"].get().starts_with("\"sealed1.first."));
}

#[tokio::test]
async fn a_store_that_does_not_encode_is_refused() {
    let store = Sealed::new(MemoryStore::<Untyped>::new(), keys());
    let ready = store.check_ready().await;
    let error = error_chain(&ready.unwrap_err());
    assert!(error.contains("seal a `RedisStore`"), "{error}");
    let opened = mint();
    let record = new_record(opened.secret, &json!({}));
    let inserted = store.insert(opened.key, &record).await;
    assert!(matches!(inserted, Err(StoreError::Unstorable(_))));
}

#[test]
fn keys_are_parsed_and_shown_without_a_byte_of_them() {
    let text = "2026-11:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=, \
                old_1:-83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
    let keys: SealingKeys = text.parse().unwrap();
    assert_eq!(format!("{keys:?}"), r#"SealingKeys(["2026-11", "old_1"])"#);
    let secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQ";
    for wrong in [
        "",
        secret,
        ",",
        &format!(":{secret}"),
        &format!("a b:{secret}"),
        &format!("{}:{secret}", "a".repeat(17)),
        &format!("a:{secret}"),
        &format!("a:{secret}!"),
        "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        &format!("{text},2026-11:A83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
    ] {
        let error = wrong.parse::<SealingKeys>().unwrap_err().to_string();
        assert!(!error.contains(secret) && !error.contains("83v"), "{error}");
    }
}

#[tokio::test]
async fn a_sealed_store_names_no_key_in_its_debug_output() {
    let store = Sealed::new(SqliteStore::memory().await.unwrap(), keys());
    let shown = format!("{store:?}");
    assert!(shown.contains("first") && !shown.contains("32"), "{shown}");
}
