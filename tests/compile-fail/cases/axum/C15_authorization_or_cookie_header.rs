//! A header that has its own loader.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [header("Authorization"), header("cookie")],
    }
}

fn main() {}
