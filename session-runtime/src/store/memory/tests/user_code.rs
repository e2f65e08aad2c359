//! Tests that the `Clone` and `Drop` of user data never run under a lock, and cannot break other
//! requests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tools::{block_on, key, record, request};
use crate::data::DataFormat;
use crate::record::{Change, CommitId, DataChange};
use crate::sid::Sid;
use crate::store::{CommitOutcome, InsertOutcome, MemoryStore, Store};
use crate::testing::FakeClock;

type Callback = Arc<dyn Fn() + Send + Sync>;

/// Data that runs a hook when it is dropped, and panics when it is cloned.
#[derive(Default, Serialize, Deserialize)]
struct HostileData {
    #[serde(skip)]
    on_drop: Option<Hook>,
}

struct Hook(Callback);

impl Drop for HostileData {
    fn drop(&mut self) {
        if let Some(hook) = self.on_drop.take() {
            (hook.0)();
        }
    }
}

impl Clone for HostileData {
    fn clone(&self) -> Self {
        panic!("the store must not clone data");
    }
}

fn hostile_data(on_drop: impl Fn() + Send + Sync + 'static) -> HostileData {
    HostileData {
        on_drop: Some(Hook(Arc::new(on_drop))),
    }
}

/// Runs inserts, a load, a commit, a destroy, evictions and sweeps.
fn run_all_operations(
    on_drop: impl Fn(&MemoryStore<HostileData>) + Clone + Send + Sync + 'static,
) -> MemoryStore<HostileData> {
    let clock = FakeClock::new();
    let store = MemoryStore::builder().capacity(4).clock(&clock).build();
    let handle = store.clone();
    let data = move || {
        let (handle, on_drop) = (handle.clone(), on_drop.clone());
        hostile_data(move || on_drop(&handle))
    };
    let insert = || {
        let id = Sid::mint().id();
        let inserted = block_on(store.insert(key(id), &record(data()))).expect("insert failed");
        assert!(matches!(inserted, InsertOutcome::Done { .. }));
        id
    };
    let (changed, destroyed) = (insert(), insert());
    assert!(
        block_on(store.load(key(changed), &request()))
            .expect("load failed")
            .found()
            .is_some()
    );
    let change = Change {
        commit_id: CommitId::random(),
        epoch: 0,
        generation: 0,
        data: Some(DataChange {
            base: None,
            data: Arc::new(data()),
            max_size: 1_000,
        }),
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    };
    assert!(matches!(
        block_on(store.commit(key(changed), &change)),
        Ok(CommitOutcome::Applied {
            snapshot: Some(_),
            ..
        })
    ));
    drop(change);
    assert!(block_on(store.destroy(key(destroyed))).expect("destroy failed"));
    for _ in 0..6 {
        insert();
    }
    clock.advance(Duration::from_secs(30 * 60));
    insert();
    let _ = block_on(store.sweep(usize::MAX));
    clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(block_on(store.sweep(usize::MAX)).expect("sweep failed"), 1);
    assert_eq!(store.records.counts.places(), 0);
    store
}

#[test]
fn data_can_use_the_store_while_it_is_dropped() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    run_all_operations(move |store| {
        let id = Sid::mint().id();
        assert!(block_on(store.load(key(id), &request())).is_ok());
        assert!(block_on(store.destroy(key(id))).is_ok());
        assert!(block_on(store.count("test")).is_ok());
        assert!(block_on(store.sweep(1)).is_ok());
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(dropped.load(Ordering::SeqCst), 10, "all data was dropped");
}

#[test]
fn data_that_panics_while_it_is_dropped_breaks_nothing() {
    let dropped = Arc::new(Mutex::new(0));
    let count = dropped.clone();
    let store = run_all_operations(move |_| {
        *count
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        panic!("expected by the test");
    });
    let count = *dropped
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!(count, 10, "all data was dropped");
    let id = Sid::mint().id();
    assert!(block_on(store.insert(key(id), &record(HostileData::default()))).is_ok());
    assert!(block_on(store.destroy(key(id))).expect("destroy failed"));
}
