//! Merge rules for untyped data, and an unknown `on_conflict`.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        merge: { visits: add },
    }
}

session_config! {
    pub struct Blog {
        on_conflict: merge,
        on_ended: rejct,
        commit: never,
    }
}

fn main() {}
