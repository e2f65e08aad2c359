//! Renewals that overlap or never occur.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        renew_every: 20s,
    }
}

session_config! {
    pub struct Blog {
        renew_every: 10m,
        renew_grace: 10m,
    }
}

session_config! {
    pub struct Forum {
        renew_every: 2d,
    }
}

session_config! {
    pub struct Wiki {
        renew_grace: 10s,
    }
}

fn main() {}
