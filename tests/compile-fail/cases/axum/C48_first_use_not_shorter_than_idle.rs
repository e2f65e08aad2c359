//! A timeout for the first use that the idle timeout always precedes, or that is zero.

use std::time::Duration;

use connect_session::session_config;

const FIRST_USE: Duration = Duration::from_secs(3600);

session_config! {
    pub struct Shop {
        first_use_timeout: 30m,
    }
}

session_config! {
    pub struct Blog {
        idle_timeout: 5m,
        first_use_timeout: 10m,
    }
}

session_config! {
    pub struct Wiki {
        first_use_timeout: FIRST_USE,
    }
}

session_config! {
    pub struct Forum {
        first_use_timeout: 0m,
    }
}

fn main() {}
