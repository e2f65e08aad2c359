//! Configs as other libraries and languages write them.

use connect_session::session_config;

session_config! {
    pub struct Express {
        "idle_timeout": "30m",
        "data": Cart,
        name: "sid",
        resave: false,
        cookie: { maxAge: 60000, secure: true },
    }
}

session_config! {
    pub struct Builders {
        with_secure: false,
        with_expiry: Expiry::OnSessionEnd,
        session_lifecycle: PersistentSession::default(),
        cookie_same_site: Lax,
        cookie_content_security: Private,
        with_table_name: "sessions",
        set_idle_timeout: 5m,
        headers: ["X-User-Session"],
    }
}

session_config! {
    #[idle_timeout(30m)]
    pub struct Attributes {
        items: Vec<String>,
        visits: u64,
    }
}

session_config! {
    pub struct WithoutCommas {
        idle_timeout: 30m
        absolute_timeout: 12h
        commit: always
    }
}

session_config! {
    pub struct WithoutColons {
        idle_timeout 30m, absolute_timeout 12h, loaders [bearer], namespace "shop",
    }
}

session_config! {
    //! Sessions of the shop.
    pub struct Conditions {
        #[cfg(debug_assertions)]
        idle_timeout: 1h,
        #[cfg(not(debug_assertions))]
        idle_timeout: 30m,
        on_ended: reject(409),
    }
}

fn main() {}
