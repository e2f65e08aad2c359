//! Activity that would be written down too late.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        touch_every: 30m,
    }
}

session_config! {
    pub struct Blog {
        idle_timeout: 5m,
        touch_every: 10m,
    }
}

fn main() {}
