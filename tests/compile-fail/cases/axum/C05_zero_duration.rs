//! A duration of zero.

use connect_session::session_config;

const NEVER: std::time::Duration = std::time::Duration::ZERO;

session_config! {
    pub struct Shop {
        idle_timeout: 0s,
        absolute_timeout: 0h,
    }
}

session_config! {
    pub struct Blog {
        idle_timeout: NEVER,
    }
}

fn main() {}
