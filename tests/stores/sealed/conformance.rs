//! The conformance kit, with sealed stores.

use connect_session::store::{Sealed, SqliteStore};
use connect_session::testing::FakeClock;
use connect_session::testing::conformance::{
    Harness, store_conformance, subject_index_conformance,
};

use super::keys;

store_conformance! {
    mod sqlite, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
        Harness::new(Sealed::new(store, keys())).with_clock(clock)
    }
}

subject_index_conformance! {
    mod subject_index_of_sqlite, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
        Harness::new(Sealed::new(store, keys())).with_clock(clock)
    }
}
