//! An option that does not exist.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        idle_timeuot: 30m,
        ttl: 1h,
        header: "X-User-Session",
        framework: axum,
        max_size: 64KiB,
    }
}

fn main() {}
