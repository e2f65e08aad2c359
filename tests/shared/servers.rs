//! Where the servers are: `scripts/test` starts them, and says so in the environment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The URL in a variable of the environment. A test that needs one is ignored unless it is asked
/// for; asked for without a server it fails, because what was not tried has not passed.
#[track_caller]
pub fn url(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("`{variable}` names no server: run `scripts/test`"))
}

/// A name that nothing else has.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}_{:x}_{count}", now.as_micros())
}
