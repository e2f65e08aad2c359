//! A store that breaks one promise.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::{
    Change, Key, LoadRequest, LoginChange, NewRecord, Record, RevocationMark, SubjectKey,
};
use crate::sid::{SecretHash, SessionId};
use crate::store::{
    BoxFuture, CommitOutcome, InsertOutcome, ListCursor, ListPage, LoadOutcome, MemoryStore, Store,
    StoreError, SubjectIndex,
};
use crate::untyped::Untyped;

/// What the store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing, but it does not always say so.
    LosesAnswers,
    ComparesNoVersion,
    ComparesNoEpoch,
    /// One destroy of four.
    DestroysNothing,
    /// After its answer.
    DestroysLater,
    /// One load of four.
    LoadsWhatItLoadedBefore,
    KeepsTheFirstSecret,
    /// One after the other, and raises no mark.
    EndsWhatItListed,
    /// The session that has logged in last.
    EndsAllButTheLatest,
    EndsMoreThanItSays,
    EndsAnySession,
    /// One list of four.
    ListsWhatItListedBefore,
    IgnoresFences,
}

/// What was loaded with a key and a secret.
type Loaded = HashMap<(Key, [u8; 32]), Record<Untyped>>;

pub(super) struct Broken {
    store: MemoryStore<Untyped>,
    fault: Fault,
    calls: AtomicU64,
    loaded: Mutex<Loaded>,
    listed: Mutex<HashMap<[u8; 32], ListPage>>,
    first_secrets: Mutex<HashMap<Key, Vec<SecretHash>>>,
}

impl Broken {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            store: MemoryStore::new(),
            fault,
            calls: AtomicU64::default(),
            loaded: Mutex::default(),
            listed: Mutex::default(),
            first_secrets: Mutex::default(),
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Whether it has the fault, in one call of so many.
    fn now_and_then(&self, fault: Fault, of: u64) -> bool {
        self.has(fault) && self.calls.fetch_add(1, Ordering::Relaxed) % of == of - 1
    }

    fn answer<T>(&self, answer: T) -> Result<T, StoreError> {
        if self.now_and_then(Fault::LosesAnswers, 16) {
            Err(StoreError::OutcomeUnknown("lost".into()))
        } else {
            Ok(answer)
        }
    }
}

impl Store<Untyped> for Broken {
    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        Some(self)
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<Untyped>,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        tokio::task::yield_now().await;
        let mut record = NewRecord {
            login: record.login.clone(),
            label: None,
            data: record.data.clone(),
            ..*record
        };
        if let Some(login) = record.login.as_mut()
            && self.has(Fault::IgnoresFences)
        {
            login.fence = None;
        }
        let inserted = Store::insert(&self.store, key, &record).await?;
        let mut secrets = self.first_secrets.lock().unwrap();
        secrets.entry(key).or_default().push(record.secret);
        drop(secrets);
        self.answer(inserted)
    }

    async fn load(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<LoadOutcome<Untyped>, StoreError> {
        tokio::task::yield_now().await;
        let mut request = *request;
        if self.has(Fault::KeepsTheFirstSecret) {
            let secrets = self.first_secrets.lock().unwrap();
            let secrets = secrets.get(&key).map_or(&[][..], |secrets| secrets);
            if secrets
                .first()
                .is_some_and(|first| *first == request.secret)
            {
                request.secret = *secrets.last().expect("one");
            }
        }
        let name = (key, *request.secret.as_bytes());
        if self.now_and_then(Fault::LoadsWhatItLoadedBefore, 4)
            && let Some(record) = self.loaded.lock().unwrap().get(&name)
        {
            return Ok(LoadOutcome::Found(record.clone()));
        }
        let outcome = Store::load(&self.store, key, &request).await?;
        if let LoadOutcome::Found(record) = &outcome {
            self.loaded.lock().unwrap().insert(name, record.clone());
        }
        Ok(outcome)
    }

    async fn commit(
        &self,
        key: Key,
        change: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        tokio::task::yield_now().await;
        let mut change = copy(change);
        if self.has(Fault::ComparesNoVersion)
            && let Some(data) = change.data.as_mut()
        {
            data.base = None;
        }
        if let Some(identity) = change.identity.as_mut()
            && let LoginChange::Set(login) = &mut identity.login
            && self.has(Fault::IgnoresFences)
        {
            login.fence = None;
        }
        let mut committed = Store::commit(&self.store, key, &change).await?;
        if let CommitOutcome::Conflict(record) = &committed
            && change.identity.is_some()
            && self.has(Fault::ComparesNoEpoch)
        {
            change.epoch = record.epoch;
            committed = Store::commit(&self.store, key, &change).await?;
        }
        if let (CommitOutcome::Applied { .. }, Some(identity)) = (&committed, &change.identity) {
            let mut secrets = self.first_secrets.lock().unwrap();
            secrets.entry(key).or_default().push(identity.secret);
        }
        self.answer(committed)
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        tokio::task::yield_now().await;
        if self.now_and_then(Fault::DestroysNothing, 4) {
            return Ok(true);
        }
        if self.has(Fault::DestroysLater) {
            let store = self.store.clone();
            tokio::spawn(async move {
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
                Store::destroy(&store, key).await
            });
            return Ok(true);
        }
        let destroyed = Store::destroy(&self.store, key).await?;
        self.answer(destroyed)
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.store.count(namespace).await
    }
}

impl SubjectIndex for Broken {
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        self.store.revocation_mark(subject)
    }

    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        Box::pin(async move {
            if self.now_and_then(Fault::ListsWhatItListedBefore, 4)
                && let Some(page) = self.listed.lock().unwrap().get(&subject.hash)
            {
                return Ok(page.clone());
            }
            let page = self.store.list(subject, after, limit).await?;
            let mut listed = self.listed.lock().unwrap();
            listed.insert(subject.hash, page.clone());
            Ok(page)
        })
    }

    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.count_of(subject)
    }

    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            if self.has(Fault::EndsAnySession) {
                let namespace = subject.namespace;
                return Store::destroy(&self.store, Key { namespace, id }).await;
            }
            let ended = self.store.end(subject, id).await?;
            self.answer(ended)
        })
    }

    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        Box::pin(async move {
            let page = self.store.list(subject, None, 1_000).await?;
            let latest = page.sessions.first().map(|session| session.id);
            tokio::task::yield_now().await;
            if self.has(Fault::EndsWhatItListed) {
                return self.end_each(subject, &page, except).await;
            }
            let is_spared = self.has(Fault::EndsAllButTheLatest) && except.is_none();
            let except = except.or(latest.filter(|_| is_spared));
            let mut ended = self.store.end_all(subject, except).await?;
            if self.has(Fault::EndsMoreThanItSays) {
                ended.retain(|id| page.sessions.iter().any(|session| session.id == *id));
            }
            self.answer(ended)
        })
    }
}

impl Broken {
    async fn end_each(
        &self,
        subject: SubjectKey,
        page: &ListPage,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut ended = Vec::new();
        for session in &page.sessions {
            if Some(session.id) != except && self.store.end(subject, session.id).await? {
                ended.push(session.id);
            }
        }
        Ok(ended)
    }
}

fn copy(change: &Change<Untyped>) -> Change<Untyped> {
    let data = change.data.as_ref().map(|data| crate::record::DataChange {
        base: data.base.clone(),
        data: data.data.clone(),
        max_size: data.max_size,
    });
    let Change {
        commit_id,
        epoch,
        generation,
        lifetime,
        format,
        ..
    } = *change;
    Change {
        commit_id,
        epoch,
        generation,
        data,
        identity: change.identity.clone(),
        lifetime,
        label: change.label.clone(),
        format,
    }
}
