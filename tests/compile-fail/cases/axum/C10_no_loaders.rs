//! No loaders.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [],
    }
}

fn main() {}
