//! A touch interval that would log active users out.

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
