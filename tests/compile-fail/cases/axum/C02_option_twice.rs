//! An option that occurs twice.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        idle_timeout: 30m,
        absolute_timeout: 2h,
        idle_timeout: 20m,
    }
}

fn main() {}
