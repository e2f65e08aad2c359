//! `SqliteStore`, in memory and in a file: no server is needed, and so it is always tried.

use std::path::PathBuf;

use connect_session::store::SqliteStore;
use connect_session::testing::FakeClock;
use connect_session::testing::conformance::{UnderTest, store_conformance};

use crate::owned::{AtLast, Owned};
use crate::servers;

/// A directory of its own, and what removes it.
fn directory() -> (PathBuf, AtLast) {
    let directory = std::env::temp_dir().join(servers::unique("connect-session"));
    std::fs::create_dir(&directory).unwrap();
    let remove = directory.clone();
    let at_last = AtLast::block_on(move || async move {
        std::fs::remove_dir_all(remove).unwrap();
    });
    (directory, at_last)
}

store_conformance! {
    mod in_memory, || async {
        let clock = FakeClock::new();
        let store = SqliteStore::memory().await.unwrap().clock(clock.clone());
        UnderTest::new(store).with_clock(clock)
    }
}

store_conformance! {
    mod in_a_file, || async {
        let clock = FakeClock::new();
        let (directory, at_last) = directory();
        let store = SqliteStore::open(directory.join("sessions.db")).await.unwrap();
        let store = Owned { store: store.clock(clock.clone()), at_last };
        UnderTest::new(store).with_clock(clock)
    }
}
