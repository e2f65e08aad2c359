//! A timeout in milliseconds that was probably meant in minutes is a warning, shown here as an error. It can be
//! allowed.

#![deny(deprecated)]

use connect_session::session_config;

session_config! {
    pub struct Shop {
        idle_timeout: 30ms,
    }
}

session_config! {
    pub struct Forum {
        idle_timeout: 999ms,
        absolute_timeout: 999ms,
    }
}

session_config! {
    #[allow(deprecated)]
    pub struct Blog {
        idle_timeout: 30ms,
    }
}

session_config! {
    pub struct Wiki {
        idle_timeout: 1s,
        touch_every: 100ms,
    }
}

session_config! {
    pub struct Bazaar {
        first_use_timeout: 10ms,
    }
}

fn main() {}
