//! A unit that does not exist.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        idle_timeout: 30min,
        absolute_timeout: 5w,
        renew_every: 1year,
        touch_every: 30m - 25m,
    }
}

fn main() {}
