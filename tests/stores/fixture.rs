//! Helpers for the tests of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connect_session::store::{
    Change, CommitId, CommitOutcome, DataChange, DataFormat, IdentityChange, InsertOutcome, Key,
    Lifetime, LoadRequest, LoginChange, NewLogin, NewRecord, Record, SecretHash, Store, StoreError,
    Transport,
};
use connect_session::{SessionId, Untyped};
use serde_json::Value;

use crate::servers;

/// Sixteen unique bytes.
fn unique() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 16];
    // The memory store expects each half of an id to be unique.
    let unique = u64::from(std::process::id()) << 40 | count;
    bytes[..8].copy_from_slice(&unique.to_be_bytes());
    bytes[8..].copy_from_slice(&unique.to_be_bytes());
    bytes
}

#[derive(Clone, Copy)]
pub struct Opened {
    pub key: Key,
    pub secret: SecretHash,
}

/// The key and the secret of a new session, in its own namespace.
pub fn mint() -> Opened {
    let key = Key {
        namespace: servers::unique("test").leak(),
        id: SessionId::from_bytes(unique()),
    };
    let mut secret = [7; 32];
    secret[..16].copy_from_slice(&unique());
    Opened {
        key,
        secret: SecretHash::from_bytes(secret),
    }
}

pub fn untyped(data: &Value) -> Arc<Untyped> {
    Arc::new(serde_json::from_value(data.clone()).unwrap())
}

pub fn json(record: &Record<Untyped>) -> Value {
    serde_json::to_value(&*record.snapshot.data).unwrap()
}

pub fn new_record(secret: SecretHash, data: &Value) -> NewRecord<Untyped> {
    NewRecord {
        secret,
        transport: Transport::Other,
        data: untyped(data),
        login: None,
        label: None,
        lifetime: Lifetime::new(Duration::from_secs(1_800), Duration::from_secs(86_400)),
        commit_id: CommitId::from_bytes(unique()),
        first_use_timeout: None,
        max_size: 1 << 24,
        format: DataFormat::FIRST,
    }
}

pub async fn open(store: &impl Store<Untyped>, data: &Value) -> Opened {
    let opened = mint();
    open_as(store, opened, &new_record(opened.secret, data)).await;
    opened
}

pub async fn open_as(store: &impl Store<Untyped>, opened: Opened, record: &NewRecord<Untyped>) {
    let inserted = store.insert(opened.key, record).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
}

pub fn request(secret: SecretHash) -> LoadRequest {
    LoadRequest {
        secret,
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
        format: DataFormat::FIRST,
    }
}

pub async fn try_load(
    store: &impl Store<Untyped>,
    opened: Opened,
) -> Result<Option<Record<Untyped>>, StoreError> {
    let loaded = store.load(opened.key, &request(opened.secret)).await?;
    Ok(loaded.found())
}

pub async fn load(store: &impl Store<Untyped>, opened: Opened) -> Record<Untyped> {
    try_load(store, opened).await.unwrap().unwrap()
}

pub fn change(record: &Record<Untyped>) -> Change<Untyped> {
    Change {
        commit_id: CommitId::from_bytes(unique()),
        epoch: record.epoch,
        generation: record.generation,
        data: None,
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    }
}

pub fn set(record: &Record<Untyped>, data: &Value) -> Change<Untyped> {
    Change {
        data: Some(DataChange {
            base: Some(record.snapshot.clone()),
            data: untyped(data),
            max_size: 1 << 24,
        }),
        ..change(record)
    }
}

pub fn login(record: &Record<Untyped>, secret: SecretHash, subject: &str) -> Change<Untyped> {
    Change {
        identity: Some(IdentityChange {
            secret,
            new_generation: true,
            login: LoginChange::Set(NewLogin::new(subject)),
        }),
        ..change(record)
    }
}

/// Commits an edit, and retries after conflicts.
pub async fn update(store: &impl Store<Untyped>, opened: Opened, edit: impl Fn(&mut Value)) {
    let mut record = load(store, opened).await;
    loop {
        let mut data = json(&record);
        edit(&mut data);
        match store
            .commit(opened.key, &set(&record, &data))
            .await
            .unwrap()
        {
            CommitOutcome::Applied { .. } => return,
            CommitOutcome::Conflict(shown) => record = *shown,
            CommitOutcome::Ended | CommitOutcome::Refused(_) => panic!("the session ended"),
        }
    }
}

/// The text of an error, with its causes.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
