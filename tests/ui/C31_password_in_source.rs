//! A password in the source.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        store: String = open("redis://shop:hunter2@cache:6379/0"),
    }
}

fn open(_: &str) -> String {
    String::new()
}

fn main() {}
