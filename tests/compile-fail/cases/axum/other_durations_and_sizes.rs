//! Durations and sizes in other notations, and what is checked beside an invalid one.

use connect_session::session_config;

session_config! {
    pub struct Fractions {
        idle_timeout: 0.5h,
        absolute_timeout: 1h30m,
        touch_every: 2m 30s,
        renew_every: "1 hour 30 minutes",
        renew_grace: "30",
        max_size: "64 KB",
    }
}

session_config! {
    pub struct Numbers {
        idle_timeout: 1800s,
        absolute_timeout: "1 day",
        max_size: 65536,
    }
}

// Neither is compared with the default of the other, which the user did not intend.
session_config! {
    pub struct Broken {
        idle_timeout: 48h,
        absolute_timeout: 7 days,
        renew_every: 20s,
        renew_grace: 5u8,
    }
}

session_config! {
    pub struct OfRunTime {
        idle_timeout: std::env::var("IDLE")?.parse()?,
        absolute_timeout: settings().await.absolute,
        namespace: std::env::var("NAMESPACE").unwrap(),
        loaders: [header(std::env::var("HEADER")?)],
    }
}

fn main() {}
