//! User code: its `Clone` and `Drop` never run under a lock, and cannot break other requests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tools::{key, now, record, request};
use crate::record::{Change, CommitId, DataChange};
use crate::sid::Sid;
use crate::store::{CommitOutcome, InsertOutcome, MemoryStore, Store};
use crate::testing::FakeClock;

type Callback = Arc<dyn Fn() + Send + Sync>;

/// Data that runs a hook when it is dropped, and panics when it is cloned.
#[derive(Default, Serialize, Deserialize)]
struct Nasty {
    #[serde(skip)]
    on_drop: Option<Hook>,
}

struct Hook(Callback);

impl Drop for Nasty {
    fn drop(&mut self) {
        if let Some(hook) = self.on_drop.take() {
            (hook.0)();
        }
    }
}

impl Clone for Nasty {
    fn clone(&self) -> Self {
        panic!("the store clones no data");
    }
}

fn nasty(on_drop: impl Fn() + Send + Sync + 'static) -> Nasty {
    Nasty {
        on_drop: Some(Hook(Arc::new(on_drop))),
    }
}

/// Runs an insert, a load, a commit, a destroy, a sweep and an eviction.
fn everything(
    on_drop: impl Fn(&MemoryStore<Nasty>) + Clone + Send + Sync + 'static,
) -> MemoryStore<Nasty> {
    let clock = FakeClock::new();
    let store = MemoryStore::builder().capacity(4).clock(&clock).build();
    let handle = store.clone();
    let data = move || {
        let (handle, on_drop) = (handle.clone(), on_drop.clone());
        nasty(move || on_drop(&handle))
    };
    let insert = || {
        let id = Sid::mint().id();
        let inserted = now(store.insert(key(id), &record(data()))).expect("room");
        assert!(matches!(inserted, InsertOutcome::Done { .. }));
        id
    };
    let (changed, destroyed) = (insert(), insert());
    assert!(
        now(store.load(key(changed), &request()))
            .expect("a load")
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
    };
    assert!(matches!(
        now(store.commit(key(changed), &change)),
        Ok(CommitOutcome::Applied(Some(_)))
    ));
    drop(change);
    assert!(now(store.destroy(key(destroyed))).expect("a destruction"));
    for _ in 0..6 {
        insert();
    }
    clock.advance(Duration::from_secs(30 * 60));
    insert();
    let _ = now(store.sweep(usize::MAX));
    clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(now(store.sweep(usize::MAX)).expect("a sweep"), 1);
    assert_eq!(store.shards.records(), 0);
    store
}

#[test]
fn data_can_use_the_store_while_it_is_dropped() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    everything(move |store| {
        let id = Sid::mint().id();
        assert!(now(store.load(key(id), &request())).is_ok());
        assert!(now(store.destroy(key(id))).is_ok());
        assert!(now(store.count("test")).is_ok());
        assert!(now(store.sweep(1)).is_ok());
        count.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(asked.load(Ordering::SeqCst), 10, "all data was dropped");
}

#[test]
fn data_that_panics_while_it_is_dropped_breaks_nothing() {
    let dropped = Arc::new(Mutex::new(0));
    let count = dropped.clone();
    let store = everything(move |_| {
        *count
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        panic!("this is part of the test");
    });
    let count = *dropped
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!(count, 10, "all data was dropped");
    let id = Sid::mint().id();
    assert!(now(store.insert(key(id), &record(Nasty::default()))).is_ok());
    assert!(now(store.destroy(key(id))).expect("a destruction"));
}
