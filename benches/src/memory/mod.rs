//! The memory store: the size of a session, memory after sessions end, sweeps, full stores, and two
//! threads (W7, W8 and W9).

mod bound;
mod due;
mod flood;
mod size;
mod sweep;
mod threads;
mod turnover;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use connect_session::store::{
    CommitId, DataFormat, InsertOutcome, Key, Lifetime, LoadRequest, MemoryStore, NewRecord,
    SecretHash, Store as _, StoreError, Transport,
};
use connect_session::{SessionData, SessionId};
use tokio::runtime::Runtime;

use crate::data::Data;

pub use flood::print as flood;
pub use threads::print as threads;

const HOUR: Duration = Duration::from_secs(3_600);

pub fn print() {
    println!("## A flood of a million sessions that end\n");
    flood(1);
    println!("\n## Bytes of heap of a living session of 200 B (W8)\n");
    size::print();
    println!("\n## Ten million sessions, most of them destroyed\n");
    turnover::print();
    println!("\n## Ten thousand sessions end (W9)\n");
    sweep::print();
    println!("\n## A full store\n");
    bound::print();
    println!("\n## A million sessions are due at once\n");
    due::print();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

fn new_id(number: usize) -> SessionId {
    let mut bytes: [u8; 16] = rand::random();
    bytes[..6].copy_from_slice(&(number as u64).to_be_bytes()[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    SessionId::from_bytes(bytes)
}

fn key(id: SessionId) -> Key {
    Key {
        namespace: "benches",
        id,
    }
}

fn record<D: From<Data>>(idle: Duration) -> NewRecord<D> {
    NewRecord {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Other,
        data: Arc::new(Data::seed().into()),
        login: None,
        label: None,
        lifetime: Lifetime::new(idle, HOUR),
        commit_id: CommitId::from_bytes([1; 16]),
        first_use_timeout: None,
        max_size: 1 << 20,
        format: DataFormat::FIRST,
    }
}

/// Inserts without an eviction.
async fn insert<D: SessionData + From<Data>>(
    store: &MemoryStore<D>,
    id: SessionId,
    idle: Duration,
) {
    let evicted = try_insert(store, id, &record(idle)).await;
    assert!(evicted.is_ok_and(|evicted| evicted.is_empty()));
}

/// Inserts, and returns the evicted sessions.
async fn try_insert<D: SessionData>(
    store: &MemoryStore<D>,
    id: SessionId,
    record: &NewRecord<D>,
) -> Result<Vec<SessionId>, StoreError> {
    match store.insert(key(id), record).await? {
        InsertOutcome::Done { evicted, .. } => Ok(evicted),
        InsertOutcome::Exists => panic!("the id is new"),
        InsertOutcome::Refused(_) => panic!("there is no limit"),
    }
}

async fn is_alive<D: SessionData + AsRef<Data>>(store: &MemoryStore<D>, id: SessionId) -> bool {
    let request = LoadRequest {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
        format: DataFormat::FIRST,
    };
    let loaded = store.load(key(id), &request).await.expect("a store");
    let record = loaded.found();
    record.is_some_and(|record| D::as_ref(&record.snapshot.data).visits == 0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
