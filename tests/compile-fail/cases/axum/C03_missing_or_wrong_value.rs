//! An option without a value, or with one of the wrong kind.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        idle_timeout: "30m",
        absolute_timeout,
        touch_every: ,
        renew_every: 10,
        data: "Cart",
        commit: "always",
        namespace: 5,
        max_size: 1.5MiB,
    }
}

session_config! {
    pub struct Blog {
        idle_timeout = 30m,
        absolute_timeout: 12 h,
        loaders: header("X-User-Session"),
        merge: visits,
        renew_grace: 5s
        renew_every: 10m,
    }
}

fn main() {}
