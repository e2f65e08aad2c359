//! The servers under test. `scripts/test` starts them and passes their URLs in the environment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The URL in an environment variable. Tests that need a server are ignored by default; if they run
/// without one, they fail rather than pass untested.
#[track_caller]
pub fn url(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("`{variable}` is not set: run `scripts/test`"))
}

/// A unique name.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}_{:x}_{count}", now.as_micros())
}
