//! A type that is not a store.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        store: String,
    }
}

fn main() {}
