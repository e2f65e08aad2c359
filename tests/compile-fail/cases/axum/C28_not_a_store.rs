//! A store that is none.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        store: String,
    }
}

fn main() {}
