//! A discouraged value is a warning, shown here as an error. It can be allowed.

#![deny(deprecated)]

use connect_session::session_config;

session_config! {
    pub struct Shop {
        absolute_timeout: 31d,
    }
}

session_config! {
    #[allow(deprecated)]
    pub struct Blog {
        absolute_timeout: 31d,
    }
}

session_config! {
    pub struct Forum {
        absolute_timeout: 30d,
    }
}

fn main() {}
