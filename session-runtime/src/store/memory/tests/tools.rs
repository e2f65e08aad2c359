//! Helpers for the tests.

use std::sync::Arc;
use std::time::Duration;

use crate::data::DataFormat;
use crate::record::{CommitId, Key, Lifetime, LoadRequest, NewRecord, Transport};
use crate::sid::{SecretHash, SessionId, Sid};
use crate::store::{InsertOutcome, MemoryStore, Store, StoreError};
use crate::testing::FakeClock;
use crate::untyped::Untyped;

pub(super) const NAMESPACE: &str = "test";

/// A store with this capacity, and its clock.
pub(super) fn store(capacity: usize) -> (MemoryStore<Untyped>, FakeClock) {
    let clock = FakeClock::new();
    let store = MemoryStore::builder();
    (store.capacity(capacity).clock(&clock).build(), clock)
}

pub(super) fn minute(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Polls the future of an operation until it is ready. No operation waits; only a long sweep yields.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

pub(super) fn key(id: SessionId) -> Key {
    Key {
        namespace: NAMESPACE,
        id,
    }
}

pub(super) fn secret() -> SecretHash {
    SecretHash::from_bytes([7; 32])
}

pub(super) fn record<D>(data: D) -> NewRecord<D> {
    NewRecord {
        secret: secret(),
        transport: Transport::Other,
        data: Arc::new(data),
        login: None,
        label: None,
        lifetime: Lifetime::new(minute(30), minute(600)),
        commit_id: CommitId::random(),
        first_use_timeout: None,
        max_size: 1_000,
        format: DataFormat::FIRST,
    }
}

pub(super) fn request() -> LoadRequest {
    LoadRequest {
        secret: secret(),
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
        format: DataFormat::FIRST,
    }
}

/// An id that looks as if it was minted this many milliseconds after 1970.
pub(super) fn id(millis: u64) -> SessionId {
    let mut bytes = *Sid::mint().id().as_bytes();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    SessionId::from_bytes(bytes)
}

/// Inserts a session, and returns the evicted sessions.
pub(super) fn insert(store: &MemoryStore<Untyped>, id: SessionId) -> Vec<SessionId> {
    insert_record(store, id, &record(Untyped::default())).expect("insert failed")
}

pub(super) fn insert_record(
    store: &MemoryStore<Untyped>,
    id: SessionId,
    record: &NewRecord<Untyped>,
) -> Result<Vec<SessionId>, StoreError> {
    match block_on(store.insert(key(id), record))? {
        InsertOutcome::Done { evicted, .. } => Ok(evicted),
        InsertOutcome::Exists => panic!("the id is already in use"),
        InsertOutcome::Refused(refusal) => panic!("the login was refused: {refusal:?}"),
    }
}

pub(super) fn load(store: &MemoryStore<Untyped>, id: SessionId) -> bool {
    block_on(store.load(key(id), &request()))
        .expect("load failed")
        .found()
        .is_some()
}

pub(super) fn count(store: &MemoryStore<Untyped>) -> u64 {
    block_on(store.count(NAMESPACE)).expect("count failed")
}

/// What a store holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) sessions: usize,
    /// The places in the tables of the map.
    pub(super) room: usize,
    /// The entries in the wheel, valid or outdated.
    pub(super) wheel: usize,
    /// The entries in the queue of unpresented sessions, valid or outdated.
    pub(super) unpresented: usize,
    /// The sessions that may be evicted.
    pub(super) evictable: usize,
}

pub(super) fn sizes<D>(store: &MemoryStore<D>) -> Sizes {
    let records = &store.records;
    let sessions = records.map.len();
    assert_eq!(records.counts.places(), sessions, "one place per session");
    let evictable = records.map.iter().filter(|entry| entry.is_evictable());
    assert_eq!(records.counts.evictable(), evictable.count());
    let schedule = records.schedule();
    Sizes {
        sessions,
        room: records.map.capacity(),
        wheel: schedule.wheel.len(),
        unpresented: schedule.unpresented.len(),
        evictable: records.counts.evictable(),
    }
}
