//! An idle timeout that has no effect.

use connect_session::session_config;

const LONG: std::time::Duration = std::time::Duration::from_secs(7200);

session_config! {
    pub struct Shop {
        idle_timeout: 2h,
        absolute_timeout: 1h,
    }
}

session_config! {
    pub struct Blog {
        idle_timeout: 2d,
    }
}

session_config! {
    pub struct Forum {
        absolute_timeout: 10m,
    }
}

session_config! {
    pub struct Chat {
        idle_timeout: LONG,
        absolute_timeout: 1h,
    }
}

fn main() {}
