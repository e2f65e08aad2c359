//! What the conformance kit cannot see.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test reports by panicking"
)]

mod eviction;
mod model;
mod sweeping;
mod tools;
mod user_code;

use crate::store::MemoryStore;
use crate::testing::FakeClock;
use crate::testing::conformance::UnderTest;

crate::store_conformance! {
    mod conformance, || async {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        UnderTest::new(store).with_clock(clock)
    }
}

crate::store_conformance! {
    #[ignore = "sleeps for half a minute"]
    mod conformance_in_real_time, || async { UnderTest::new(MemoryStore::new()) }
}
