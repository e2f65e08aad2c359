//! The guide: how to build with this library, one recipe a page.
//!
//! Read it from top to bottom, which takes half an hour, or go to the recipe that you need. It assumes that
//! you know axum; [`frameworks`](crate::frameworks) describes what differs on others. Every Rust block of
//! these pages is compiled and, where it needs no server, run by the tests of the library.
//!
//! | I want to … | page |
//! | --- | --- |
//! | see the whole of it once, with a cart and `curl` | [`first_session`] |
//! | log users in, ask for the password again, list devices, log out everywhere | [`login`] |
//! | choose between a cookie, a header and a bearer token | [`clients`] |
//! | keep users logged in for weeks | [`remember_me`] |
//! | keep a cart through the login, and lose nothing when two requests collide | [`carts`] |
//! | use sessions in middleware, streams, WebSockets and background jobs | [`beyond_handlers`] |
//! | test handlers, with time that passes when I say so and a store that fails | [`testing_handlers`] |
//! | choose timeouts, by NIST and OWASP | [`timeouts`] |
//! | run it on Redis, PostgreSQL or SQLite, behind a proxy | [`deployment`] |
//! | change the type of the data without logging anybody out | [`changing_data`] |
//! | see and end the sessions of users, as an administrator | [`deployment`](deployment#a-page-for-administrators) |
//! | take over the sessions of another library | [`adopt`](mod@crate::adopt) |
//! | write a store, a loader or an adapter | [`extending`] |
//! | know what it does not do | [`limits`] |
//!
//! Reference: [`session`](macro@crate::session) and [`session_config!`](crate::session_config) list every option,
//! [`Session`](crate::Session) every method, and [`problem`](crate::problem) every error that a client can get.

pub mod beyond_handlers {
    #![doc = include_str!("beyond_handlers.md")]
}

pub mod carts {
    #![doc = include_str!("carts.md")]
}

pub mod changing_data {
    #![doc = include_str!("changing_data.md")]
}

pub mod clients {
    #![doc = include_str!("clients.md")]
}

pub mod deployment {
    #![doc = include_str!("deployment.md")]
}

pub mod extending {
    #![doc = include_str!("extending.md")]
}

pub mod first_session {
    #![doc = include_str!("first_session.md")]
}

pub mod limits {
    #![doc = include_str!("limits.md")]
}

pub mod login {
    #![doc = include_str!("login.md")]
}

pub mod remember_me {
    #![doc = include_str!("remember_me.md")]
}

pub mod testing_handlers {
    #![doc = include_str!("testing_handlers.md")]
}

pub mod timeouts {
    #![doc = include_str!("timeouts.md")]
}
