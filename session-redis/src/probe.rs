//! A start-up check that runs every command once, on a throw-away session.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use redis::ServerErrorKind;

use super::failure::Failure;
use super::remedy::with_remedy;
use connect_session_runtime::data::DataFormat;
use connect_session_runtime::record::{
    Change, CommitId, DataChange, Key, Lifetime, LoadRequest, NewLogin, NewRecord, OnMaxSessions,
    Renewal, SessionLimit, SubjectKey, Transport,
};
use connect_session_runtime::sid::{SecretHash, SessionId};
use connect_session_runtime::store::{Store, StoreError};

/// The data of the session.
pub(super) type Data = BTreeMap<String, u32>;

/// When the session expires, should its deletion fail.
const LIFETIME: Duration = Duration::from_secs(10);

/// The problem, if a command fails. Two failures are not problems: a full server still serves its
/// sessions; and an ACL may allow only the keys of certain namespaces, which are not known here.
pub(super) async fn find_problem(store: &impl Store<Data>) -> Option<String> {
    let source = match run_every_command(store).await {
        Ok(()) | Err(StoreError::Full) => return None,
        Err(StoreError::Unavailable(source) | StoreError::OutcomeUnknown(source)) => source,
        Err(error) => error.into(),
    };
    match source.downcast_ref::<Failure>() {
        Some(failure) => {
            let is_about_keys = failure.kind() == Some(ServerErrorKind::NoPerm)
                && failure.to_string().contains("keys");
            (!is_about_keys).then(|| with_remedy(failure))
        }
        None => Some(source.to_string()),
    }
}

/// Inserts, loads, changes and destroys a session, with and without a login.
async fn run_every_command(store: &impl Store<Data>) -> Result<(), StoreError> {
    let key = Key {
        namespace: "start",
        id: SessionId::from_bytes(CommitId::random().to_bytes()),
    };
    let record = NewRecord {
        // The hash of no known secret: no client can load the session.
        secret: SecretHash::from_bytes([0; 32]),
        transport: Transport::Other,
        data: Arc::new(Data::from([("probe".to_owned(), 1)])),
        login: None,
        label: None,
        lifetime: Lifetime::new(LIFETIME, LIFETIME),
        commit_id: CommitId::random(),
        first_use_timeout: None,
        max_size: u64::MAX,
        format: DataFormat::FIRST,
    };
    store.insert(key, &record).await?;
    let request = LoadRequest {
        secret: record.secret,
        transport: record.transport,
        touch_every: None,
        // Due at once, so that the load writes.
        renewal: Some(Renewal {
            every: Duration::ZERO,
            grace: Duration::ZERO,
            candidate: SecretHash::from_bytes([1; 32]),
        }),
        format: DataFormat::FIRST,
    };
    let loaded = store.load(key, &request).await?;
    let bases = [loaded.found().map(|record| record.snapshot), None];
    for base in bases {
        let change = Change {
            commit_id: CommitId::random(),
            epoch: 0,
            generation: 0,
            data: Some(DataChange {
                base,
                data: Arc::default(),
                max_size: u64::MAX,
            }),
            identity: None,
            lifetime: None,
            label: None,
            format: DataFormat::FIRST,
        };
        store.commit(key, &change).await?;
    }
    store.destroy(key).await?;
    log_in(store, key, record).await
}

/// Inserts a session with a login, and ends it.
async fn log_in(
    store: &impl Store<Data>,
    key: Key,
    record: NewRecord<Data>,
) -> Result<(), StoreError> {
    let login = NewLogin {
        // So that the index is read too.
        limit: Some(SessionLimit {
            max: NonZeroU32::MIN,
            when_reached: OnMaxSessions::EndOldest,
        }),
        // The subject of nobody else.
        ..NewLogin::new(key.id.to_string())
    };
    let subject = SubjectKey::new(key.namespace, &login.subject);
    let login = Some(login);
    store.insert(key, &NewRecord { login, ..record }).await?;
    if let Some(index) = store.as_subject_index() {
        index.list(subject, None, 1).await?;
        index.end(subject, key.id).await?;
    }
    Ok(())
}
